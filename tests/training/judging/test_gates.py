"""Gates hold a model to its bounds, on all rows and on slices."""

import pytest

from mlkit.core.errors import ConfigError
from mlkit.training.judging.evaluation import Part, Score
from mlkit.training.judging.gates import Gate, check_gates, judged

AUC = Score(metric="roc_auc", value=0.7, low=0.6, high=0.8, baseline=0.5, simple=0.6)
LOW = Score(metric="roc_auc", value=0.4, low=0.3, high=0.5, baseline=0.5, simple=0.6)
NONE = Score(metric="roc_auc", value=float("nan"), low=0, high=1, baseline=0.5, simple=0.6)
PARTS = [
    Part(name="origin=JFK", column="origin", n_rows=9, scores=(AUC,)),
    Part(name="origin=LGA", column="origin", n_rows=9, scores=(LOW,)),
    Part(name="dest=LAX", column="dest", n_rows=9, scores=(NONE,)),
]


@pytest.mark.parametrize(
    ("gate", "passed"),
    [
        (Gate(metric="roc_auc", at_least=0.7), [True]),
        (Gate(metric="roc_auc", at_least=0.71), [False]),
        (Gate(metric="roc_auc", at_most=0.7), [True]),
        (Gate(metric="roc_auc", at_least=0.1, at_most=0.2), [True, False]),
        (Gate(metric="roc_auc", at_least="baseline"), [True]),
        (Gate(metric="roc_auc", slice="origin", at_least="baseline"), [True, False]),
        (Gate(metric="roc_auc", slice="dest", at_least=0), [False]),
    ],
)
def test_a_gate_holds_figures_to_its_bounds(gate, passed):
    """Of all rows, or of each slice by a column; what is undefined has not passed."""
    assert [verdict.passed for verdict in judged([gate], [AUC], PARTS)] == passed


def test_a_verdict_says_figure_and_bound():
    """In one line, for whoever has to mend the model."""
    (verdict, *_) = judged([Gate(metric="roc_auc", slice="origin", at_least=0.75)], [AUC], PARTS)
    assert str(verdict) == "roc_auc where origin=JFK is 0.7000, at least 0.7500: failed"


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ({"metric": "roc_auk", "at_least": 1}, "Did you mean roc_auc"),
        ({"metric": "brier", "at_most": 1}, "evaluation.metrics leaves out"),
        ({"metric": "roc_auc", "at_least": 1, "slice": "dest"}, "evaluation.slices has origin"),
        ({"metric": "roc_auc"}, "needs at_least or at_most"),
        ({"metric": "roc_auc", "at_least": "champ"}, "give a number, or baseline"),
        ({"metric": "roc_auc", "at_least": True}, "give a number, or baseline"),
    ],
)
def test_a_gate_that_cannot_be_judged_is_refused(gate, message):
    """Before any work starts, with what there is."""
    with pytest.raises(ConfigError, match=message):
        check_gates([Gate(**gate)], "binary", ["roc_auc"], ["origin"])
