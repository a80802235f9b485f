"""A stored pipeline is the same bytes in every process, and brings no code of its own."""

import os
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
import skops.io
from forgery import opened
from lightgbm import LGBMClassifier
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from mlkit.core.errors import BundleError
from mlkit.training.storage import save_pipeline

MODULE = """
import hashlib, sys
from pathlib import Path
from subprocess import run

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline


class Odd(BaseEstimator):
    def fit(self, X, y=None):
        self.known_ = {"b", "a", "c", "d"}
        self.file = "a.csv"
        self.nested_ = {"__id__": "x", "file": {"file": 1}, "shared": [self.known_, self.known_]}
        return self

    def transform(self, X):
        return X


def main():
    from odd_project import Odd
    from mlkit.training.storage import save_pipeline

    X = np.arange(40.0).reshape(20, 2)
    forest = RandomForestClassifier(3, random_state=0)
    pipeline = Pipeline([("odd", Odd()), ("estimator", forest)]).fit(X, [0, 1] * 10)
    save_pipeline(pipeline, Path(sys.argv[1]))
    print(hashlib.sha256(Path(sys.argv[1]).read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
"""


@pytest.fixture
def odd_project(tmp_path, monkeypatch):
    """Return a module of a project whose class keeps odd things."""
    (tmp_path / "odd_project.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_every_process_writes_the_same_bytes(odd_project):
    """Whatever the hash seed: sets, shared objects, and attributes that skops' own keys call."""
    digests = set()
    for seed in ("1", "2", "3"):
        done = subprocess.run(
            [sys.executable, odd_project / "odd_project.py", odd_project / "m.skops"],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(odd_project)},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    odd = opened(odd_project / "m.skops", ["odd_project"]).named_steps["odd"]
    assert (odd.known_, odd.file) == ({"a", "b", "c", "d"}, "a.csv")
    assert odd.nested_["file"] == {"file": 1}
    assert odd.nested_["shared"] == [odd.known_, odd.known_]


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")  # of old LightGBM
@pytest.mark.parametrize(
    "estimator",
    [
        VotingClassifier([("ridge", RidgeClassifier()), ("tree", DecisionTreeClassifier())]),
        StackingClassifier([("ridge", RidgeClassifier())], cv=2),
        GridSearchCV(RidgeClassifier(), {"alpha": [1, 2]}, cv=2),
        MLPClassifier(max_iter=2),
        MLPClassifier(max_iter=2, solver="sgd"),
        LGBMClassifier(n_estimators=2, verbose=-1),
        XGBClassifier(n_estimators=2),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_libraries_estimators_hold_is_trusted(tmp_path, estimator):
    """Nobody has to trust scikit-learn, LightGBM or XGBoost by name to read a model of theirs."""
    rows = np.random.default_rng(0).normal(size=(40, 2))
    pipeline = Pipeline([("e", estimator)]).fit(rows, [0, 1] * 20)
    save_pipeline(pipeline, tmp_path / "m.skops")
    assert (opened(tmp_path / "m.skops", []).predict(rows) == pipeline.predict(rows)).all()


def test_what_a_trusted_module_imported_is_not_trusted(odd_project):
    """A function that the project's module has from elsewhere is refused, and named."""
    import odd_project as module

    step = FunctionTransformer(module.run)
    step.func.__module__, kept = "odd_project", step.func.__module__
    stored = skops.io.dumps(Pipeline([("f", step), ("e", Ridge())]))
    module.run.__module__ = kept
    (odd_project / "m.skops").write_bytes(stored)
    with pytest.raises(BundleError, match=r"not trusted: odd_project\.run"):
        opened(odd_project / "m.skops", ["odd_project"])


def test_what_is_no_pipeline_is_refused(tmp_path):
    """Neither another object nor another file is taken for a pipeline."""
    (tmp_path / "a.skops").write_bytes(skops.io.dumps(Ridge()))
    with pytest.raises(BundleError, match="holds a Ridge"):
        opened(tmp_path / "a.skops", [])
    (tmp_path / "b.skops").write_bytes(b"\x80\x05cos\nsystem\n.")
    with pytest.raises(BundleError, match="not a readable pipeline"):
        opened(tmp_path / "b.skops", [])


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ((number for number in range(3)), r"Keep only numbers, text, arrays and estimators"),
        (threading.Lock(), r"Keep only numbers, text, arrays and estimators"),
        (pd.Series({"BOS": 190.0, "LAX": 2475.0}), r"Keep what its to_dict\(\) or to_numpy"),
        (pd.Series([1.0, 2.0]), r"Keep what its to_dict\(\) or to_numpy"),
        ({("JFK", "BOS"): 1.0}, r"not tuple\)\. Join the parts of its keys as one text"),
        (lambda values: values, r"Keep a function that a module of your package defines"),
    ],
)
def test_what_cannot_be_stored_is_refused(tmp_path, odd, said):
    """The step and the attribute are named, whether writing fails or reading back, with advice."""
    step = FunctionTransformer()
    pipeline = Pipeline([("f", step), ("e", Ridge())])
    step.odd_ = odd
    with pytest.raises(BundleError, match=rf"^FunctionTransformer\.odd_ cannot be .* {said}"):
        save_pipeline(pipeline, tmp_path / "a.skops")
    assert not (tmp_path / "a.skops").exists()
