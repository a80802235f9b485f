"""A model whose probabilities are right says itself what it is worth, on rows like any."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from mlkit.monitoring.estimation import LEAST_ROWS, Estimator, Lessons
from mlkit.training.judging.figures import Figures
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.resampling import Resampler, intervals

WATCHED = {
    "binary": ["roc_auc", "log_loss", "brier", "accuracy", "average_precision", "f1"],
    "multiclass": ["log_loss", "accuracy", "macro_f1"],
    "regression": ["mae", "rmse"],
}
N = 4_000
N_HELD_OUT = 10_000


def drawn(task: str, seed: int, n_rows: int = N, spread: float = 1.0):
    """Return scores, answers and features of rows on which a model is calibrated."""
    rng = np.random.default_rng(seed)
    features = np.column_stack([rng.normal(0, spread, n_rows), rng.integers(0, 3, n_rows)])
    if task == "regression":
        scores = 3 * features[:, 0]
        noise = (1 + np.abs(features[:, 0])) * (1 + features[:, 1])
        return scores, scores + rng.normal(0, 1, n_rows) * noise, features
    if task == "binary":
        scores = 1 / (1 + np.exp(-2 * features[:, 0] + 1))
        return scores, (rng.random(n_rows) < scores).astype("int64"), features
    raw = np.exp(np.column_stack([features[:, 0], -features[:, 0], 0.5 * features[:, 1]]))
    scores = raw / raw.sum(axis=1, keepdims=True)
    codes = (rng.random((n_rows, 1)) > np.cumsum(scores, axis=1)).sum(axis=1)
    return scores, np.minimum(codes, 2), features


def made(task: str, n_rows: int = N_HELD_OUT) -> Estimator:
    """Return an estimator made of a holdout."""
    scores, codes, features = drawn(task, 0, n_rows)
    return Estimator(
        task,
        Lessons(scores=scores, codes=codes.astype("float64"), features=features),
        [False, True],
    )


def truth(task: str, scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the low and high end of each metric's bootstrap interval (2, n_metrics)."""
    figures = Figures([METRICS[task][name] for name in WATCHED[task]], codes, scores, [], 0.5)
    draws = Resampler(len(codes), n_resamples=300, seed=0).draws(figures)
    return intervals(draws, 0.99, [len(codes)] * len(WATCHED[task]))


@pytest.mark.parametrize("task", WATCHED)
@pytest.mark.parametrize("spread", [1.0, 0.5])
def test_an_estimate_lies_in_the_interval_of_the_truth(task, spread):
    """Of a calibrated model, on rows like the holdout's, and on harder or easier ones."""
    scores, codes, features = drawn(task, 1, spread=spread)
    (found,) = made(task).figures(WATCHED[task], scores, features, 0.5)
    low, high = truth(task, scores, codes)
    outside = [
        (name, *each)
        for name, *each in zip(WATCHED[task], low, found, high, strict=True)
        if not each[0] <= each[1] <= each[2]
    ]
    assert outside == []


@pytest.mark.parametrize("n_rows", [LEAST_ROWS - 1, 10])
def test_few_rows_calibrate_nothing(n_rows):
    """The probabilities are taken as they are: the estimate is what they expect."""
    scores, _, features = drawn("binary", 1)
    names = ["brier", "accuracy"]
    (found,) = made("binary", n_rows).figures(names, scores, features, 0.5)
    assert found[0] == pytest.approx(np.mean(scores * (1 - scores)))
    assert found[1] == pytest.approx(np.mean(np.maximum(scores, 1 - scores)))


def test_a_model_that_is_too_sure_is_calibrated_first():
    """The estimate is what it is worth, not what it says."""
    _, codes, features = drawn("binary", 0)
    sure = 1 / (1 + np.exp(-8 * features[:, 0]))
    estimator = Estimator(
        "binary",
        Lessons(scores=sure, codes=codes.astype("float64"), features=features),
        [False, True],
    )
    _, later, features = drawn("binary", 1)
    sure = 1 / (1 + np.exp(-8 * features[:, 0]))
    (found,) = estimator.figures(["accuracy"], sure, features, 0.5)
    true = sklearn_metrics.accuracy_score(later, sure >= 0.5)
    assert found[0] == pytest.approx(true, abs=0.03)
    assert np.mean(np.maximum(sure, 1 - sure)) > true + 0.1


@pytest.mark.parametrize("task", WATCHED)
def test_parts_are_estimated_by_themselves(task):
    """As if they were all there is; an empty part is NaN."""
    estimator = made(task)
    scores, _, features = drawn(task, 1, 600)
    rows = np.flatnonzero(features[:, 1] == 1)
    names = WATCHED[task]
    parts = [slice(None), rows, np.empty(0, dtype="int64")]
    every, some, none = estimator.figures(names, scores, features, 0.5, parts)
    np.testing.assert_allclose(every, estimator.figures(names, scores, features, 0.5)[0])
    np.testing.assert_allclose(some, estimator.figures(names, scores[rows], features[rows], 0.5)[0])
    assert np.isnan(none).all()


def test_what_errors_do_not_tell_is_not_estimated():
    """Of numbers, only the absolute and the squared error are learned."""
    scores, _, features = drawn("regression", 1, 100)
    (found,) = made("regression").figures(["r2", "mae"], scores, features, 0.5)
    assert np.isnan(found[0])
    assert found[1] > 0


def test_a_column_of_which_nothing_is_known_teaches_nothing():
    """That the holdout has no value of it makes no error, whatever comes later."""
    scores, codes, features = drawn("regression", 0)
    empty = np.full(len(scores), np.nan)
    with_empty = np.column_stack([empty, features])
    estimator = Estimator(
        "regression", Lessons(scores=scores, codes=codes, features=with_empty), [False, False, True]
    )
    (found,) = estimator.figures(["mae"], scores, np.column_stack([scores, features]), 0.5)
    assert found[0] == pytest.approx(np.abs(codes - scores).mean(), rel=0.05)


@pytest.mark.parametrize("task", WATCHED)
def test_without_answers_nothing_is_learned(task):
    """Numbers have no estimate then; the probabilities of classes speak for themselves."""
    scores, codes, features = drawn(task, 0, 0)
    estimator = Estimator(
        task,
        Lessons(scores=scores, codes=codes.astype("float64"), features=features),
        [False, True],
    )
    assert estimator.n_rows == 0
    scores, _, features = drawn(task, 1, 50)
    (found,) = estimator.figures(WATCHED[task][:1], scores, features, 0.5)
    assert np.isnan(found[0]) == (task == "regression")
