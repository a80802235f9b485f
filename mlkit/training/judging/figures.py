"""Compute every metric on all rows, and on parts of them, under any weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlkit.core.decision import THRESHOLD
from mlkit.training.judging.answers import Answers, Scratch, Weighed
from mlkit.training.judging.metrics import Measure


class Figures:
    """The metrics of one model's scores: prepared once, then asked for draw after draw.

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
    """

    def __init__(
        self,
        measures: Sequence[Measure],
        codes: np.ndarray,
        scores: np.ndarray,
        parts: Sequence[np.ndarray] = (),
        threshold: float = THRESHOLD,
    ) -> None:
        self.shape = (1 + len(parts), len(measures))
        # Sorted once here, the rows of every part are, which is what ranking metrics need.
        self.order = np.argsort(scores, kind="stable") if scores.ndim == 1 else None
        if self.order is not None:
            codes, scores = codes[self.order], scores[self.order]
            places = np.empty_like(self.order)
            places[self.order] = np.arange(len(places))
            parts = [np.sort(places[rows]) for rows in parts]
        self.parts = []
        self.scratch = Scratch()
        chosen: list[Any] = [slice(None), *parts]
        for rows in chosen:
            answers = Answers(codes[rows], scores[rows], threshold)
            self.parts.append((rows, answers, [measure.make(answers) for measure in measures]))

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """Return the figures under weights (n_rows,), part after part, metric after metric.

        Those of a part without weight are NaN.
        """
        scratch = self.scratch
        ranked = weights if self.order is None else weights[self.order]
        found = np.full(self.shape, np.nan)
        for part, (rows, answers, metrics) in enumerate(self.parts):
            weighed = Weighed(answers, scratch.taken("weights", ranked, rows), scratch)
            if weighed.total:
                found[part] = [metric(weighed) for metric in metrics]
        return found.ravel()

    def values(self) -> np.ndarray:
        """Return the figures (n_parts, n_metrics) of rows that all weigh the same."""
        return self(np.ones(len(self.parts[0][1].codes))).reshape(self.shape)
