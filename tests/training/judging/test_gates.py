"""Gates hold a model to its bounds, on all rows, on slices, and against the champion."""

from math import nan

import pytest

from mlkit import Gate
from mlkit.core.errors import ConfigError
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.findings import Comparison, Difference, Leak, Score, SliceScores
from mlkit.training.judging.gates import check_gates
from mlkit.training.judging.verdicts import judged

AUC = Score(metric="roc_auc", value=0.7, low=0.6, high=0.8, baseline=0.5, simple=0.6)
LOW = Score(metric="roc_auc", value=0.4, low=0.3, high=0.5, baseline=0.5, simple=0.6)
NONE = Score(metric="roc_auc", value=nan, low=0, high=1, baseline=0.5, simple=0.6)
SLICES = (
    SliceScores(name="origin=JFK", column="origin", n_rows=9, scores=(AUC,)),
    SliceScores(name="origin=LGA", column="origin", n_rows=9, scores=(LOW,)),
    SliceScores(name="dest=LAX", column="dest", n_rows=9, scores=(NONE,)),
    SliceScores(name="dest=SFO", column="dest", n_rows=9, scores=(AUC,)),
)
LEAK = Leak(kind="copy", columns=("dep_delay",), figure=0.99, message="It tells the answer.")


def difference(where="", gain=0.0, error=0.01):
    """Return a difference in AUC of which the bootstrap has told so much."""
    return Difference(
        metric="roc_auc",
        slice=where,
        n_rows=9,
        value=0.7,
        champion=0.7 - gain,
        gain=gain,
        low=nan,
        high=nan,
        error=error,
        freedom=100_000,
    )


def evaluation(*differences, **changes):
    """Return what was found of a model, beside a champion if there are differences."""
    comparison = Comparison(champion="a@1", differences=differences) if differences else None
    found = {"slices": SLICES, "comparison": comparison, "leaks": (LEAK,), **changes}
    return Evaluation(
        scores=(AUC,), level=0.95, n_rows=9, n_unlabelled=0, n_seen=0, holdout="all", **found
    )


@pytest.mark.parametrize(
    ("gate", "passed"),
    [
        (Gate(metric="roc_auc", at_least=0.7), [True]),
        (Gate(metric="roc_auc", at_least=0.71), [False]),
        (Gate(metric="roc_auc", at_most=0.7), [True]),
        (Gate(metric="roc_auc", at_least=0.1, at_most=0.2), [True, False]),
        (Gate(metric="roc_auc", at_least="baseline"), [True]),
        (Gate(metric="roc_auc", at_least="simple"), [True]),
        (Gate(metric="roc_auc", at_most="simple"), [False]),
        (Gate(metric="roc_auc", slice="origin", at_least="baseline"), [True, False]),
        (Gate(metric="roc_auc", slice="dest", at_least=0), [False, True]),
        (Gate(metric="roc_auc", slice="carrier", at_least=0), [False]),
        (Gate(metric="roc_auc", disparity="origin", at_most=0.31), [True]),
        (Gate(metric="roc_auc", disparity="origin", at_most=0.29), [False]),
        (Gate(metric="roc_auc", disparity="dest", at_most=1), [False]),
        (Gate(metric="leaks", at_most=1), [True]),
        (Gate(metric="leaks", at_most=0), [False]),
        (Gate(metric="bundle_mb", at_most=0), []),
    ],
)
def test_a_gate_holds_figures_to_its_bounds(gate, passed):
    """Of all rows, or of each slice by a column; what is undefined has not passed."""
    assert [verdict.passed for verdict in judged([gate], evaluation())] == passed


def test_a_verdict_says_figure_and_bound():
    """In one line, for whoever has to mend the model."""
    gate = Gate(metric="roc_auc", slice="origin", at_least=0.75)
    (verdict, *_) = judged([gate], evaluation())
    assert str(verdict) == "roc_auc where origin=JFK is 0.7000, at least 0.7500: failed"
    (verdict,) = judged([Gate(metric="roc_auc", at_least="simple")], evaluation())
    assert str(verdict) == "roc_auc beside the simple model is 0.7000, at least 0.6000: passed"


