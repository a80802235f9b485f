"""Metrics that take weights, so that a bootstrap costs a weighting and no new sort.

Each metric is prepared once for a set of rows and can then be asked for its
value under any weights; scikit-learn defines what each of them means.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlkit.core.decision import decide

#: Bins of equal width that probabilities are put into, to see whether they are calibrated.
N_BINS = 10
#: Weights of shape (n_rows,), None for all alike, to the metric's value.
Metric = Callable[[np.ndarray], float]
Prepare = Callable[[np.ndarray, np.ndarray], Metric]


def _mean(per_row: np.ndarray) -> Metric:
    return lambda weights: float(weights @ per_row / weights.sum())


def _roc_auc(codes: np.ndarray, scores: np.ndarray) -> Metric:
    by_score = _grouped_by_score(codes, scores)

    def value(weights: np.ndarray) -> float:
        hits, all_rows = by_score(weights)
        misses = all_rows - hits
        total = hits.sum() * misses.sum()
        below = np.cumsum(misses) - misses / 2
        return float(hits @ below / total) if total else np.nan

    return value


def _average_precision(codes: np.ndarray, scores: np.ndarray) -> Metric:
    by_score = _grouped_by_score(codes, scores)

    def value(weights: np.ndarray) -> float:
        hits, all_rows = by_score(weights)
        found = np.cumsum(hits[::-1])
        chosen = np.cumsum(all_rows[::-1])
        precision = np.divide(found, chosen, out=np.zeros_like(found), where=chosen > 0)
        return float(hits[::-1] @ precision / found[-1]) if found[-1] else np.nan

    return value


def _grouped_by_score(
    codes: np.ndarray, scores: np.ndarray
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return what gives the weight of positives, and of all rows, by ascending distinct score."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    positive = (codes[order] == 1).astype("float64")
    # Sorted rows without ties, as `Evaluator` hands them over, need neither gather nor sum.
    is_sorted = bool((order == np.arange(len(order))).all())
    has_ties = len(starts) < len(scores)

    def group(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        all_rows = weights if is_sorted else weights[order]
        hits = all_rows * positive
        if has_ties:
            return np.add.reduceat(hits, starts), np.add.reduceat(all_rows, starts)
        return hits, all_rows

    return group


def _log_loss(codes: np.ndarray, scores: np.ndarray) -> Metric:
    tiny = np.finfo(scores.dtype).eps
    if scores.ndim == 1:
        of_truth = np.where(codes == 1, scores, 1 - scores)
    else:
        of_truth = scores[np.arange(len(codes)), codes] / scores.sum(axis=1)
    return _mean(-np.log(np.clip(of_truth, tiny, 1 - tiny)))


def _brier(codes: np.ndarray, scores: np.ndarray) -> Metric:
    return _mean((scores - (codes == 1)) ** 2)


def _accuracy(codes: np.ndarray, scores: np.ndarray) -> Metric:
    return _mean((decide(scores) == codes).astype(float))


def _share_of_calls(_codes: np.ndarray, scores: np.ndarray) -> Metric:
    return _mean((decide(scores) == 1).astype(float))


def _precision(codes: np.ndarray, scores: np.ndarray) -> Metric:
    return _share((decide(scores) == 1).astype(float), codes == 1)


def _recall(codes: np.ndarray, scores: np.ndarray) -> Metric:
    return _share((codes == 1).astype(float), decide(scores) == 1)


def _share(among: np.ndarray, hits: np.ndarray) -> Metric:
    """Return what weighs the hits among some rows; NaN where there are none of these."""

    def value(weights: np.ndarray) -> float:
        own = weights * among
        total = own.sum()
        return float(own @ hits / total) if total else np.nan

    return value


def _f1(codes: np.ndarray, scores: np.ndarray) -> Metric:
    truths, calls = codes == 1, decide(scores) == 1
    hits = (truths & calls).astype("float64")
    both = truths.astype("float64") + calls

    def value(weights: np.ndarray) -> float:
        total = weights @ both
        return float(2 * (weights @ hits) / total) if total else 0.0

    return value


def _ece(codes: np.ndarray, scores: np.ndarray) -> Metric:
    """Return the expected calibration error of Naeini, Cooper and Hauskrecht (2015).

    In ten bins of equal width, how far the mean probability lies from the share
    of positives, weighted by the bins' rows.
    """
    places = np.minimum((scores * N_BINS).astype("int64"), N_BINS - 1)
    gaps = scores - (codes == 1)

    def value(weights: np.ndarray) -> float:
        by_bin = np.bincount(places, weights * gaps, minlength=N_BINS)
        return float(np.abs(by_bin).sum() / weights.sum())

    return value


def _macro_f1(codes: np.ndarray, scores: np.ndarray) -> Metric:
    n_classes = scores.shape[1]
    decided = decide(scores)

    def value(weights: np.ndarray) -> float:
        hits = np.bincount(codes, weights * (codes == decided), minlength=n_classes)
        truths = np.bincount(codes, weights, minlength=n_classes)
        calls = np.bincount(decided, weights, minlength=n_classes)
        occurs = truths + calls > 0
        return float(np.mean(2 * hits[occurs] / (truths + calls)[occurs]))

    return value


def _mae(target: np.ndarray, scores: np.ndarray) -> Metric:
    return _mean(np.abs(target - scores))


def _rmse(target: np.ndarray, scores: np.ndarray) -> Metric:
    squared = _mean((target - scores) ** 2)
    return lambda weights: float(np.sqrt(squared(weights)))


def _r2(target: np.ndarray, scores: np.ndarray) -> Metric:
    residual = _mean((target - scores) ** 2)

    def value(weights: np.ndarray) -> float:
        mean = weights @ target / weights.sum()
        spread = weights @ (target - mean) ** 2 / weights.sum()
        return float(1 - residual(weights) / spread) if spread else np.nan

    return value


def _pinball(quantile: float) -> Prepare:
    def prepare(target: np.ndarray, scores: np.ndarray) -> Metric:
        gaps = target - scores
        return _mean(np.maximum(quantile * gaps, (quantile - 1) * gaps))

    return prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One metric of a task.

    Attributes
    ----------
    prepare
        Takes codes (n_rows,) and scores, and returns what takes weights.
    more_is_better
        Whether a better model has more of it.
    is_default
        Whether it is computed unless metrics are named.
    """

    prepare: Prepare
    more_is_better: bool = False
    is_default: bool = True

    def of(self, codes: np.ndarray, scores: np.ndarray) -> float:
        """Return the metric of rows that all weigh the same."""
        return self.prepare(codes, scores)(np.ones(len(codes)))


