"""Studies, and what a random split would have promised."""

from datetime import datetime
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from mlkit import Featurizer, Schema, Splitter, Target, Trainer, column, read_frame
from mlkit.core.errors import ConfigError, DataError
from mlkit.training.studies import learning_curve, staleness
from mlkit.training.studies.flattery import compare_splits


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


def year(decay: float, n_rows: int = 3000, seed: int = 0) -> pd.DataFrame:
    """Return a year of rows whose relation wanders off by `decay` a month."""
    rng = np.random.default_rng(seed)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 8760, n_rows)), "h")
    number = rng.normal(size=n_rows)
    slope = 1 + decay * (pd.Series(when).dt.month.to_numpy() - 1)
    return pd.DataFrame(
        {"when": when, "number": number, "score": slope * number + rng.normal(size=n_rows)}
    )


def visits(level: float = 1, noise: float = 0.1, n_customers: int = 200, seed: int = 0):
    """Return ten rows a customer, each with a number and, at this level, a score of its own."""
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(n_customers), 10)
    own, levels = rng.normal(size=n_customers), level * rng.normal(size=n_customers)
    score = own[customer] * (level == 0) + levels[customer] + noise * rng.normal(size=len(customer))
    return pd.DataFrame({"customer": customer, "number": own[customer], "score": score})


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


def test_losses_are_told_on_the_same_months():
    """A model is held against the one trained last before the month, not against all."""
    found = staleness(trainer(Event), year(0.2))
    losses = found.losses()
    assert losses[1] == 0
    assert all(losses[age] < losses[age + 1] for age in range(1, 9))


def test_a_thin_month_trains_no_model():
    """All models train on as many full months; what a month has too few rows of is left out."""
    frame = year(0)
    is_thin = (frame["when"].dt.month == 5) & (frame.index % 10 > 0)
    found = staleness(trainer(Event), frame[~is_thin])
    assert {cell.cut for cell in found.cells} == {
        "2024-04", *(f"2024-{month:02}" for month in range(9, 13))
    }  # fmt: skip


@pytest.mark.slow
def test_the_slope_of_staleness_covers_the_truth():
    """Without drift the interval holds 0 nine times in ten or more; planted drift is found."""
    steady, wandering = (
        [staleness(trainer(Event), year(decay, 1200, seed)) for seed in range(30)]
        for decay in (0, 0.15)
    )
    assert np.mean([found.low <= 0 <= found.high for found in steady]) >= 0.9
    assert np.mean([found.low > 0 for found in wandering]) >= 0.9


def test_a_learning_curve_judges_all_steps_on_one_holdout():
    """Training rows double up to all there are, and a line of two numbers needs few."""
    found = learning_curve(trainer(Event), year(0))
    assert [(step.n_rows, step.n_models) for step in found.steps] == [
        (150, 3), (300, 3), (600, 3), (1200, 2), (2400, 1),
    ]  # fmt: skip
    assert found.n_holdout == 600
    assert found.low < found.gain < found.high
    assert not found.helps()
    assert "not shown that more such rows would help" in found.summary()


def test_a_learning_curve_goes_by_the_metric_asked_for():
    """Of R², more is better, and a gain is above 0."""
    found = learning_curve(trainer(Event), year(0, 500), metric="r2")
    assert found.metric == "r2"
    assert found.gain == found.steps[-1].value - found.steps[-2].value


def test_a_learning_curve_adds_whole_groups():
    """Where groups are held out, the steps are of more groups, not of more rows of each."""

    class Counting(LinearRegression):
        """Remembers how many groups each fit had."""

        seen: ClassVar[list[int]] = []

        def fit(self, X, y):
            self.seen.append(len(np.unique(X)))
            return super().fit(X, y)

    learning_curve(trainer(Visit, estimator=Counting()), visits())
    expected = [10] * 3 + [20] * 3 + [40] * 3 + [80] * 2 + [160]
    assert np.abs(np.subtract(Counting.seen, expected)).max() <= 1


def test_a_learning_curve_needs_rows():
    """Too few rows for two steps are an error that says so."""
    with pytest.raises(DataError, match="64 training rows are too few"):
        learning_curve(trainer(Event), year(0, 80))


def test_says_that_more_rows_help():
    """A curve that still climbs says so."""
    rng = np.random.default_rng(0)
    number = rng.uniform(0, 30, 1000)
    frame = year(0, 1000).assign(number=number, score=np.sin(5 * number) * 10)
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
    assert found.at_random > 0.5 > 0 > found.as_split
    event = "split_flatters" if kind == "stratified" else "random_split_would_flatter"
    assert event in caplog.text


@pytest.mark.parametrize("level", [0, 1])
def test_rarely_warns_where_groups_do_not_tell_each_other(level, caplog):
    """Not in 18 of 20 draws: customers alike, or with levels that the model cannot learn."""
    n_warned = 0
    for seed in range(20):
        made = trainer(Visit)
        frame = Visit.validate(visits(level, noise=1, n_customers=40, seed=seed))
        caplog.clear()
        compare_splits(made, made.fit(frame), frame)
        n_warned += "flatter" in caplog.text
    assert n_warned <= 2


def test_does_not_warn_on_one_day_or_group(caplog):
    """Of one held-out group nobody knows how far others would differ."""
    made = trainer(Visit, estimator=HistGradientBoostingRegressor(max_iter=50))
    frame = Visit.validate(visits(n_customers=5))
    assert compare_splits(made, made.fit(frame), frame) is not None
    assert "flatter" not in caplog.text


@pytest.mark.parametrize("kind", ["auto", "stratified"])
def test_warns_of_a_random_split_of_the_flights(kind, build, project, caplog):
    """Flights of one evening tell each other: said of either split, the figures the same way."""
    made = build(splitter=Splitter(kind=kind))
    frame = made.schema.validate(read_frame(project / "data" / "flights.parquet"))
    found = compare_splits(made, made.fit(frame), frame)
    assert found.at_random > found.as_split + 0.02
    event = "split_flatters" if kind == "stratified" else "random_split_would_flatter"
    assert event in caplog.text


def test_does_not_warn_where_rows_are_independent(caplog):
    """Figures are given, without a warning, where both splits promise the same."""
    made = trainer(Event)
    frame = Event.validate(year(0))
    model = made.fit(frame)
    with caplog.at_level("WARNING"):
        found = compare_splits(made, model, frame)
    assert found.at_random == pytest.approx(found.as_split, abs=0.1)
    assert "flatter" not in caplog.text
