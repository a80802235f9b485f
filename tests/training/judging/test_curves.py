"""The points behind the plots: the true curves, and few of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from mlkit.training.judging.curves import MOST_CLASSES, MOST_POINTS, OTHERS, curves


def drawn(n_rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return answers and probabilities that know something of them, with ties."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(1, 2, n_rows).round(2)
    return (rng.random(n_rows) < scores).astype("int64"), scores


def of_kind(found, kind: str):
    """Return the curves of one kind."""
    return [curve for curve in found if curve.kind == kind]


@given(n_rows=st.integers(2, 3000), seed=st.integers(0, 99))
def test_ranking_curves_are_scikit_learns_thinned(n_rows, seed):
    """Every point lies on scikit-learn's curve, the ends are there, and there are few."""
    codes, scores = drawn(n_rows, seed)
    found = curves("binary", (False, True), codes, scores)
    if len(set(codes.tolist())) < 2:
        assert not of_kind(found, "roc") + of_kind(found, "precision_recall")
        return
    [roc], [ranked] = of_kind(found, "roc"), of_kind(found, "precision_recall")
    false, true, _ = roc_curve(codes, scores, drop_intermediate=False)
    precision, recall, _ = precision_recall_curve(codes, scores)
    for curve, x, y in ((roc, false, true), (ranked, recall, precision)):
        points = {(float(f"{a:.6g}"), float(f"{b:.6g}")) for a, b in zip(x, y, strict=True)}
        own = list(zip(curve.x, curve.y, strict=True))
        assert set(own) <= points
        assert {own[0], own[-1]} == {
            tuple(float(f"{v:.6g}") for v in (x[place], y[place])) for place in (0, -1)
        }
        assert len(own) <= MOST_POINTS


def test_a_thinned_curve_keeps_its_shape():
    """The area under a hundred points is the whole curve's, to a thousandth."""
    codes, scores = drawn(100_000)
    scores = scores + np.linspace(0, 0.004, len(scores))
    [roc] = of_kind(curves("binary", (0, 1), codes, scores.clip(0, 1)), "roc")
    false, true, _ = roc_curve(codes, scores)
    assert trapezoid(roc.y, roc.x) == pytest.approx(trapezoid(true, false), abs=1e-3)


def test_calibration_is_by_ten_bins_of_equal_width():
    """Each bin with rows has its mean probability, its share of positives, its rows."""
    codes, scores = np.array([0, 1, 1, 1]), np.array([0.05, 0.07, 0.95, 1.0])
    [found] = of_kind(curves("binary", ("no", "yes"), codes, scores), "calibration")
    assert (found.label, found.n_rows) == ("yes", (2, 2))
    np.testing.assert_allclose(found.x, [0.06, 0.975])
    np.testing.assert_allclose(found.y, [0.5, 1])


def test_distributions_tell_each_class_apart():
    """Their bars count all rows of a class, and their shares sum to one."""
    codes, scores = drawn(500)
    for code, found in enumerate(of_kind(curves("binary", (0, 1), codes, scores), "distribution")):
        assert sum(found.n_rows) == (codes == code).sum()
        assert sum(found.y) == pytest.approx(1, abs=1e-4)


def test_confusion_is_scikit_learns():
    """Rows of a true class by the class that was chosen."""
    rng = np.random.default_rng(0)
    codes, scores = rng.integers(0, 3, 300), rng.dirichlet([1, 1, 1], 300)
    found = of_kind(curves("multiclass", ("a", "b", "c"), codes, scores), "confusion")
    assert [curve.label for curve in found] == ["a", "b", "c"]
    expected = confusion_matrix(codes, scores.argmax(axis=1))
    np.testing.assert_array_equal([curve.n_rows for curve in found], expected)


def test_of_many_classes_the_most_frequent_are_shown():
    """The rest are taken together, so that a hundred classes stay readable."""
    rng = np.random.default_rng(0)
    codes = np.minimum(rng.geometric(0.1, 4000) - 1, 39)
    found = curves("multiclass", range(40), codes, rng.dirichlet(np.ones(40), 4000))
    confusion = of_kind(found, "confusion")
    assert [curve.label for curve in confusion] == [str(code) for code in range(MOST_CLASSES)]
    assert all(sum(c.n_rows) == (codes == int(c.label)).sum() for c in confusion)
    assert len(of_kind(found, "roc")) == MOST_CLASSES
    assert OTHERS not in [curve.label for curve in found]


def test_numbers_are_compared_by_tenths():
    """Deciles hold a tenth of the rows each; residuals are what is left of the answer."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=1000)
    found = curves("regression", (), scores + 2, scores)
    [deciles], [residuals] = of_kind(found, "deciles"), of_kind(found, "residuals")
    np.testing.assert_allclose(np.array(deciles.y) - deciles.x, 2, atol=1e-5)
    assert deciles.n_rows == (100,) * 10
    assert sum(residuals.n_rows) == 1000
    assert [c.label for c in of_kind(found, "residuals_by_prediction")] == [
        "90% of rows are below", "median", "10% of rows are below",
    ]  # fmt: skip
    assert {y for c in of_kind(found, "residuals_by_prediction") for y in c.y} == {2.0}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_one_row_has_curves(task):
    """Whatever a row cannot have is left out, without an error."""
    scores = {"binary": [0.3], "multiclass": [[0.2, 0.5, 0.3]], "regression": [4.0]}[task]
    classes = {"binary": (0, 1), "multiclass": (0, 1, 2), "regression": ()}[task]
    found = curves(task, classes, np.array([1]), np.array(scores))
    assert found
    assert not np.isnan([y for curve in found for y in curve.y]).any()
