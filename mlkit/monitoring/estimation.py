"""Estimate what a model is worth before any answer is known.

Of classes: a model whose probabilities are right says itself how often it is right. Every
row counts for each class by the probability that it is of it, and any metric of these
weighted rows is an estimate (Garg et al., "Leveraging Unlabeled Data to Predict
Out-of-Distribution Performance", ICLR 2022, compare such methods). Of numbers: the errors
on the holdout are learned from the columns and the prediction. Both see that rows got
harder. That the same rows now have other answers they learn late, from the rows whose
answers have come.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.isotonic import IsotonicRegression

from mlkit.monitoring.fitting import fittable
from mlkit.training.judging.metrics import METRICS

#: Rows from which on probabilities are calibrated anew; a step function fits fewer too well.
LEAST_ROWS = 1_000
#: Of the rows whose answers have come, the newest that are learned from.
MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """Rows whose answers are known.

    Attributes
    ----------
    scores
        What the model said of them; see `TrainedModel.scores`.
    codes
        Their answers (n_rows,), as `Target.codes` gives them, in float64.
    features
        Their columns as numbers (n_rows, n_columns); a classifier needs none.
    """

    scores: np.ndarray
    codes: np.ndarray
    features: np.ndarray

    def __getitem__(self, rows: slice | np.ndarray) -> "Lessons":
        return Lessons(
            scores=self.scores[rows], codes=self.codes[rows], features=self.features[rows]
        )

    def __add__(self, other: "Lessons") -> "Lessons":
        return Lessons(
            scores=np.concatenate([self.scores, other.scores]),
            codes=np.concatenate([self.codes, other.codes]),
            features=np.concatenate([self.features, other.features]),
        )


class Estimator:
    """What is learned of a model's errors from rows whose answers are known.

    Parameters
    ----------
    task
        The model's.
    lessons
        Rows that it was not trained on.
    are_categories
        Which columns hold the numbers of categories.
    """

    def __init__(self, task: str, lessons: Lessons, are_categories: Sequence[bool]) -> None:
        scores, codes, features = lessons.scores, lessons.codes, lessons.features
        self.task = task
        self.n_rows = len(codes)
        self._calibrators: list[IsotonicRegression] = []
        self._errors: dict[str, HistGradientBoostingRegressor] = {}
        if task == "regression":
            if self.n_rows:
                rows = fittable(np.column_stack([features, scores]))
                distances = np.abs(codes - scores)
                for metric, errors in (("mae", distances), ("rmse", distances**2)):
                    self._errors[metric] = HistGradientBoostingRegressor(
                        max_iter=50,
                        max_leaf_nodes=15,
                        min_samples_leaf=50,
                        categorical_features=[*are_categories, False],
                        early_stopping=False,
                        random_state=0,
                    ).fit(rows, errors)
        elif self.n_rows >= LEAST_ROWS:
            by_class = scores.reshape(self.n_rows, -1)
            labels = range(by_class.shape[1]) if task == "multiclass" else (1,)
            self._calibrators = [
                IsotonicRegression(out_of_bounds="clip").fit(column, codes == label)
                for column, label in zip(by_class.T, labels, strict=True)
            ]

    def figures(
        self,
        metrics: Sequence[str],
        scores: np.ndarray,
        features: np.ndarray,
        threshold: float,
        parts: Sequence[np.ndarray | slice] = (slice(None),),
    ) -> np.ndarray:
        """Return estimates (n_parts, n_metrics); NaN where there is none.

        Parameters
        ----------
        metrics
            Their names.
        scores
            What the model says of the rows.
        features
            Their columns, for a regression.
        threshold
            From this probability on, the positive class is chosen.
        parts
            Positions of the rows of each part.
        """
        if self.task == "regression":
            return self._of_numbers(metrics, scores, features, parts)
        shares = self._probabilities(scores)
        return np.array(
            [
                [self._of_classes(name, scores[rows], shares[rows], threshold) for name in metrics]
                for rows in parts
            ]
        )

    def _of_classes(
        self, name: str, scores: np.ndarray, shares: np.ndarray, threshold: float
    ) -> float:
        n_rows, n_classes = shares.shape
        if not n_rows:
            return float("nan")
        codes = np.repeat(np.arange(n_classes), n_rows)
        every = np.concatenate([scores] * n_classes)
        measure = METRICS[self.task][name]
        return measure.prepare(codes, every, threshold)(shares.T.ravel())

    def _probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Return each class's probability (n_rows, n_classes), calibrated on the holdout."""
        by_class = scores.reshape(len(scores), -1)
        if self._calibrators and len(scores):
            by_class = np.column_stack(
                [c.predict(column) for c, column in zip(self._calibrators, by_class.T, strict=True)]
            )
        if self.task == "binary":
            return np.column_stack([1 - by_class[:, 0], by_class[:, 0]])
        totals = by_class.sum(axis=1, keepdims=True)
        shares: np.ndarray = by_class / np.where(totals > 0, totals, 1)
        return shares

    def _of_numbers(
        self,
        metrics: Sequence[str],
        scores: np.ndarray,
        features: np.ndarray,
        parts: Sequence[np.ndarray | slice],
    ) -> np.ndarray:
        found = np.full((len(parts), len(metrics)), np.nan)
        rows = np.column_stack([features, scores])
        for place, name in enumerate(metrics):
            if name not in self._errors or not len(rows):
                continue
            errors = np.maximum(self._errors[name].predict(rows), 0)
            means = [errors[part].mean() if len(errors[part]) else np.nan for part in parts]
            found[:, place] = np.sqrt(means) if name == "rmse" else means
        return found
