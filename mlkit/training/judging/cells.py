"""Take rows of a binary target together whose scores hardly differ, so that draws are cheap."""

import numpy as np

from mlkit.training.judging.answers import N_BINS, Answers

#: Spans of scores with about as many rows each.
N_SPANS = 3000


class Cells:
    """Rows of one class within one span of scores, as if they were a row.

    Every metric of a binary target goes by the class and the score alone, so that
    the weights of cells are all it needs. Where no more scores than spans occur, as
    of small trees, each is a span of its own and nothing is lost. Else the rows of a
    span count as tied, at the score of its middle row.

    Parameters
    ----------
    codes, scores
        The classes (0 or 1) and the probabilities of all rows.
    threshold
        From this probability on, the positive class is chosen.

    Attributes
    ----------
    of_row
        The number of each row's cell (n_rows,).
    answers
        The cells, by ascending score.
    """

    def __init__(self, codes: np.ndarray, scores: np.ndarray, threshold: float) -> None:
        ranked = np.sort(scores)
        levels = np.unique(ranked)
        if len(levels) > N_SPANS:
            levels = ranked[np.linspace(0, len(ranked) - 1, N_SPANS).astype("int64")]
        # No span reaches across what a metric draws a line at.
        edges = np.unique([*levels, threshold, *np.arange(1, N_BINS) / N_BINS])
        self.of_row = 2 * np.searchsorted(edges, scores, side="right") + codes
        bounds = [0, *np.searchsorted(ranked, edges), len(ranked)]
        middle = np.maximum(np.add(bounds[:-1], bounds[1:]) - 1, 0) // 2
        n_spans = len(edges) + 1
        self.answers = Answers(np.tile([0, 1], n_spans), np.repeat(ranked[middle], 2), threshold)
