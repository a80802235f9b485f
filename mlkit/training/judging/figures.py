"""Compute every metric on all rows, and on parts of them, under any weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlkit.core.decision import THRESHOLD
from mlkit.training.judging.answers import Answers, Weighed
from mlkit.training.judging.cells import Cells
from mlkit.training.judging.metrics import Measure, Metric

#: Rows of a binary target up to which each counts by itself in a draw.
MOST_ROWS = 50_000


def exact_figures(
    measures: Sequence[Measure],
    codes: np.ndarray,
    scores: np.ndarray,
    parts: Sequence[np.ndarray] = (),
    threshold: float = THRESHOLD,
) -> np.ndarray:
    """Return the figures (n_parts, n_metrics) of rows that all weigh the same.

    See `Figures` for what it takes.
    """
    return _ByRow(measures, codes, scores, parts, threshold)(np.ones(len(codes)))


class Figures:
    """The metrics of one model's scores: prepared once, then asked for draw after draw.

    Of a binary target with more than `MOST_ROWS` rows, those with nearly the same
    score count together in a draw (see `Cells`), and by how much that changes the
    exact figures is taken off again. Of 300,000 rows it moves the bounds of an
    interval by less than a hundredth of its width.

    Parameters
    ----------
    measures
        The metrics.
    codes, scores
        The answers and the predictions of all rows.
    parts
        Row numbers of each part; all rows always come before them.
    threshold
        From this probability on, the positive class is chosen.

    Attributes
    ----------
    values
        The exact figures (n_parts, n_metrics) of rows that all weigh the same.
    """

    def __init__(
        self,
        measures: Sequence[Measure],
        codes: np.ndarray,
        scores: np.ndarray,
        parts: Sequence[np.ndarray] = (),
        threshold: float = THRESHOLD,
    ) -> None:
        given = (measures, codes, scores, parts, threshold)
        is_binary = scores.ndim == 1 and codes.dtype.kind == "i"
        is_large = is_binary and len(codes) > MOST_ROWS
        self._drawn = _ByCell(*given) if is_large else _ByRow(*given)
        own = self._drawn(np.ones(len(codes)))
        self.values = exact_figures(*given) if is_large else own
        self._offset = self.values - own

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """Return the figures under weights (n_rows,), part after part, metric after metric.

        Those of a part without weight are NaN.
        """
        found: np.ndarray = self._drawn(weights) + self._offset
        return found.ravel()


class _ByRow:
    """Every row by itself."""

    def __init__(
        self,
        measures: Sequence[Measure],
        codes: np.ndarray,
        scores: np.ndarray,
        parts: Sequence[np.ndarray],
        threshold: float,
    ) -> None:
        # Sorted once here, the rows of every part are, which is what ranking metrics need.
        self.order = np.argsort(scores, kind="stable") if scores.ndim == 1 else None
        if self.order is not None:
            codes, scores = codes[self.order], scores[self.order]
            places = np.empty_like(self.order)
            places[self.order] = np.arange(len(places))
            parts = [np.sort(places[rows]) for rows in parts]
        self.parts = []
        chosen: list[Any] = [slice(None), *parts]
        for rows in chosen:
            answers = Answers(codes[rows], scores[rows], threshold)
            self.parts.append((rows, answers, [measure.make(answers) for measure in measures]))

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        # Drawn weights are small whole numbers of a small type, for that is looked up sooner.
        ranked = weights if self.order is None else weights[self.order]
        return np.array(
            [
                _found(metrics, Weighed(answers, ranked[rows].astype("float64")))
                for rows, answers, metrics in self.parts
            ]
        )


class _ByCell:
    """Rows with nearly the same score together."""

    def __init__(
        self,
        measures: Sequence[Measure],
        codes: np.ndarray,
        scores: np.ndarray,
        parts: Sequence[np.ndarray],
        threshold: float,
    ) -> None:
        cells = Cells(codes, scores, threshold)
        self.answers = cells.answers
        self.metrics = [measure.make(cells.answers) for measure in measures]
        self.shape = (1 + len(parts), len(cells.answers.codes))
        # Rows of one cell that are in the same parts are summed once for all of them.
        first, self.group = _grouped(cells.of_row, parts)
        own = [np.arange(len(first)), *(np.unique(self.group[rows]) for rows in parts)]
        self.groups = np.concatenate(own)
        cell = cells.of_row[first]
        self.cells = np.concatenate([cell[of] + n * self.shape[1] for n, of in enumerate(own)])

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        drawn = np.bincount(self.group, weights)[self.groups]
        n_cells = self.shape[0] * self.shape[1]
        sums = np.bincount(self.cells, drawn, minlength=n_cells).reshape(self.shape)
        return np.array([_found(self.metrics, Weighed(self.answers, part)) for part in sums])


def _grouped(of_row: np.ndarray, parts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row of each lot alike in `of_row` and parts, and the lot of each row."""
    found = of_row
    for rows in parts:
        is_in = np.zeros(len(of_row), dtype="int64")
        is_in[rows] = 1
        found, _ = pd.factorize(2 * found + is_in)
    # Ascending cells lie close together in memory.
    ranked = of_row * (int(found.max()) + 1) + found
    _, first, group = np.unique(ranked, return_index=True, return_inverse=True)
    return first, group


def _found(metrics: Sequence[Metric], rows: Weighed) -> list[float]:
    return [metric(rows) if rows.total else np.nan for metric in metrics]
