"""A graph is the same tomorrow: what comes from the clock or by chance stops the trace."""

import random
import time
import uuid
from datetime import date, datetime
from random import randrange

import features_of_tests
import numpy as np
import pandas as pd
import pytest
from graphs_of_tests import by_graph, featurizer
from sklearn.linear_model import LogisticRegression

from mlkit import Featurizer, Schema
from mlkit.core.errors import FeaturizerError
from mlkit.core.rows import read_table
from mlkit.training.compilation.compiler import compile_features
from mlkit.training.compilation.errors import Inconstant, Untraceable
from mlkit.training.compilation.parity import try_compile


class Person(Schema):
    """A person."""

    born: datetime
    today: float


PEOPLE = pd.DataFrame({"born": pd.to_datetime(["1980-01-01", "2000-02-29"]), "today": [1.0, 2.0]})


def featurizer_of(make) -> Featurizer:
    """Return a featurizer with one feature."""

    def transform(self, frame):
        return pd.DataFrame({"feature": make(frame)}, index=frame.index)

    return featurizer(transform)


@pytest.mark.parametrize(
    ("make", "call"),
    [
        (lambda f: (pd.Timestamp.now() - f["born"]).dt.days, "pd.Timestamp.now()"),
        (lambda f: pd.Timestamp.today().year - f["born"].dt.year, "pd.Timestamp.today()"),
        (lambda f: f["born"] < pd.Timestamp("now").normalize(), "pd.Timestamp('now')"),
        (lambda f: f["born"] < pd.to_datetime("today"), "pd.to_datetime('today')"),
        (lambda f: f["born"] < np.datetime64("today"), "np.datetime64('today')"),
        (lambda f: datetime.now().year - f["born"].dt.year, "datetime.now()"),
        (lambda f: date.today().year - f["born"].dt.year, "date.today()"),
        (lambda f: time.time() // 86_400 - f["today"], "time.time()"),
        (lambda f: time.localtime().tm_year - f["today"], "time.localtime()"),
    ],
)
def test_stops_at_the_clock(make, call):
    """However coarse the time is, the line and the way out are told."""
    with pytest.raises(Untraceable) as caught:
        compile_features(featurizer_of(make), Person)
    assert caught.value.operation == call
    assert caught.value.line.startswith("test_fickle.py:")
    assert call.partition("(")[0] in caught.value.line
    assert 'role="event_time"' in caught.value.advice


@pytest.mark.parametrize(
    ("make", "call"),
    [
        (lambda f: f["today"] + (random.random() > 2), "random.random()"),  # noqa: S311
        (lambda f: f["today"] + np.random.randint(1), "np.random.randint(1)"),  # noqa: NPY002
        (
            lambda f: f["today"] + np.random.default_rng().integers(1),
            "np.random.default_rng().integers(1)",
        ),
    ],
)
def test_stops_at_chance(make, call):
    """However few outcomes a draw has."""
    with pytest.raises(Untraceable, match="draw in fit") as caught:
        compile_features(featurizer_of(make), Person)
    assert caught.value.operation == call


def test_stops_at_the_clock_of_a_helper():
    """Functions of other modules are looked into, if they are called."""
    with pytest.raises(Untraceable) as caught:
        compile_features(featurizer_of(lambda f: features_of_tests.age(f["born"])), Person)
    assert caught.value.line.startswith("features_of_tests.py:")
    assert "pd.Timestamp.now()" in caught.value.line


def test_the_clock_is_told_of_before_what_does_not_compile():
    """A model that runs in Python would drift as well."""

    def transform(self, frame):
        age = frame["born"].apply(lambda born: born.year)
        return pd.DataFrame({"age": pd.Timestamp.now().year - age})

    with pytest.raises(Inconstant, match=r"Timestamp\.now\(\) is not the same each time"):
        compile_features(featurizer(transform), Person)


class Ageing(Featurizer):
    """Asks the clock."""

    def transform(self, frame):
        """Return a feature that grows."""
        hours = frame["scheduled_departure"] - pd.Timestamp.now().floor("h")
        return frame[["distance"]].assign(hours=hours / pd.Timedelta(hours=1))


def test_no_model_is_packed_that_drifts_with_the_clock(build, flights):
    """It is an error, not a reason to run in Python, and it names the line and the way out."""
    model = build(featurizer=Ageing(), estimator=LogisticRegression()).fit(flights)
    with pytest.raises(FeaturizerError, match=r"test_fickle\.py:\d+ .*event_time"):
        try_compile(model, read_table(model.schema, flights.head(50)))


class Counting(Featurizer):
    """Knows how often it was called."""

    calls = 0

    def transform(self, frame):
        """Return a feature that stays, and one that grows."""
        Counting.calls += 1
        return frame[["today"]].assign(call=frame["today"] + Counting.calls)


class Drawing(Featurizer):
    """Keeps a generator."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def transform(self, frame):
        """Return one feature that is drawn."""
        return pd.DataFrame({"call": frame["today"] * self.rng.normal()})


@pytest.mark.parametrize(
    "made",
    [
        Counting(),
        Drawing(),
        featurizer(lambda self, f: pd.DataFrame({"call": f["today"] + randrange(10**9)})),  # noqa: S311
        featurizer(lambda self, f: pd.DataFrame({"call": f["today"] + uuid.uuid4().time})),
    ],
)
def test_stops_where_two_calls_differ(made):
    """It names the feature, and where the transform stands."""
    with pytest.raises(Untraceable, match="each time") as caught:
        compile_features(made, Person)
    assert "call" in caught.value.operation
    assert "today" not in caught.value.operation
    assert caught.value.line.startswith("test_fickle.py:")


class Calm(Featurizer):
    """Has everything that is no clock: its words as names, in fit, and in what is not called."""

    def fit(self, frame, target=None):
        """Look at the clock, and draw."""
        self.today = pd.Timestamp.now().normalize()
        self.factor_ = np.random.default_rng().normal()
        return super().fit(frame, target)

    def now(self):
        """Return the time, if somebody asks."""
        return pd.Timestamp.now()

    def localtime(self, values):
        """Return what it is given."""
        return values

    def transform(self, frame):
        """Return what stays."""
        random = frame["today"]
        today = self.localtime(random.fillna(0.0))
        begin = time.perf_counter()
        made = pd.DataFrame(
            {"today": frame.today + today * self.factor_, "young": frame["born"] > self.today}
        )
        assert time.perf_counter() >= begin
        return made


def test_what_is_learned_in_fit_is_no_clock():
    """Nor is a column, an attribute or a variable of such a name."""
    made = Calm().fit(PEOPLE)
    found = by_graph(made, Person, PEOPLE)
    assert found == {
        "today": (PEOPLE["today"] + PEOPLE["today"] * made.factor_).tolist(),
        "young": [False, False],
    }
