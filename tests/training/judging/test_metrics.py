"""Metrics are scikit-learn's, under any weights."""

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from mlkit.core.decision import decide
from mlkit.training.judging.answers import N_BINS
from mlkit.training.judging.metrics import METRICS


def binary(seed: int, n_rows: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes, probabilities with ties, and whole weights with zeros."""
    rng = np.random.default_rng(seed)
    codes = np.r_[0, 1, rng.integers(0, 2, n_rows - 2)]
    scores = np.round(rng.random(n_rows), rng.integers(1, 4))
    weights = np.r_[1, 1, rng.integers(0, 4, n_rows - 2)].astype(float)
    return codes, scores, weights


def calibration_error(codes, scores, sample_weight=None):
    """Return the expected calibration error, bin by bin, as its authors write it."""
    weights = np.ones(len(codes)) if sample_weight is None else sample_weight
    total = 0.0
    for number in range(N_BINS):
        low, high = number / N_BINS, (number + 1) / N_BINS
        inside = (scores >= low) & ((scores < high) | (number == N_BINS - 1))
        if weights[inside].sum():
            share = np.average(codes[inside], weights=weights[inside])
            mean = np.average(scores[inside], weights=weights[inside])
            total += weights[inside].sum() * abs(share - mean)
    return total / weights.sum()


EXPECTED = {
    "roc_auc": reference.roc_auc_score,
    "average_precision": reference.average_precision_score,
    "log_loss": reference.log_loss,
    "brier": reference.brier_score_loss,
    "accuracy": lambda y, p, **kw: reference.accuracy_score(y, p >= 0.5, **kw),
    "f1": lambda y, p, **kw: reference.f1_score(y, p >= 0.5, zero_division=0, **kw),
    "ece": calibration_error,
    "precision": lambda y, p, **kw: reference.precision_score(
        y, p >= 0.5, zero_division=np.nan, **kw
    ),
    "recall": lambda y, p, **kw: reference.recall_score(y, p >= 0.5, **kw),
    "positive_rate": lambda _, p, sample_weight=None: np.average(p >= 0.5, weights=sample_weight),
}


@pytest.mark.parametrize("name", EXPECTED)
@given(seed=st.integers(0, 2**32 - 1))
def test_binary_metrics_equal_scikit_learns(name, seed):
    """With and without weights the value is scikit-learn's, to 1e-12."""
    codes, scores, weights = binary(seed)
    metric = METRICS["binary"][name].prepare(codes, scores)
    ones = np.ones(len(codes))
    assert metric(ones) == pytest.approx(EXPECTED[name](codes, scores), abs=1e-12)
    weighted = EXPECTED[name](codes, scores, sample_weight=weights)
    assert metric(weights) == pytest.approx(weighted, abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1))
def test_multiclass_metrics_equal_scikit_learns(seed):
    """Log loss, accuracy and macro F1 are scikit-learn's, weighted ones too."""
    rng = np.random.default_rng(seed)
    codes = np.r_[0, 1, 2, rng.integers(0, 3, 97)]
    scores = rng.dirichlet([1, 1, 1], 100)
    weights = np.r_[1, 1, 1, rng.integers(0, 4, 97)].astype(float)
    decided = decide(scores)
    for sample_weight in (np.ones(100), weights):
        given = {"sample_weight": sample_weight}
        expected = {
            "log_loss": reference.log_loss(codes, scores, **given),
            "accuracy": reference.accuracy_score(codes, decided, **given),
            "macro_f1": reference.f1_score(codes, decided, average="macro", **given),
        }
        found = {
            name: measure.prepare(codes, scores)(sample_weight)
            for name, measure in METRICS["multiclass"].items()
        }
        assert found == pytest.approx(expected, abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1))
def test_regression_metrics_equal_scikit_learns(seed):
    """MAE, RMSE, R² and pinball losses are scikit-learn's, weighted ones too."""
    rng = np.random.default_rng(seed)
    target, scores = rng.normal(size=(2, 100))
    weights = np.r_[1, 1, rng.integers(0, 4, 98)].astype(float)
    for sample_weight in (np.ones(100), weights):
        given = {"sample_weight": sample_weight}
        expected = {
            "mae": reference.mean_absolute_error(target, scores, **given),
            "rmse": reference.root_mean_squared_error(target, scores, **given),
            "r2": reference.r2_score(target, scores, **given),
        } | {
            f"pinball_{share}": reference.mean_pinball_loss(
                target, scores, alpha=share / 100, **given
            )
            for share in (10, 50, 90)
        }
        found = {
            name: measure.prepare(target, scores)(sample_weight)
            for name, measure in METRICS["regression"].items()
        }
        assert found == pytest.approx(expected, abs=1e-12)
