"""A model and the champion are judged on the same rows, by the same draws."""

import os
from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from mlkit import Evaluator, Schema, Target, column
from mlkit.core.errors import ConfigError, DataError
from mlkit.training.frames import fingerprints
from mlkit.training.judging.comparison import compare, lower_bounds
from mlkit.training.judging.resampling import Resampler
from mlkit.training.judging.sample import Sample
from mlkit.training.judging.slices import Slice

LEVEL = 0.95
#: `make simulate` asks for 1,000; the short form still tells 2.5 % from 15 %.
N_COMPARISONS = int(os.environ.get("SIMULATIONS", "100"))


@pytest.fixture(scope="module")
def model(trainer, flights):
    """Return a model of the default project."""
    return trainer.fit(flights)


@pytest.fixture(scope="module")
def weak(build, flights):
    """Return one that has learnt next to nothing."""
    return build(estimator=DummyClassifier(strategy="prior")).fit(flights)


@pytest.fixture(scope="module")
def holdout(model, flights):
    """Return the holdout of both."""
    return model.holdout(flights)


def test_the_better_model_has_gained_whatever_the_metrics_direction(model, weak, holdout):
    """More AUC and less log loss are both a gain; on all rows and on each slice."""
    evaluator = Evaluator(metrics=["roc_auc", "log_loss"], n_resamples=50, slices=["origin"])
    found = evaluator.evaluate(model, holdout, held_out=True, champion=weak)
    assert {each.slice for each in found.comparison.differences} == {
        "", "origin=EWR", "origin=JFK", "origin=LGA"
    }  # fmt: skip
    for difference in found.comparison.differences[:2]:
        assert 0 < difference.low < difference.gain < difference.high
    auc, loss = found.comparison.differences[:2]
    assert auc.gain == auc.value - auc.champion
    assert loss.gain == loss.champion - loss.value
    alone = evaluator.evaluate(model, holdout, held_out=True)
    assert (auc.value, loss.value) == tuple(score.value for score in alone.scores)
    assert "Beside the champion" in found.summary()


def test_a_model_beside_itself_has_gained_nothing(model, holdout):
    """The draws are paired: the difference is 0 in each of them."""
    found = Evaluator(n_resamples=20).evaluate(model, holdout, held_out=True, champion=model)
    assert {(d.gain, d.low, d.high) for d in found.comparison.differences} == {(0, 0, 0)}


def test_rows_that_the_champion_has_seen_are_left_out_and_counted(model, weak, holdout):
    """Those of the champion's training are no test of it."""
    rows = model.schema.validate(holdout).iloc[:40]
    prints = np.sort(fingerprints(rows[model.target.judged_columns(model.schema)]))
    evaluator = Evaluator(n_resamples=2)
    alone = evaluator.evaluate(model, holdout, held_out=True)
    found = evaluator.evaluate(
        model, holdout, held_out=True, champion=replace(weak, tuning_rows=prints)
    )
    assert (found.n_seen, found.n_rows) == (40, alone.n_rows - 40)
    assert found.rows_digest != alone.rows_digest


def test_a_champion_that_was_trained_on_the_holdout_is_not_compared(model, trainer, flights):
    """No row is left, and the error says why."""
    holdout = model.holdout(flights)
    cheat = replace(model, training_rows=np.sort(_prints(model, holdout)))
    with pytest.raises(DataError, match="were trained or tuned on"):
        Evaluator().evaluate(model, holdout, held_out=True, champion=cheat)


def _prints(model, rows):
    rows = model.schema.validate(rows)
    return fingerprints(rows[model.target.judged_columns(model.schema)])


def test_rows_are_known_by_the_champions_own_schema(model, flights, holdout):
    """What a champion of fewer columns has seen is found, though its fingerprints are others."""

    class Narrow(Schema):
        """A flight, told by less."""

        distance: float = column()
        arr_delay: float | None = column(role="outcome")

    champion = replace(model, schema=Narrow, tuning_rows=np.empty(0, "uint64"))
    champion = replace(champion, training_rows=np.sort(_prints(champion, holdout)))
    with pytest.raises(DataError, match="were trained or tuned on"):
        Evaluator().evaluate(model, holdout, held_out=True, champion=champion)


