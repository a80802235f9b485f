"""Each rule finds its bad example, and nothing in its good one."""

import ast
import subprocess
from pathlib import Path

import pytest
from examples_of_tests import planted

from mlkit.standards.checking import check, check_file
from mlkit.standards.choosing import Choice
from mlkit.standards.rule import ProjectRule
from mlkit.standards.rules import RULES


def codes(code: str, folder: Path, name: str = "src/flights/features.py") -> list[str]:
    """Return the codes of what breaks a rule in a module."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    return [found.code for found in check_file(path, Choice())]


#: Examples of code that have a Featurizer have no test for it.
FOR_A_FEATURIZER = {
    code: () if isinstance(rule, ProjectRule) else ("MLK921",) for code, rule in RULES.items()
}


@pytest.mark.parametrize("code", RULES)
def test_the_bad_example_breaks_its_rule_alone(code, tmp_path):
    """And the good one none at all."""
    for example, expected in ((RULES[code].bad, {code}), (RULES[code].good, set())):
        folder = tmp_path / str(len(expected))
        planted(example, folder)
        subprocess.run(["git", "init", "--quiet", folder], check=True)
        found = check([folder], Choice(folder=folder, ignore=FOR_A_FEATURIZER[code])).findings
        assert {each.code for each in found} == expected


@pytest.mark.parametrize("code", RULES)
def test_a_rule_says_what_why_and_what_to_do(code):
    """In sentences; its code begins with its subject's."""
    rule = RULES[code]
    assert rule.code == code
    assert rule.name
    assert rule.reason.endswith(".")
    assert rule.fix
    for example in (rule.bad, rule.good):
        assert example.lstrip().startswith("==> ") or ast.parse(example)


ALSO_BAD = [
    ("MLK101", "from sklearn.model_selection import train_test_split as split\n"
     "def prepare(x, y, scaler):\n"
     "    scaler.fit(x)\n"
     "    z = scaler.transform(x)\n"
     "    return split(z, y, random_state=0)\n"),
    ("MLK102", "from sklearn import model_selection as ms\n"
     "a, b, c, d = ms.train_test_split(x, y, random_state=1)\n"
     "if tuned:\n"
     "    model.fit(b[cols], d)\n"),
    ("MLK201", "import random\nrandom.shuffle(rows)\n"),
    ("MLK202", "from numpy.random import default_rng\nrng = default_rng(None)\n"),
    ("MLK203", "from sklearn.model_selection import KFold\nfolds = KFold(5, shuffle=True)\n"),
    ("MLK301", "found = x != float('nan')\n"),
    ("MLK302", "import pandas as pd\nj = pd.merge(a, b, on='k', how='left')\n"),
    ("MLK303", "import pandas as pd\nf['x'] = f.apply(lambda r: r.a, axis='columns')\n"),
    ("MLK401", "import pickle\nwith open('m', 'rb') as file:\n    m = pickle.load(file)\n"),
    ("MLK402", "import torch\nm = torch.load(path, weights_only=False)\n"),
    ("MLK501", "from sklearn.base import BaseEstimator, TransformerMixin\n"
     "class A(TransformerMixin, BaseEstimator):\n"
     "    def __init__(self):\n        self.mean_ = None\n"),
    ("MLK502", "from sklearn.base import BaseEstimator\n"
     "class A(BaseEstimator):\n"
     "    def transform(self, x):\n        return self.scaler.fit_transform(x)\n"),
    ("MLK601", "def f():\n    print('x')\n"),
    ("MLK602", "import logging\nlogging.warning('x')\n"),
    ("MLK603", "from mlkit.core.log import get_logger\nlog = get_logger(__name__)\n"
     "log.error(f'{x}')\n"),
    ("MLK701", "path = 'C:\\\\Users\\\\ana\\\\x.csv'\n"),
    ("MLK702", "connect(password='hunter2-and-more')\n"),
]  # fmt: skip
FINE = [
    "from sklearn.model_selection import train_test_split\n"
    "model.fit(x, y)\na, b = train_test_split(x, random_state=0)\n",
    "from sklearn.preprocessing import LabelEncoder\n"
    "from sklearn.model_selection import train_test_split\n"
    "y = LabelEncoder().fit_transform(y)\na, b = train_test_split(y, random_state=0)\n",
    "from sklearn.model_selection import train_test_split\n"
    "a, b = train_test_split(x, random_state=0)\nb = other()\nmodel.fit(b)\n",
    "from sklearn.model_selection import train_test_split, KFold\n"
    "a, b = train_test_split(x, shuffle=False)\nKFold(5)\ntrain_test_split(x, **options)\n",
    "import numpy as np\nnp.random.seed(3)\nx = np.random.rand()\n",
    "from omegaconf import OmegaConf\nimport pandas\nc = OmegaConf.merge(a, b)\n",
    "merged = tree.merge(other)\n",
    "import random\nrng = random.Random(7)\nrng.random()\n",
    "from random import random\ndef f(frame):\n    random = frame.a\n    return random.max()\n",
    "class A:\n    def __init__(self):\n        self.rows_ = sorted(x)\n",
    "def f():\n    '''Read /home/ana/flights.csv with password=abcdefghijk.'''\n",
    "url = 'postgresql://user:<password>@host/db'\ntoken = '${TOKEN_OF_CI}'\n",
]


@pytest.mark.parametrize(("code", "text"), ALSO_BAD, ids=[code for code, _ in ALSO_BAD])
def test_what_breaks_a_rule_otherwise_is_found_too(code, text, tmp_path):
    """By other names, in functions and in blocks."""
    assert set(codes(text, tmp_path)) == {code}


@pytest.mark.parametrize("text", FINE)
def test_what_looks_like_it_is_left_alone(text, tmp_path):
    """A rule that blocks must be sure."""
    assert codes(text, tmp_path) == []
