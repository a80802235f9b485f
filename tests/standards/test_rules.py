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
    ("MLK103", "from sklearn.metrics import roc_auc_score\n"
     "def judge(model, x, y):\n"
     "    model.fit(x, y)\n"
     "    guesses = model.predict_proba(x)[:, 1]\n"
     "    return roc_auc_score(y, guesses)\n"),
    ("MLK104", "from sklearn.model_selection import GridSearchCV\n"
     "search = GridSearchCV(model, grid)\nsearch.fit(X_test, y_test)\n"),
    ("MLK104", "import xgboost as xgb\n"
     "xgb.train(p, d, evals=[(dtest, 'x')], early_stopping_rounds=5)\n"),
    ("MLK104", "import optuna\n"
     "def objective(trial):\n"
     "    model = make(trial.suggest_float('c', 0, 1)).fit(X_train, y_train)\n"
     "    return model.score(X_test, y_test)\n"),
    ("MLK105", "scores = [model.score(X_test, y_test) for model in models]\n"),
    ("MLK105", "from sklearn.metrics import f1_score\n"
     "a_guess = a.predict(X_test)\nf1_score(y_test, a_guess)\n"
     "f1_score(y_test, b.predict(X_test))\nf1_score(y_test, c.predict(X_test))\n"),
    ("MLK201", "import random\nrandom.shuffle(rows)\n"),
    ("MLK202", "from numpy.random import default_rng\nrng = default_rng(None)\n"),
    ("MLK203", "from sklearn.model_selection import KFold\nfolds = KFold(5, shuffle=True)\n"),
    ("MLK203", "from sklearn.model_selection import GroupShuffleSplit\nGroupShuffleSplit(5)\n"),
    ("MLK204", "from torch.utils.data import DataLoader\n"
     "if __name__ == '__main__':\n    train(DataLoader(rows, shuffle=True))\n"),
    ("MLK204", "from torch.utils.data import random_split\na, b = random_split(rows, [9, 1])\n"),
    ("MLK205", "from optuna.samplers import TPESampler\nsampler = TPESampler(multivariate=x)\n"),
    ("MLK301", "found = x != float('nan')\n"),
    ("MLK302", "import pandas as pd\nj = pd.merge(a, b, on='k', how='left')\n"),
    ("MLK303", "import pandas as pd\nf['x'] = f.apply(lambda r: r.a, axis='columns')\n"),
    ("MLK304", "import pandas as pd\nf = pd.read_parquet(p)\nf['a'][0] = 1\n"),
    ("MLK304", "import pandas as pd\nf.loc[rows]['a'] = 1\n"),
    ("MLK305", "from pandas import read_csv\nf = read_csv(p, sep=';')\n"),
    ("MLK401", "import pickle\nwith open('m', 'rb') as file:\n    m = pickle.load(file)\n"),
    ("MLK402", "import torch\nm = torch.load(path, weights_only=False)\n"),
    ("MLK501", "from sklearn.base import BaseEstimator, TransformerMixin\n"
     "class A(TransformerMixin, BaseEstimator):\n"
     "    def __init__(self):\n        self.mean_ = None\n"),
    ("MLK502", "from sklearn.base import BaseEstimator\n"
     "class A(BaseEstimator):\n"
     "    def transform(self, x):\n        return self.scaler.fit_transform(x)\n"),
    ("MLK503", "from mlkit import Featurizer, Schema, column\n"
     "class Flight(Schema):\n    delay: float = column(role='target')\n"
     "NAMES = ['origin', 'delay']\n"
     "class A(Featurizer):\n    def transform(self, frame):\n        return frame[[*NAMES]]\n"),
    ("MLK504", "from sklearn import linear_model\nmodel = linear_model.Lasso()\n"),
    ("MLK505", "import torch\n"
     "class A:\n    def predict(self, x):\n        return self.network(x).detach()\n"),
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
    # The score in training is called so, or others are scored beside it.
    "from sklearn.svm import SVC\nm = SVC().fit(x, y)\nshow('train', m.score(x, y))\n",
    "from sklearn.svm import SVC\n"
    "m = SVC().fit(x, y)\nseen = m.score(x, y)\nunseen = m.score(x_new, y_new)\n",
    "from sklearn.mixture import GaussianMixture\n"
    "likelihood = GaussianMixture(2, random_state=0).fit(x).score(x)\n",
    "from sklearn.svm import SVC\nm = SVC().fit(x, y)\nx, y = others()\nm.score(x, y)\n",
    # What is split off the training rows, or calibrates, does not judge.
    "from sklearn.model_selection import train_test_split\n"
    "rest, test = train_test_split(x, random_state=0)\n"
    "a, b = train_test_split(rest, random_state=0)\nmodel.fit(b)\n",
    "from sklearn.model_selection import train_test_split\n"
    "x_train, x_cal = train_test_split(x, random_state=0)\nmodel.fit(x_cal)\n",
    # Rows that are only shown stop nothing, and those of a trial's own are no holdout.
    "model.fit(X_train, y_train, eval_set=[(X_test, y_test)])\n",
    "import optuna\n"
    "def objective(trial):\n"
    "    X_train, X_test = split(rows, trial.suggest_int('n', 1, 9))\n"
    "    return fit(X_train).score(X_test)\n",
    # A model and its baseline; the folds of a loop.
    "a.score(X_test, y_test)\nb.score(X_test, y_test)\n",
    "for X_train, X_test in folds:\n    model.fit(X_train)\n    model.score(X_test)\n",
    "import numpy as np\nfrom sklearn.model_selection import train_test_split\n"
    "np.random.seed(3)\na, b = train_test_split(x)\n",
    "import random\nimport time\ntime.sleep(random.random())\n",
    # Whoever calls a module of a package may have seeded; one that is run seeds by any name.
    "import torch\nfrom torch.utils.data import DataLoader\n"
    "def batches(rows):\n    return DataLoader(rows, shuffle=True)\n",
    "import torch\nset_seed(3)\nopt = torch.optim.Adam(p)\nloss(x).backward()\n",
    "import optuna\nsampler = optuna.samplers.RandomSampler(3)\n",
    "import optuna\nstudy = optuna.create_study()\nstudy.sampler = seeded\n",
    # Lists of lists, records of records.
    "import pandas as pd\nrows[0][1] = 2\nsettings['a']['b'] = 3\n",
    "import pandas as pd\nf = pd.read_csv(p).astype({'a': float})\n",
    "import pandas as pd\nfor row in f.itertuples():\n    show(row.name)\n",
    "import pandas as pd\ntable += [list(row) for row in f.itertuples(index=False, name=None)]\n",
    "import pickle\ncopied = pickle.loads(pickle.dumps(x))\n",
    "import pickle\ndef f(x):\n    kept = pickle.dumps(x)\n    return pickle.loads(kept)\n",
    "import torch\nm = torch.load(path, weights_only=is_safe)\n",
    "from sklearn.base import ClassifierMixin\n"
    "class A(ClassifierMixin, Own):\n    def __init__(self, p):\n        self.n = p.get('n')\n",
    "from mlkit import Featurizer\n"
    "class A(Featurizer):\n    def transform(self, frame):\n        return frame[['delay']]\n",
    "from sklearn.cluster import KMeans\nsearch(KMeans(), {'n_clusters': [2, 3]})\n",
    "import torch\ndef predict(model, x):\n    model.eval()\n"
    "    with torch.no_grad():\n        return model(x)\n",
    "import torch\ndef forward(model, x):\n    return model(x)\n",
    "import os\nfolder = os.environ.get('DATA', '/data/flights')\n",
    "import numpy as np\nnp.random.seed(3)\nx = np.random.rand()\n",
    "from omegaconf import OmegaConf\nimport pandas\nc = OmegaConf.merge(a, b)\n",
    "merged = tree.merge(other)\n",
    "import random\nrng = random.Random(7)\nrng.random()\n",
    "from random import random\ndef f(frame):\n    random = frame.a\n    return random.max()\n",
    "class A:\n    def __init__(self):\n        self.rows_ = sorted(x)\n",
    "def f():\n    '''Read /home/ana/flights.csv with password=abcdefghijk.'''\n",
    "url = 'postgresql://user:<password>@host/db'\ntoken = '${TOKEN_OF_CI}'\n",
]


