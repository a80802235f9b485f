"""What a model says of one row, or of many."""

from collections.abc import Callable, Iterator, Sequence
from operator import index
from typing import Any, overload

import msgspec
import numpy as np

from mlkit.core.bundle import Bundle
from mlkit.core.decision import decide


class Prediction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a model says of one record.

    `msgspec.structs.replace` makes another of it, msgspec's encoders its JSON.

    Attributes
    ----------
    label
        The class that is predicted; for a regression, the predicted number.
    probability
        Of the positive class for a binary target, of `label` for a multiclass
        one; None for a regression.
    probabilities
        Of each class, for a multiclass target only.
    model
        Name and digest of the bundle that answered.
    """

    label: Any
    probability: float | None = None
    probabilities: dict[Any, float] | None = None
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that are set, for JSON."""
        return {
            name: value for name, value in msgspec.structs.asdict(self).items() if value is not None
        }


class Predictions(Sequence[Prediction]):
    """Predictions of many rows, held as columns; a sequence of `Prediction`.

    A slice of it is one too. Two are equal if the same bundle gave the same scores.

    Attributes
    ----------
    label
        Array of the predicted labels, or of the predicted numbers (float64).
    probability
        As in `Prediction`, float64 of shape (n_rows,), or None.
    probabilities
        float64 of shape (n_rows, n_classes) for a multiclass target, or None.
    """

    def __init__(self, scores: np.ndarray, bundle: Bundle) -> None:
        classes = bundle.manifest.classes
        self._scores = scores
        self._bundle = bundle
        self._single = single(bundle)
        self.probability: np.ndarray | None = None
        self.probabilities: np.ndarray | None = None
        if not classes:
            self.label = scores
        elif scores.ndim == 1:
            self.probability = scores
            self.label = np.array(classes)[decide(scores, bundle.manifest.threshold)]
        else:
            self.probabilities = scores
            self.probability = scores.max(axis=1, initial=0)
            self.label = np.array(classes)[decide(scores)]

    def __len__(self) -> int:
        return len(self.label)

    @overload
    def __getitem__(self, row: int) -> Prediction: ...
    @overload
    def __getitem__(self, row: slice) -> "Predictions": ...
    def __getitem__(self, row: int | slice) -> "Prediction | Predictions":
        if isinstance(row, slice):
            return Predictions(self._scores[row], self._bundle)
        return self._single(self._scores[index(row)].tolist())

    def __iter__(self) -> Iterator[Prediction]:
        return map(self._single, self._scores.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Predictions):
            return NotImplemented
        is_same_model = self._bundle.model == other._bundle.model
        return is_same_model and np.array_equal(self._scores, other._scores)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self):,} predictions of {self._bundle.model}>"

    def columns(self) -> dict[str, np.ndarray]:
        """Return the predictions as columns of a table: label, then the probabilities."""
        if self.probability is None:
            return {"prediction": self.label}
        columns = {"prediction": self.label, "probability": self.probability}
        if self.probabilities is not None:
            for label, shares in zip(
                self._bundle.manifest.classes, self.probabilities.T, strict=True
            ):
                columns[f"probability_{label}"] = shares
        return columns


def single(bundle: Bundle) -> Callable[[Any], Prediction]:
    """Return what turns one row's score, or its scores by class, into its `Prediction`."""
    classes, threshold, model = bundle.manifest.classes, bundle.manifest.threshold, bundle.model

    def number(score: float) -> Prediction:
        return Prediction(label=score, model=model)

    def binary(score: float) -> Prediction:
        return Prediction(label=classes[score >= threshold], probability=score, model=model)

    def multiclass(scores: list[float]) -> Prediction:
        likeliest = scores.index(max(scores))
        return Prediction(
            label=classes[likeliest],
            probability=scores[likeliest],
            probabilities=dict(zip(classes, scores, strict=True)),
            model=model,
        )

    by_task: dict[str, Callable[[Any], Prediction]] = {"binary": binary, "multiclass": multiclass}
    return by_task.get(bundle.manifest.task, number)