def test_counts_read_as_counts():
    """What is counted is whole, in what is read back from JSON as well; a metric never is."""
    found = evaluation()
    gates = [Gate(metric="leaks", at_most=0), Gate(metric="roc_auc", at_least=1)]
    found = evaluation(gates=tuple(judged(gates, found)))
    for read in (found, Evaluation.from_json(found.to_json())):
        assert [str(verdict) for verdict in read.gates] == [
            "the number of leaks is 1, at most 0: failed",
            "roc_auc is 0.7000, at least 1.0000: failed",
        ]


def test_a_metric_that_a_slice_does_not_define_fails_in_words():
    """Such as that of a slice of one class; a NaN would say nothing."""
    (verdict, *_) = judged([Gate(metric="roc_auc", slice="dest", at_least=0.5)], evaluation())
    assert str(verdict) == (
        "roc_auc where dest=LAX is undefined on these rows, at least 0.5000: failed"
    )


@pytest.mark.parametrize(
    ("gain", "margin", "passed"),
    [
        (0.02, 0, True),  # 2 standard errors better; 1.96 are enough
        (0.019, 0, False),
        (0.0, 0.02, True),
        (0.0, 0.019, False),
        (-0.01, 0.02, False),
    ],
)
def test_the_champion_is_held_to_the_lower_bound_of_the_gain(gain, margin, passed):
    """It is the lower end of the evaluation's interval."""
    gate = Gate(metric="roc_auc", champion=margin)
    (verdict,) = judged([gate], evaluation(difference(gain=gain)))
    assert (verdict.passed, verdict.bound) == (passed, -margin)
    assert verdict.figure == pytest.approx(gain - 1.96 * 0.01, abs=1e-5)


def test_slices_against_the_champion_share_one_level():
    """By Holm's steps: the clearest of two at half of it, the other at all that is left."""
    gate = Gate(metric="roc_auc", champion=0, slice="origin")

    def passed(*gains):
        names = ("origin=JFK", "origin=LGA")
        found = evaluation(*(difference(n, g) for n, g in zip(names, gains, strict=True)))
        return [verdict.passed for verdict in judged([gate], found)]

    # 2.24 standard errors for the first, 1.96 for the second.
    assert passed(0.0225, 0.0197) == [True, True]
    assert passed(0.0197, 0.0225) == [True, True]
    assert passed(0.0223, 0.0197) == [False, False]
    assert passed(0.0225, 0.0195) == [True, False]


def test_without_a_champion_its_gate_is_not_judged_and_says_so():
    """The first model has none, and must not be stopped by that."""
    found = evaluation()
    found = evaluation(gates=tuple(judged([Gate(metric="roc_auc", champion=0.01)], found)))
    assert found.passed
    assert found.summary().endswith(
        "0 of 1 gates passed; 1 could not be judged yet.\n"
        "- the lower bound of the gain in roc_auc over the champion: not judged, for there is "
        "no champion yet"
    )
    assert Evaluation.from_json(found.to_json()).summary() == found.summary()


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ({"metric": "roc_auk", "at_least": 1}, "Did you mean roc_auc"),
        ({"metric": "brier", "at_most": 1}, "evaluation.metrics leaves out"),
        ({"metric": "roc_auc", "at_least": 1, "slice": "dest"}, "evaluation.slices has origin"),
        ({"metric": "roc_auc", "at_most": 1, "disparity": "dest"}, "evaluation.slices has origin"),
        ({"metric": "roc_auc"}, "needs at_least or at_most"),
        ({"metric": "roc_auc", "at_least": "champ"}, "give a number, or baseline"),
        ({"metric": "roc_auc", "at_least": True}, "give a number, or baseline"),
        ({"metric": "roc_auc", "at_least": nan}, "give a number, or baseline"),
        ({"metric": "roc_auc", "champion": -0.1}, "a number of at least 0"),
        ({"metric": "roc_auc", "champion": 0.1, "at_least": 0.5}, "Make two gates"),
        ({"metric": "roc_auc", "disparity": "origin", "at_least": 0.5}, "at_most alone"),
        ({"metric": "bundle_mb", "at_most": "simple"}, r"give a number\."),
        ({"metric": "latency_p99_us", "at_most": 1, "slice": "origin"}, "cannot be cut"),
        ({"metric": "leaks", "champion": 0}, "not champion"),
    ],
)
def test_a_gate_that_cannot_be_judged_is_refused(gate, message):
    """Before any work starts, with what there is."""
    with pytest.raises(ConfigError, match=message):
        check_gates([Gate(**gate)], "binary", ["roc_auc"], ["origin"])
