"""Rows' answers and scores, and what several metrics need of them under the same weights."""

from functools import cached_property

import numpy as np

from mlkit.core.decision import THRESHOLD

#: Bins of equal width that probabilities are put into, to see whether they are calibrated.
N_BINS = 10


def bins_of(scores: np.ndarray) -> np.ndarray:
    """Return the number of the bin (n_rows,) that each probability is in."""
    bins: np.ndarray = np.minimum((scores * N_BINS).astype("int64"), N_BINS - 1)
    return bins


class Answers:
    """The answers of some rows, and what a model says of them.

    Parameters
    ----------
    codes
        The answers, as `Target.codes` gives them.
    scores
        The predictions, as `TrainedModel.scores` gives them.
    threshold
        From this probability on, the positive class is chosen.
    """

    def __init__(self, codes: np.ndarray, scores: np.ndarray, threshold: float = THRESHOLD) -> None:
        self.codes = codes
        self.scores = scores
        self.threshold = threshold

    @cached_property
    def ranking(self) -> "Ranking":
        """Return the rows of a binary target by ascending score."""
        return Ranking(self)


class Ranking:
    """Rows of a binary target by ascending score, and where the positive ones stand.

    Ranking metrics are sums over the scores that positive rows have: of how many
    rows, and how many positives, score below each of them, or at most as high.
    """

    def __init__(self, answers: Answers) -> None:
        order = np.argsort(answers.scores, kind="stable")
        # A gather costs as much as all else, and `Figures` hands over sorted rows.
        self.order = None if (order == np.arange(len(order))).all() else order
        scores, is_positive = self.sorted(answers.scores), self.sorted(answers.codes == 1)
        self.positives = np.flatnonzero(is_positive)
        own = scores[self.positives]
        levels, counts = np.unique(own, return_counts=True)
        self.hits_up_to = np.cumsum(counts)
        self.rows_below = np.searchsorted(scores, levels, "left")
        self.rows_up_to = np.searchsorted(scores, levels, "right")
        self.cut = int(np.searchsorted(scores, answers.threshold))
        self.hits_cut = int(np.searchsorted(own, answers.threshold))

    def sorted(self, per_row: np.ndarray) -> np.ndarray:
        """Return what belongs to the rows, by ascending score."""
        return per_row if self.order is None else per_row[self.order]


class Weighed:
    """Rows under some weights (n_rows,), such as how often each was drawn."""

    def __init__(self, answers: Answers, weights: np.ndarray) -> None:
        self.answers = answers
        self.weights = weights

    @cached_property
    def total(self) -> float:
        """Return the weight of all rows."""
        return float(self.weights.sum())

    @cached_property
    def ranked(self) -> np.ndarray:
        """Return the weights by ascending score."""
        return self.answers.ranking.sorted(self.weights)

    @cached_property
    def pile(self) -> "Pile":
        """Return how weight piles up over the scores."""
        return Pile(self.answers.ranking, self.ranked)


class Pile:
    """How the weight of all rows, and of positive ones (hits), piles up over the scores.

    Attributes
    ----------
    hits
        The weight of the positive rows of each score that any has (n_scores,), ascending.
    positive
        Their sum.
    hits_below
        The weight of positive rows with a lower score (n_scores,).
    rows_below, rows_up_to
        The weight of all rows with a lower score, or at most this one (n_scores,).
    chosen, hits_chosen
        The weight of all rows, and of positive ones, with a score from the threshold on.
    """

    def __init__(self, ranking: Ranking, ranked: np.ndarray) -> None:
        rows, hits = _piled(ranked), _piled(ranked[ranking.positives])
        hits_up_to = hits[ranking.hits_up_to]
        self.hits_below = np.empty_like(hits_up_to)
        self.hits_below[:1], self.hits_below[1:] = 0, hits_up_to[:-1]
        self.hits = hits_up_to - self.hits_below
        self.positive = float(hits[-1])
        self.rows_below, self.rows_up_to = rows[ranking.rows_below], rows[ranking.rows_up_to]
        self.chosen = float(rows[-1] - rows[ranking.cut])
        self.hits_chosen = float(hits[-1] - hits[ranking.hits_cut])


def _piled(weights: np.ndarray) -> np.ndarray:
    """Return the weight of the first 0, 1, … rows (n_rows + 1,)."""
    sums = np.empty(len(weights) + 1)
    sums[0] = 0
    np.cumsum(weights, out=sums[1:])
    return sums
