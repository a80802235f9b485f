"""Metrics are scikit-learn's, and their intervals are a bootstrap's."""

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from mlkit.core.decision import decide
from mlkit.training.metrics import METRICS, bootstrap


def binary(seed: int, n_rows: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes, probabilities with ties, and whole weights with zeros."""
    rng = np.random.default_rng(seed)
    codes = np.r_[0, 1, rng.integers(0, 2, n_rows - 2)]
    scores = np.round(rng.random(n_rows), rng.integers(1, 4))
    weights = np.r_[1, 1, rng.integers(0, 4, n_rows - 2)].astype(float)
    return codes, scores, weights


EXPECTED = {
    "roc_auc": reference.roc_auc_score,
    "average_precision": reference.average_precision_score,
    "log_loss": reference.log_loss,
    "brier": reference.brier_score_loss,
    "accuracy": lambda y, p, **kw: reference.accuracy_score(y, p >= 0.5, **kw),
}


@pytest.mark.parametrize("name", EXPECTED)
@given(seed=st.integers(0, 2**32 - 1))
def test_binary_metrics_equal_scikit_learns(name, seed):
    """With and without weights the value is scikit-learn's, to 1e-12."""
    codes, scores, weights = binary(seed)
    metric = METRICS["binary"][name](codes, scores)
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
            name: prepare(codes, scores)(sample_weight)
            for name, prepare in METRICS["multiclass"].items()
        }
        assert found == pytest.approx(expected, abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1))
def test_regression_metrics_equal_scikit_learns(seed):
    """MAE, RMSE and R² are scikit-learn's, weighted ones too."""
    rng = np.random.default_rng(seed)
    target, scores = rng.normal(size=(2, 100))
    weights = np.r_[1, 1, rng.integers(0, 4, 98)].astype(float)
    for sample_weight in (np.ones(100), weights):
        given = {"sample_weight": sample_weight}
        expected = {
            "mae": reference.mean_absolute_error(target, scores, **given),
            "rmse": reference.root_mean_squared_error(target, scores, **given),
            "r2": reference.r2_score(target, scores, **given),
        }
        found = {
            name: prepare(target, scores)(sample_weight)
            for name, prepare in METRICS["regression"].items()
        }
        assert found == pytest.approx(expected, abs=1e-12)


def test_the_interval_is_that_of_resampled_rows():
    """The bounds are quantiles of the metric on rows drawn again, as one would compute by hand."""
    codes, scores, _ = binary(0)
    rng = np.random.default_rng(5)
    draws = []
    for _ in range(50):
        rows = rng.integers(0, len(codes), len(codes))
        draws.append(reference.roc_auc_score(codes[rows], scores[rows]))
    prepared = {"roc_auc": METRICS["binary"]["roc_auc"](codes, scores)}
    ((value, low, high),) = bootstrap(
        prepared, len(codes), n_resamples=50, level=0.9, seed=5
    ).values()
    assert value == pytest.approx(reference.roc_auc_score(codes, scores))
    assert [low, high] == pytest.approx(np.quantile(draws, [0.05, 0.95]))


def test_draws_without_a_class_are_left_out():
    """A metric that is undefined on some draws still has an interval from the others."""
    codes, scores = np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.3, 0.9])
    prepared = {"roc_auc": METRICS["binary"]["roc_auc"](codes, scores)}
    ((value, low, high),) = bootstrap(prepared, 4, n_resamples=50, level=0.95, seed=0).values()
    assert (value, low, high) == (1, 1, 1)


def test_without_draws_there_is_no_interval():
    """With no resamples the value stands alone."""
    prepared = {"mae": METRICS["regression"]["mae"](np.zeros(3), np.ones(3))}
    ((value, low, high),) = bootstrap(prepared, 3, n_resamples=0, level=0.95, seed=0).values()
    assert value == 1
    assert np.isnan([low, high]).all()
