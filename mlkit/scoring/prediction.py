"""Load a bundle, and predict: the scoring team's whole world."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self, overload

import numpy as np

from mlkit.core.bundle import Bundle
from mlkit.core.decision import decide
from mlkit.core.errors import BundleError, DataError
from mlkit.core.extras import load
from mlkit.core.rows import RecordRows, Rows, read_table
from mlkit.core.schema import Schema

#: Largest difference between a golden score and the one computed at load. The
#: same pipeline on another processor may differ in the last bits.
GOLDEN_TOLERANCE = 1e-9
#: What runs a bundle, by the manifest's `runtime`: a module with `open_runtime`,
#: and the extra that installs what it needs.
_RUNTIMES = {"python": ("mlkit.training.runtime", "train")}


class Runtime(Protocol):
    """What turns validated rows into scores; see `TrainedModel.scores` for their shape."""

    def scores(self, rows: Rows) -> np.ndarray:
        """Score validated rows."""


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


class Predictor:
    """One function: records in, predictions out.

    Subclass it to override `preprocess` or `postprocess`; build it with `load`.

    Attributes
    ----------
    bundle
        The checked bundle.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        self.bundle = bundle
        self._runtime = runtime

    @classmethod
    def load(cls, path: str | Path, *, trusted: Sequence[str] = ()) -> Self:
        """Read the bundle in the folder `path`, and see that it predicts what it did.

        Parameters
        ----------
        path
            The bundle's folder.
        trusted
            Packages whose classes the bundle may use: your own project's. What
            scikit-learn and mlkit bring is trusted already.

        Raises
        ------
        BundleError
            If the bundle is damaged, uses what is not trusted, or its golden
            rows no longer get their scores.
        MissingExtraError
            If what runs it is not installed.
        """
        trusted = (trusted,) if isinstance(trusted, str) else trusted
        bundle = Bundle.open(path)
        if bundle.manifest.runtime not in _RUNTIMES:
            raise BundleError(
                f"{path} runs on {bundle.manifest.runtime!r}, which this mlkit does not know. "
                "Upgrade mlkit."
            )
        module, extra = _RUNTIMES[bundle.manifest.runtime]
        purpose = f"A bundle of the runtime {bundle.manifest.runtime}"
        opener = load(module, extra=extra, purpose=purpose)
        predictor = cls(bundle, opener.open_runtime(bundle, trusted))
        predictor._check_golden()
        return predictor

    @property
    def schema(self) -> type[Schema]:
        """What a record is."""
        return self.bundle.schema

    def preprocess(self, record: dict[str, Any]) -> dict[str, Any]:
        """Change a raw record before it is validated; by default it stays as it is."""
        return record

    def postprocess(self, prediction: Prediction, record: dict[str, Any]) -> Prediction:
        """Change a record's prediction before it is returned; by default it stays as it is."""
        return prediction

    @overload
    def predict(self, data: dict[str, Any]) -> Prediction: ...
    @overload
    def predict(self, data: list[dict[str, Any]]) -> list[Prediction]: ...
    @overload
    def predict(self, data: Any) -> Any: ...
    def predict(self, data: Any) -> Any:
        """Predict one record, many, or a table.

        Parameters
        ----------
        data
            A mapping of fields to values; a list of such; or a table: a pandas
            DataFrame, or a mapping of names to equally long columns.

        Returns
        -------
        Prediction, list of Prediction, or Predictions
            For one record, many, or a table. The hooks see records only.

        Raises
        ------
        DataError
            Naming every field or column that breaks the schema.
        """
        if hasattr(data, "columns") or _is_columns(data):
            return Predictions(self._runtime.scores(read_table(self.schema, data)), self.bundle)
        if isinstance(data, Mapping):
            return self._predict_records([data])[0]
        if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
            return self._predict_records(data)
        raise DataError(
            "predict takes a record (mapping), a list of records, or a table (DataFrame or "
            f"mapping of columns); got {type(data).__name__}."
        )

    def _predict_records(self, records: Sequence[Any]) -> list[Prediction]:
        if not records:
            return []
        prepared = [
            self.preprocess(dict(record) if isinstance(record, Mapping) else record)
            for record in records
        ]
        parsed = []
        for position, record in enumerate(prepared):
            try:
                parsed.append(self.schema.parse(record))
            except DataError as error:
                if len(prepared) == 1:
                    raise
                raise DataError(f"Record {position}: {error}", error.violations) from None
        predictions = Predictions(
            self._runtime.scores(RecordRows(self.schema, parsed)), self.bundle
        )
        return [
            self.postprocess(prediction, record)
            for prediction, record in zip(predictions, prepared, strict=True)
        ]

    def _check_golden(self) -> None:
        golden = self.bundle.golden
        parsed = [self.schema.parse(record) for record in golden.records]
        found = self._runtime.scores(RecordRows(self.schema, parsed))
        expected = np.asarray(golden.scores, dtype="float64")
        difference = np.abs(found - expected)
        allowed = GOLDEN_TOLERANCE * np.maximum(1, np.abs(expected))
        if not (difference <= allowed).all():
            raise BundleError(
                f"{self.bundle.path} no longer predicts what it did: of {len(expected)} golden "
                f"rows, {int((difference > allowed).reshape(len(expected), -1).any(axis=1).sum())} "
                f"differ, by up to {difference.max():.3g}. Install the libraries that its "
                "manifest names, or train again."
            )


def _is_columns(data: Any) -> bool:
    if not isinstance(data, Mapping) or not data:
        return False
    return all(
        hasattr(v, "__len__") and not isinstance(v, (str, bytes)) and np.ndim(v) > 0
        for v in data.values()
    )