METRICS: dict[str, dict[str, Measure]] = {
    "binary": {
        "roc_auc": Measure(prepare=_roc_auc, more_is_better=True),
        "average_precision": Measure(prepare=_average_precision, more_is_better=True),
        "log_loss": Measure(prepare=_log_loss),
        "brier": Measure(prepare=_brier),
        "ece": Measure(prepare=_ece),
        "accuracy": Measure(prepare=_accuracy, more_is_better=True),
        "f1": Measure(prepare=_f1, more_is_better=True),
        "precision": Measure(prepare=_precision, more_is_better=True, is_default=False),
        "recall": Measure(prepare=_recall, more_is_better=True, is_default=False),
        "positive_rate": Measure(prepare=_share_of_calls, more_is_better=True, is_default=False),
    },
    "multiclass": {
        "log_loss": Measure(prepare=_log_loss),
        "accuracy": Measure(prepare=_accuracy, more_is_better=True),
        "macro_f1": Measure(prepare=_macro_f1, more_is_better=True),
    },
    "regression": {
        "mae": Measure(prepare=_mae),
        "rmse": Measure(prepare=_rmse),
        "r2": Measure(prepare=_r2, more_is_better=True),
        **{
            f"pinball_{share}": Measure(prepare=_pinball(share / 100), is_default=False)
            for share in (10, 50, 90)
        },
    },
}
