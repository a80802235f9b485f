"""Find the points behind a report's plots: few enough to lie in the bundle.

What they are is told by their kind: `roc` and `precision_recall` are scikit-learn's
curves, thinned; `calibration` and `deciles` compare what was predicted with what
came; `distribution` and `residuals` are histograms; `residuals_by_prediction` are
quantiles; `confusion` has a line for each true class, whose x counts these lines.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from mlkit.core.decision import decide
from mlkit.training.judging.answers import N_BINS, bins_of
from mlkit.training.judging.findings import Curve

#: Points of a line, at most.
MOST_POINTS = 100
#: Classes that are shown apart, the most frequent ones; the rest are taken together.
MOST_CLASSES = 10
#: Bars of a histogram.
N_BARS = 30
#: What a multiclass calibration and a confusion call what they show.
TOP_CLASS = "the most probable class"
OTHERS = "all others"


def curves(
    task: str, classes: Sequence[Any], codes: np.ndarray, scores: np.ndarray
) -> tuple[Curve, ...]:
    """Return the curves of a task; those that these rows cannot have are left out.

    Parameters
    ----------
    task
        binary, multiclass or regression.
    classes
        Labels in the order of their codes.
    codes, scores
        The answers (n_rows,), and what the model predicts: (n_rows,), or of a
        multiclass target (n_rows, n_classes).
    """
    if task == "regression":
        return tuple(_of_numbers(codes, scores))
    labels = [str(label) for label in classes]
    if task == "binary":
        return tuple(_of_two(labels, codes, scores))
    return tuple(_of_many(labels, codes, scores))


def _of_two(labels: Sequence[str], codes: np.ndarray, scores: np.ndarray) -> Iterator[Curve]:
    yield from _ranked(labels[1], codes == 1, scores)
    yield _calibration(labels[1], codes == 1, scores)
    for code, label in enumerate(labels):
        if (codes == code).any():
            yield _histogram("distribution", label, scores[codes == code], 0, 1)


def _of_many(labels: Sequence[str], codes: np.ndarray, scores: np.ndarray) -> Iterator[Curve]:
    counts = np.bincount(codes, minlength=len(labels))
    shown = sorted(np.argsort(-counts, kind="stable")[:MOST_CLASSES].tolist())
    shown = [code for code in shown if counts[code]]
    for code in shown:
        # Of one class against the rest, the other curve says little where there are many.
        yield from list(_ranked(labels[code], codes == code, scores[:, code]))[:1]
    decided = decide(scores)
    yield _calibration(TOP_CLASS, decided == codes, scores.max(axis=1))
    others = len(shown)
    places = np.full(len(labels), others)
    places[shown] = np.arange(others)
    for code in shown:
        found = np.bincount(places[decided[codes == code]], minlength=others + 1)
        found = found if others < len(labels) else found[:-1]
        shares = found / found.sum()
        yield _curve("confusion", labels[code], np.arange(len(found)), shares, found)


def _of_numbers(target: np.ndarray, scores: np.ndarray) -> Iterator[Curve]:
    gaps = target - scores
    low, high = np.quantile(gaps, [0.005, 0.995])
    # Bars need a width, also where the residuals are all but the same.
    margin = 1e-6 * max(abs(low), abs(high))
    low, high = low - margin, high + margin
    tenths = [rows for rows in np.array_split(np.argsort(scores, kind="stable"), 10) if len(rows)]
    n_rows = [len(rows) for rows in tenths]
    predicted = [scores[rows].mean() for rows in tenths]
    yield _curve("deciles", "mean", predicted, [target[rows].mean() for rows in tenths], n_rows)
    yield _histogram("residuals", "actual less predicted", np.clip(gaps, low, high), low, high)
    for share in (0.9, 0.5, 0.1):
        quantiles = [np.quantile(gaps[rows], share) for rows in tenths]
        label = "median" if share == 0.5 else f"{share:.0%} of rows are below"
        yield _curve("residuals_by_prediction", label, predicted, quantiles, n_rows)


def _ranked(label: str, truths: np.ndarray, scores: np.ndarray) -> Iterator[Curve]:
    """Yield how well scores rank, unless all rows are of one kind."""
    if truths.all() or not truths.any():
        return
    false, true, _ = roc_curve(truths, scores)
    yield _curve("roc", label, *_thinned(false, true))
    precision, recall, _ = precision_recall_curve(truths, scores)
    yield _curve("precision_recall", label, *_thinned(recall[::-1], precision[::-1]))


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a line at steps alike along it, its ends among them."""
    way = np.r_[0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
    kept = np.unique(np.searchsorted(way, np.linspace(0, way[-1], MOST_POINTS - 1)))
    kept = np.unique(np.r_[kept, len(x) - 1])
    return x[kept], y[kept]


def _calibration(label: str, truths: np.ndarray, scores: np.ndarray) -> Curve:
    places = bins_of(scores)
    n_rows = np.bincount(places, minlength=N_BINS)
    some = n_rows > 0
    means, shares = (
        np.bincount(places, values, minlength=N_BINS)[some] / n_rows[some]
        for values in (scores, truths)
    )
    return _curve("calibration", label, means, shares, n_rows[some])


def _histogram(kind: str, label: str, values: np.ndarray, low: float, high: float) -> Curve:
    """Return the middles of bars of equal width, and the share of the rows in each."""
    found, edges = np.histogram(values, bins=N_BARS, range=(low, high))
    return _curve(kind, label, (edges[1:] + edges[:-1]) / 2, found / len(values), found)


def _curve(kind: str, label: str, x: Any, y: Any, n_rows: Any = ()) -> Curve:
    # Six digits are more than a plot can show, and half the bytes.
    return Curve(
        kind=kind,
        label=label,
        x=tuple(float(f"{value:.6g}") for value in x),
        y=tuple(float(f"{value:.6g}") for value in y),
        n_rows=tuple(map(int, n_rows)),
    )