def test_two_evaluations_of_the_same_rows_have_one_digest(model, holdout):
    """In whatever order the rows come."""
    evaluator = Evaluator(n_resamples=0)
    found = evaluator.evaluate(model, holdout, held_out=True)
    again = evaluator.evaluate(model, holdout.iloc[::-1], held_out=True)
    fewer = evaluator.evaluate(model, holdout.iloc[1:], held_out=True)
    assert len(found.rows_digest) == 64
    assert found.rows_digest == again.rows_digest != fewer.rows_digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": Target(task="binary", column="arr_delay", edges=(15,))}, "another target"),
        ({"classes": (True, False)}, "classes"),
    ],
)
def test_a_champion_of_something_else_is_refused(model, holdout, changes, message):
    """Metrics of two targets have nothing to do with each other."""
    with pytest.raises(ConfigError, match=message):
        Evaluator().evaluate(model, holdout, champion=replace(model, **changes))


def test_rows_that_break_the_champions_schema_are_refused(model, holdout):
    """It says that the champion cannot score them, and why."""

    class Other(Schema):
        """A flight with a column that no row has."""

        wind: float = column()
        arr_delay: float | None = column(role="outcome")

    with pytest.raises(DataError, match=r"champion cannot score these rows.*wind"):
        Evaluator().evaluate(model, holdout, champion=replace(model, schema=Other))


def compared(rng, metric, *, n_rows=100, n_days=0, n_slices=0, worse=0.0):
    """Return the differences of two models that differ by chance alone, or are worse by `worse`.

    Both know the truth but for noise of their own; on each day (if there are days) both
    lean to one side, each to its own.
    """
    day = rng.integers(0, n_days, n_rows) if n_days else np.arange(n_rows)
    day = np.unique(day, return_inverse=True)[1]
    ease, lean, other_lean = rng.normal(0, 0.6, (3, day.max() + 1))[:, day] * bool(n_days)
    truth = rng.normal(0, 1.2, n_rows) + ease
    codes = (rng.random(n_rows) < 1 / (1 + np.exp(-truth))).astype("int64")
    scores, champion = (
        1 / (1 + np.exp(-(truth + own + rng.normal(0, 0.8, n_rows)))) for own in (lean, other_lean)
    )
    part_of = rng.integers(0, max(n_slices, 1), n_rows)
    comparison = compare(
        Sample(frame=None, codes=codes, scores=scores, n_unlabelled=0, n_seen=0, digest=""),
        champion,
        name="champion",
        task="binary",
        metrics=[metric],
        slices=[
            Slice(name=f"{number}", column="part", rows=np.flatnonzero(part_of == number))
            for number in range(n_slices)
        ],
        resampler=Resampler(
            n_rows,
            n_resamples=100,
            seed=int(rng.integers(2**31)),
            clusters=day if n_days else None,
        ),
        level=LEVEL,
    )
    return [
        replace(found, gain=found.gain - worse)
        for found in comparison.differences
        if bool(found.slice) == bool(n_slices)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "margin", "settings"),
    [
        ("roc_auc", 0.0, {}),
        ("log_loss", 0.0, {}),
        ("roc_auc", 0.02, {"worse": 0.02}),
        ("roc_auc", 0.0, {"n_rows": 300, "n_days": 12}),
        ("roc_auc", 0.0, {"n_rows": 300, "n_slices": 4}),
    ],
)
def test_a_model_that_is_no_better_is_seldom_promoted(metric, margin, settings):
    """Of many that are worse by just the margin, the share that passes is within the level.

    With slices, the share of those of which any slice passes.
    """
    rng = np.random.default_rng(1)
    promoted = [
        max(lower_bounds(compared(rng, metric, **settings), margin, LEVEL)) >= -margin
        for _ in range(N_COMPARISONS)
    ]
    assert np.mean(promoted) <= 1 - LEVEL
