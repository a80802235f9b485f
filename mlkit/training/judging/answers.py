"""Rows' answers and scores, and what several metrics need of them under the same weights."""

import threading
from functools import cached_property

import numpy as np

from mlkit.core.decision import THRESHOLD


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
        # None where no two of them score alike, so that each is a score of its own.
        self.hits_up_to = None if len(levels) == len(own) else np.cumsum(counts)
        self.rows_below = np.searchsorted(scores, levels, "left")
        self.rows_up_to = np.searchsorted(scores, levels, "right")
        self.cut = int(np.searchsorted(scores, answers.threshold))
        self.hits_cut = int(np.searchsorted(own, answers.threshold))

    def sorted(self, per_row: np.ndarray) -> np.ndarray:
        """Return what belongs to the rows, by ascending score."""
        return per_row if self.order is None else per_row[self.order]


class Scratch(threading.local):
    """Arrays that each thread uses again, draw after draw.

    To get fresh ones from the system takes as long as to fill them.
    """

    def __init__(self) -> None:
        self.held: dict[str, np.ndarray] = {}

    def array(self, name: str, length: int) -> np.ndarray:
        """Return floats of any value, which are valid until the next call with this name."""
        held = self.held.get(name)
        if held is None or len(held) < length:
            held = self.held[name] = np.empty(length)
        return held[:length]

    def taken(self, name: str, values: np.ndarray, places: np.ndarray | slice) -> np.ndarray:
        """Return the values at some places, as floats."""
        chosen = values[places]
        found = self.array(name, len(chosen))
        found[:] = chosen
        return found

    def piled(self, name: str, weights: np.ndarray) -> np.ndarray:
        """Return the weight of the first 0, 1, … rows (n_rows + 1,)."""
        sums = self.array(name, len(weights) + 1)
        sums[0] = 0
        np.cumsum(weights, out=sums[1:])
        return sums


class Weighed:
    """Rows under some weights (n_rows,), such as how often each was drawn.

    What it gives is valid until the scratch is used for other rows.
    """

    def __init__(self, answers: Answers, weights: np.ndarray, scratch: Scratch) -> None:
        self.answers = answers
        self.weights = weights
        self.scratch = scratch

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
        return Pile(self.answers.ranking, self.ranked, self.scratch)


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

    def __init__(self, ranking: Ranking, ranked: np.ndarray, scratch: Scratch) -> None:
        rows = scratch.piled("rows", ranked)
        hits = scratch.piled("hits", scratch.taken("own", ranked, ranking.positives))
        self.hits_below, hits_up_to = hits[:-1], hits[1:]
        if ranking.hits_up_to is not None:
            hits_up_to = scratch.taken("hits_up_to", hits, ranking.hits_up_to)
            self.hits_below = scratch.array("hits_below", len(hits_up_to))
            self.hits_below[:1], self.hits_below[1:] = 0, hits_up_to[:-1]
        self.hits = np.subtract(
            hits_up_to, self.hits_below, out=scratch.array("each", len(hits_up_to))
        )
        self.positive = float(hits[-1])
        self.rows_below = scratch.taken("rows_below", rows, ranking.rows_below)
        self.rows_up_to = scratch.taken("rows_up_to", rows, ranking.rows_up_to)
        self.chosen = float(rows[-1] - rows[ranking.cut])
        self.hits_chosen = float(hits[-1] - hits[ranking.hits_cut])