#: What a test may do: it judges code, not a model.
FINE_IN_TESTS = [
    "from sklearn.svm import SVC\nassert SVC().fit(x, y).score(x, y) > 0.9\n",
    "from sklearn.model_selection import train_test_split\n"
    "a, b = train_test_split(x, random_state=0)\nmodel.fit(b)\n",
    "import pytest\nfrom sklearn.model_selection import train_test_split\n"
    "with pytest.raises(ValueError):\n    train_test_split(x, test_size=2.0)\n",
    "import pickle\nkept = pickle.dumps(x)\n",
    "from sklearn.cluster import KMeans\nKMeans().fit(x)\n",
]
OUTCOMES = """
from mlkit import Schema, column

class Flight(Schema):
    dest: str
    arr_delay: float | None = column(role="outcome")

class Plane(Schema):
    tailnum: str = column(role="key")
    dep_delay: float = column(role="target")

class Delay(Schema):
    dep_delay: float
"""
FEATURES = """
from mlkit import Featurizer

class Flights(Featurizer):
    def transform(self, frame):
        return frame.assign(a=frame.arr_delay, b=frame["arr_delay"], c=frame["dep_delay"])
"""


@pytest.mark.parametrize(("code", "text"), ALSO_BAD, ids=[code for code, _ in ALSO_BAD])
def test_what_breaks_a_rule_otherwise_is_found_too(code, text, tmp_path):
    """By other names, in functions and in blocks."""
    assert set(codes(text, tmp_path)) == {code}


@pytest.mark.parametrize("text", FINE)
def test_what_looks_like_it_is_left_alone(text, tmp_path):
    """A rule that blocks must be sure."""
    assert codes(text, tmp_path) == []


@pytest.mark.parametrize("text", FINE_IN_TESTS)
def test_a_test_may_do_what_a_judgement_may_not(text, tmp_path):
    """By the name of its file, or of its folder."""
    assert codes(text, tmp_path, "tests/models.py") == []
    assert codes(text, tmp_path, "test_models.py") == []
    assert codes(text, tmp_path, "models.py") != []


def test_outcomes_are_those_of_the_schema_beside(tmp_path):
    """One that another schema has as a feature may be meant; a broken schema declares none."""
    schema = tmp_path / "schema.py"
    schema.write_text(OUTCOMES, encoding="utf-8")
    assert codes(FEATURES, tmp_path, "features.py") == ["MLK503", "MLK503"]
    assert codes(FEATURES, tmp_path, "other/features.py") == []
    schema.write_text("class Flight(", encoding="utf-8")
    assert codes(FEATURES, tmp_path, "features.py") == []
