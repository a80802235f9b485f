"""Studies, and what a random split would have promised."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from mlkit import Featurizer, Schema, Splitter, Target, Trainer, column
from mlkit.core.errors import ConfigError, DataError
from mlkit.training.flattery import compare_splits
from mlkit.training.studies import learning_curve, staleness


class Event(Schema):
    """Rows in time."""

    when: datetime = column(role="event_time")
    number: float
    score: float | None = column(role="target")


class Visit(Schema):
    """Rows of customers, several each."""

    customer: int = column(role="key")
    number: float
    score: float | None = column(role="target")


class Number(Featurizer):
    """The number alone."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return one feature."""
        return frame[["number"]]


def trainer(schema, *, kind="auto", estimator=None):
    """Return a small trainer of the score."""
    return Trainer(
        schema=schema,
        target=Target(task="regression", column="score"),
        featurizer=Number(),
        estimator=estimator or LinearRegression(),
        splitter=Splitter(kind=kind),
    )


def year(decay: float, n_rows: int = 3000) -> pd.DataFrame:
    """Return a year of rows whose relation wanders off by `decay` a month."""
    rng = np.random.default_rng(0)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 8760, n_rows)), "h")
    number = rng.normal(size=n_rows)
    slope = 1 + decay * (pd.Series(when).dt.month.to_numpy() - 1)
    return pd.DataFrame(
        {"when": when, "number": number, "score": slope * number + rng.normal(size=n_rows)}
    )


def visits() -> pd.DataFrame:
    """Return rows of 200 customers, each with a number and a score of its own."""
    rng = np.random.default_rng(0)
    customer = np.repeat(np.arange(200), 10)
    own, level = rng.normal(size=200), rng.normal(size=200)
    return pd.DataFrame(
        {
            "customer": customer,
            "number": own[customer],
            "score": level[customer] + 0.1 * rng.normal(size=2000),
        }
    )


def test_a_wandering_relation_makes_a_model_older_each_month():
    """The slope's interval lies above 0 where the relation wanders."""
    found = staleness(trainer(Event), year(0.2))
    assert 0 < found.low < found.slope < found.high
    assert {cell.age for cell in found.cells} == set(range(1, 10))
    assert "it gets old" in found.summary()


def test_a_steady_relation_keeps_a_model_young():
    """Where nothing changes, the interval holds 0."""
    found = staleness(trainer(Event), year(0))
    assert found.low < 0 < found.high


def test_staleness_needs_an_event_time():
    """Without one there is no age, which is said at once."""
    with pytest.raises(ConfigError, match="no event time"):
        staleness(trainer(Visit), visits())


def test_staleness_needs_months():
    """Too few months are an error that says how many are needed."""
    frame = year(0)
    with pytest.raises(DataError, match="at least 5 months"):
        staleness(trainer(Event), frame[frame["when"] < "2024-04-01"])


def test_a_learning_curve_judges_all_steps_on_one_holdout():
    """Training rows grow up to all there are, and a line of two numbers needs few."""
    found = learning_curve(trainer(Event), year(0))
    assert [step.n_rows for step in found.steps] == [240, 480, 960, 1680, 2400]
    assert found.n_holdout == 600
    assert not found.helps()


def test_says_that_more_rows_help():
    """A curve that still climbs says so."""
    rng = np.random.default_rng(0)
    number = rng.uniform(0, 30, 500)
    frame = year(0, 500).assign(number=number, score=np.sin(5 * number) * 10)
    estimator = HistGradientBoostingRegressor(max_iter=100, min_samples_leaf=2)
    assert learning_curve(trainer(Event, estimator=estimator), frame).helps()


@pytest.mark.parametrize("kind", ["auto", "stratified"])
def test_warns_where_rows_of_one_group_tell_each_other(kind, caplog):
    """A random split promises what customers never seen do not keep."""
    made = trainer(Visit, kind=kind, estimator=HistGradientBoostingRegressor(max_iter=50))
    frame = Visit.validate(visits())
    model = made.fit(frame)
    with caplog.at_level("WARNING"):
        found = compare_splits(made, model, frame)
    assert found.at_random < 0.5 * found.as_split
    event = "split_flatters" if kind == "stratified" else "random_split_would_flatter"
    assert event in caplog.text


def test_does_not_warn_where_rows_are_independent(caplog):
    """Figures are given, without a warning, where both splits promise the same."""
    made = trainer(Event)
    frame = Event.validate(year(0))
    model = made.fit(frame)
    with caplog.at_level("WARNING"):
        found = compare_splits(made, model, frame)
    assert found.at_random == pytest.approx(found.as_split, rel=0.1)
    assert "flatter" not in caplog.text
