"""While a transform is traced pandas' names take stand-ins, there and nowhere else."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import wraps

import numpy as np
import pandas as pd
import pytest
from graphs_of_tests import by_graph, featurizer
from pandas import DataFrame, Series, concat, cut, isna, notnull, to_datetime, to_numeric

from mlkit import Featurizer, Schema
from mlkit.training.compilation.compiler import compile_features
from mlkit.training.compilation.errors import Untraceable


class Stop(Schema):
    """A stop."""

    minutes: float


STOPS = pd.DataFrame({"minutes": [1.0, 2.0]})


def test_other_threads_keep_pandas():
    """What runs beside a trace makes, asks and pickles pandas' own."""
    own = (pd.DataFrame, pd.Series, pd.concat)
    beside = []

    def look():
        frame = pd.DataFrame({"a": [1]})
        same = (pd.DataFrame, pd.Series, pd.concat) == own
        return same, type(frame) is own[0], issubclass(type(frame), pd.DataFrame)

    def transform(self, frame):
        with ThreadPoolExecutor(1) as pool:
            beside.append(pool.submit(look).result())
            beside.append(pool.submit(pickle.dumps, own[0]).result() is not None)
        return frame

    compile_features(featurizer(transform), Stop)
    assert set(beside) == {(True, True, True), True}


def test_pandas_is_its_own_again_after_a_trace_that_failed():
    """Name by name, and as a module."""
    own, kind = vars(pd).copy(), type(pd)
    with pytest.raises(Untraceable):
        compile_features(featurizer(lambda self, frame: frame["minutes"].sum()), Stop)
    assert type(pd) is kind
    assert all(getattr(pd, name) is value for name, value in own.items())


def test_classes_are_asked_and_derived_in_a_trace():
    """What derives from a class of pandas' while a trace runs is one of pandas' for good."""
    made = []

    def transform(self, frame):
        class Table(pd.DataFrame):
            pass

        assert issubclass(Table, pd.DataFrame)
        assert issubclass(type(frame), pd.DataFrame)
        assert isinstance(frame, pd.DataFrame | pd.Series)
        assert not issubclass(pd.Series, pd.DataFrame)
        assert pd.DataFrame.from_dict({"a": [1]}).shape == (1, 1)
        made.append(Table)
        return frame

    compile_features(featurizer(transform), Stop)
    assert made[0].__mro__[1] is pd.DataFrame
    assert made[0]({"a": [1, 2]}).shape == (2, 1)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("DataFrame", lambda f: DataFrame({"x": f["minutes"]})),
        ("DataFrame", lambda f: DataFrame({"x": f["minutes"], "y": 1}, index=f.index)),
        ("DataFrame", lambda f: DataFrame(f, columns=["minutes"])),
        ("Series", lambda f: f.assign(x=Series(f["minutes"]))),
        ("Series", lambda f: f.assign(x=Series(np.log(f["minutes"]), index=f.index))),
        ("concat", lambda f: concat([f, f.add_suffix("_")], axis=1)),
        ("isna", lambda f: f.assign(x=isna(f["minutes"]))),
        ("notna", lambda f: f.assign(x=notnull(f["minutes"]))),
        ("cut", lambda f: f.assign(x=cut(f["minutes"], [0, 1], labels=False))),
        ("to_numeric", lambda f: f.assign(x=to_numeric(f["minutes"]))),
        ("to_datetime", lambda f: f.assign(x=to_datetime(f["minutes"]))),
    ],
)
def test_names_imported_from_pandas_are_told_so(name, make):
    """The reason is the import, not what pandas stumbled over inside."""
    with pytest.raises(Untraceable) as caught:
        compile_features(featurizer(lambda self, frame: make(frame)), Stop)
    assert caught.value.operation == f"{name} that was imported from pandas by its name"
    assert f"pd.{name}" in caught.value.advice
    assert "lambda f: " in caught.value.line


@pytest.mark.parametrize(
    ("make", "called", "instead"),
    [
        (lambda f: pd.get_dummies(f["minutes"]), "pd.get_dummies", "the encoder"),
        (lambda f: pd.get_dummies(f, dtype=int), "pd.get_dummies", "the encoder"),
        (lambda f: pd.qcut(f["minutes"], 3), "pd.qcut", "Learn the edges in fit"),
        (lambda f: pd.to_timedelta(f["minutes"]), "pd.to_timedelta", "pd.Timedelta(hours=1)"),
        (lambda f: pd.Categorical(f["minutes"]), "pd.Categorical", "the encoder"),
        (lambda f: np.mean([f["minutes"], f["minutes"]], axis=0), "np.mean", "np.maximum(a, b)"),
    ],
)
def test_the_function_that_was_called_is_told(make, called, instead):
    """Not what it stumbled over inside."""
    with pytest.raises(Untraceable) as caught:
        compile_features(featurizer(lambda self, frame: make(frame)), Stop)
    assert caught.value.operation.startswith(called)
    assert instead in caught.value.advice
    assert "lambda f: " in caught.value.line


def test_a_decorator_of_transform_has_its_effect():
    """Though it names what it wraps, it is not looked behind."""

    def logged(transform):
        @wraps(transform)
        def both(self, frame):
            return transform(self, frame).assign(seen=1.0)

        return both

    class Stops(Featurizer):
        @logged
        def transform(self, frame):
            return pd.DataFrame({"minutes": frame["minutes"]})

    assert by_graph(Stops(), Stop, STOPS) == {"minutes": [1.0, 2.0], "seen": [1.0, 1.0]}
