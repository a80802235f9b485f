"""What a model says of one row, or of many."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

import numpy as np

from mlkit.core.bundle import Bundle
from mlkit.core.decision import decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a model says of one record.

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
        return {name: value for name, value in asdict(self).items() if value is not None}


class Predictions(Sequence[Prediction]):
    """Predictions of many rows, held as columns; a sequence of `Prediction`.

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
        self.model = bundle.model
        self.classes = classes
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
    def __getitem__(self, row: slice) -> list[Prediction]: ...
    def __getitem__(self, row: int | slice) -> Prediction | list[Prediction]:
        if isinstance(row, slice):
            return [self[position] for position in range(*row.indices(len(self)))]
        by_class = (
            None
            if self.probabilities is None
            else dict(zip(self.classes, self.probabilities[row].tolist(), strict=True))
        )
        return Prediction(
            label=self.label[row].item(),
            probability=None if self.probability is None else float(self.probability[row]),
            probabilities=by_class,
            model=self.model,
        )

    def __iter__(self) -> Iterator[Prediction]:
        return (self[row] for row in range(len(self)))

    def columns(self) -> dict[str, np.ndarray]:
        """Return the predictions as columns of a table: label, then the probabilities."""
        if self.probability is None:
            return {"prediction": self.label}
        columns = {"prediction": self.label, "probability": self.probability}
        if self.probabilities is not None:
            for label, shares in zip(self.classes, self.probabilities.T, strict=True):
                columns[f"probability_{label}"] = shares
        return columns


def single(bundle: Bundle) -> Callable[[Any], Prediction]:
    """Return what turns one row's scores into its `Prediction`, without arrays."""
    classes, threshold, model = bundle.manifest.classes, bundle.manifest.threshold, bundle.model

    def number(score: Any) -> Prediction:
        return Prediction(label=float(score), model=model)

    def binary(score: Any) -> Prediction:
        share = float(score)
        return Prediction(label=classes[share >= threshold], probability=share, model=model)

    def multiclass(score: Any) -> Prediction:
        shares = score.tolist()
        likeliest = shares.index(max(shares))
        return Prediction(
            label=classes[likeliest],
            probability=shares[likeliest],
            probabilities=dict(zip(classes, shares, strict=True)),
            model=model,
        )

    return {"binary": binary, "multiclass": multiclass}.get(bundle.manifest.task, number)
