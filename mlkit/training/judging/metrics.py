"""Metrics that take weights, so that a bootstrap costs a weighting and no new sort.

Each metric is prepared once for a set of rows and can then be asked for its
value under any weights; scikit-learn defines what each of them means.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mlkit.core.decision import THRESHOLD, decide
from mlkit.training.judging.answers import N_BINS, Answers, Weighed, bins_of

#: Rows under some weights, to the metric's value.
Metric = Callable[[Weighed], float]


def row_losses(codes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return each row's loss (n_rows,): its log loss, or its absolute error for numbers."""
    if codes.dtype.kind == "i":
        return log_losses(codes, scores)
    errors: np.ndarray = np.abs(codes - scores)
    return errors


def log_losses(codes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return each row's log loss (n_rows,), of which `log_loss` is the mean."""
    tiny = np.finfo(scores.dtype).eps
    if scores.ndim == 1:
        of_truth = np.where(codes == 1, scores, 1 - scores)
    else:
        of_truth = scores[np.arange(len(codes)), codes] / scores.sum(axis=1)
    losses: np.ndarray = -np.log(np.clip(of_truth, tiny, 1 - tiny))
    return losses


def _mean(per_row: np.ndarray) -> Metric:
    return lambda rows: float(rows.weights @ per_row / rows.total)


def _roc_auc(_: Answers) -> Metric:
    def value(rows: Weighed) -> float:
        pile = rows.pile
        total = pile.positive * (rows.total - pile.positive)
        # What is below each positive row, less the positives among it: their square in all.
        below = pile.hits @ pile.rows_below + pile.hits @ pile.rows_up_to - pile.positive**2
        return float(below / total / 2) if total else np.nan

    return value


def _average_precision(_: Answers) -> Metric:
    def value(rows: Weighed) -> float:
        pile = rows.pile
        # Nothing is chosen only where nothing is found.
        chosen = np.maximum(rows.total - pile.rows_below, np.finfo("float64").tiny)
        found = (pile.positive - pile.hits_below) / chosen
        return float(pile.hits @ found / pile.positive) if pile.positive else np.nan

    return value


def _log_loss(answers: Answers) -> Metric:
    return _mean(log_losses(answers.codes, answers.scores))


def _brier(answers: Answers) -> Metric:
    return _mean((answers.scores - (answers.codes == 1)) ** 2)


def _accuracy(answers: Answers) -> Metric:
    if answers.scores.ndim == 2:
        return _mean((decide(answers.scores) == answers.codes).astype("float64"))

    def value(rows: Weighed) -> float:
        pile = rows.pile
        missed, false_alarms = pile.positive - pile.hits_chosen, pile.chosen - pile.hits_chosen
        return float((rows.total - missed - false_alarms) / rows.total)

    return value


def _f1(_: Answers) -> Metric:
    def value(rows: Weighed) -> float:
        pile = rows.pile
        total = pile.chosen + pile.positive
        return float(2 * pile.hits_chosen / total) if total else 0.0

    return value


def _precision(_: Answers) -> Metric:
    return lambda rows: rows.pile.hits_chosen / rows.pile.chosen if rows.pile.chosen else np.nan


def _recall(_: Answers) -> Metric:
    return lambda rows: rows.pile.hits_chosen / rows.pile.positive if rows.pile.positive else np.nan


def _positive_rate(_: Answers) -> Metric:
    return lambda rows: rows.pile.chosen / rows.total


def _ece(answers: Answers) -> Metric:
    """Return the expected calibration error of Naeini, Cooper and Hauskrecht (2015).

    In ten bins of equal width, how far the mean probability lies from the share
    of positives, weighted by the bins' rows.
    """
    ranking = answers.ranking
    scores = ranking.sorted(answers.scores)
    gaps = scores - ranking.sorted(answers.codes == 1)
    places = bins_of(scores)
    edges = np.searchsorted(places, np.arange(N_BINS + 1))
    bins = [slice(*pair) for pair in pairwise(edges)]

    def value(rows: Weighed) -> float:
        ranked = rows.ranked
        return float(sum(abs(ranked[own] @ gaps[own]) for own in bins) / rows.total)

    return value


def _macro_f1(answers: Answers) -> Metric:
    n_classes = answers.scores.shape[1]
    codes, decided = answers.codes, decide(answers.scores)
    is_right = codes == decided

    def value(rows: Weighed) -> float:
        weights = rows.weights
        hits = np.bincount(codes, weights * is_right, minlength=n_classes)
        truths = np.bincount(codes, weights, minlength=n_classes)
        calls = np.bincount(decided, weights, minlength=n_classes)
        occurs = truths + calls > 0
        return float(np.mean(2 * hits[occurs] / (truths + calls)[occurs]))

    return value


def _mae(answers: Answers) -> Metric:
    return _mean(np.abs(answers.codes - answers.scores))


def _rmse(answers: Answers) -> Metric:
    squared = _mean((answers.codes - answers.scores) ** 2)
    return lambda rows: float(np.sqrt(squared(rows)))


def _r2(answers: Answers) -> Metric:
    target = answers.codes
    residual = _mean((target - answers.scores) ** 2)

    def value(rows: Weighed) -> float:
        mean = rows.weights @ target / rows.total
        spread = rows.weights @ (target - mean) ** 2 / rows.total
        return float(1 - residual(rows) / spread) if spread else np.nan

    return value


def _pinball(quantile: float) -> Callable[[Answers], Metric]:
    def make(answers: Answers) -> Metric:
        gaps = answers.codes - answers.scores
        return _mean(np.maximum(quantile * gaps, (quantile - 1) * gaps))

    return make


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One metric of a task.

    Attributes
    ----------
    make
        Takes rows, and returns what takes their weights.
    more_is_better
        Whether a better model has more of it.
    is_default
        Whether it is computed unless metrics are named.
    """

    make: Callable[[Answers], Metric]
    more_is_better: bool = False
    is_default: bool = True

    def prepare(
        self, codes: np.ndarray, scores: np.ndarray, threshold: float = THRESHOLD
    ) -> Callable[[np.ndarray], float]:
        """Return what takes weights of shape (n_rows,) to the metric's value."""
        answers = Answers(codes, scores, threshold)
        metric = self.make(answers)
        return lambda weights: metric(Weighed(answers, weights))

    def of(self, codes: np.ndarray, scores: np.ndarray, threshold: float = THRESHOLD) -> float:
        """Return the metric of rows that all weigh the same."""
        return self.prepare(codes, scores, threshold)(np.ones(len(codes)))

    def gain(self, value: float, other: float) -> float:
        """Return by how much a value is better than another, below 0 where it is worse."""
        return self.sign * (value - other)

    @property
    def sign(self) -> int:
        """1 where a better model has more of it, else -1."""
        return 1 if self.more_is_better else -1


METRICS: dict[str, dict[str, Measure]] = {
    "binary": {
        "roc_auc": Measure(make=_roc_auc, more_is_better=True),
        "average_precision": Measure(make=_average_precision, more_is_better=True),
        "log_loss": Measure(make=_log_loss),
        "brier": Measure(make=_brier),
        "ece": Measure(make=_ece),
        "accuracy": Measure(make=_accuracy, more_is_better=True),
        "f1": Measure(make=_f1, more_is_better=True),
        "precision": Measure(make=_precision, more_is_better=True, is_default=False),
        "recall": Measure(make=_recall, more_is_better=True, is_default=False),
        "positive_rate": Measure(make=_positive_rate, more_is_better=True, is_default=False),
    },
    "multiclass": {
        "log_loss": Measure(make=_log_loss),
        "accuracy": Measure(make=_accuracy, more_is_better=True),
        "macro_f1": Measure(make=_macro_f1, more_is_better=True),
    },
    "regression": {
        "mae": Measure(make=_mae),
        "rmse": Measure(make=_rmse),
        "r2": Measure(make=_r2, more_is_better=True),
        **{
            f"pinball_{share}": Measure(make=_pinball(share / 100), is_default=False)
            for share in (10, 50, 90)
        },
    },
}
