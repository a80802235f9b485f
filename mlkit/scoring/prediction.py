"""Load a bundle, and predict: the scoring team's whole world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter
from typing import Any, NoReturn, Protocol, Self, overload

import numpy as np

from mlkit.core.agreement import TOLERANCE, differences, scale_of
from mlkit.core.bundle import Bundle
from mlkit.core.errors import BundleError, ConfigError, DataError
from mlkit.core.extras import load
from mlkit.core.rows import RecordRows, Rows, read_table
from mlkit.core.schema import Schema, record_parser
from mlkit.scoring import results
from mlkit.scoring.explanation import Explanation, explanation
from mlkit.scoring.forms import advice, is_columns, is_frame, type_name
from mlkit.scoring.results import Prediction, Predictions

#: Another processor may differ so far in the last bits of a certified graph.
_LAST_BITS = 1e-9
#: Records at fault that an error describes; it counts the others.
_MOST_SHOWN = 5
_HOOKS = ("preprocess", "postprocess")
#: What runs a bundle, by the manifest's `runtime`: a module with `open_runtime`,
#: and the extra that installs what it needs.
_RUNTIMES = {
    "onnx": ("mlkit.scoring.compiled", ""),
    "python": ("mlkit.training.runtime", "train"),
}


class Runtime(Protocol):
    """What turns validated rows into scores."""

    def scores(self, rows: Rows) -> np.ndarray:
        """Score validated rows.

        Returns
        -------
        numpy.ndarray
            float64: the positive class's probability (n_rows,) for a binary
            target, each class's (n_rows, n_classes) for a multiclass one, the
            predicted value (n_rows,) for a regression.

        Raises
        ------
        DataError
            If a score is not finite.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long one record takes, from a mapping to a prediction, in µs.

    Attributes
    ----------
    p50, p99
        The median, and what 99 of 100 calls stay below.
    n_calls
        How many calls were timed.
    """

    p50: float
    p99: float
    n_calls: int

    def __str__(self) -> str:
        return f"{self.p50:.0f} µs (p99 {self.p99:.0f} µs) of {self.n_calls:,} calls"


class Predictor:
    """One function: records in, predictions out.

    Subclass it to override `preprocess` or `postprocess`; build it with `load`. Threads
    may share one; it is not pickled, so each process loads its own.

    Attributes
    ----------
    bundle
        The checked bundle.
    runtime
        Scores rows that are checked already; see `Runtime`.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        self.bundle = bundle
        self.runtime = runtime
        self._values = record_parser(bundle.schema).values
        self._result = results.single(bundle)
        self._hooks = [h for h in _HOOKS if getattr(type(self), h) is not getattr(Predictor, h)]
        #: Columns whose absence from tables has been logged.
        self._told: set[str] = set()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"A {type(self).__name__} is not pickled or copied. Where it is needed, load the "
            f"bundle: {type(self).__name__}.load({str(self.bundle.path)!r})."
        )

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        trusted: Sequence[str] = (),
        signers: Sequence[str] | None = None,
    ) -> Self:
        """Read the bundle in the folder `path`, and see that it predicts what it did.

        Parameters
        ----------
        path
            The bundle's folder.
        trusted
            Packages whose classes the bundle may use: your own project's. What
            scikit-learn and mlkit bring is trusted already.
        signers
            The public keys of those whose bundles are accepted; with None, the
            default, a signature is not looked at. See `Bundle.open`.

        Raises
        ------
        BundleError
            If the bundle is damaged, not signed by one of `signers`, uses what
            is not trusted, or its golden rows no longer get their scores.
        MissingExtraError
            If what runs it is not installed.
        """
        trusted = (trusted,) if isinstance(trusted, str) else trusted
        bundle = Bundle.open(path, signers=signers)
        module, extra = _RUNTIMES[bundle.manifest.runtime]
        purpose = f"A bundle of the runtime {bundle.manifest.runtime}"
        opener = load(module, extra=extra, purpose=purpose)
        predictor = cls(bundle, opener.open_runtime(bundle, trusted))
        predictor.check_golden()
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
            For one record, many, or a table.

        Raises
        ------
        DataError
            Naming every field or column that breaks the schema, or what is
            none of these. If a hook is overridden, a table is refused: hooks
            see records.
        """
        if isinstance(data, Mapping):
            if is_columns(data):
                return self._predict_table(data)
            if not self._hooks:
                rows = RecordRows(self.bundle.schema, (self._values(data),))
                (scores,) = self.runtime.scores(rows).tolist()
                return self._result(scores)
            return self._predict_records([data])[0]
        if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
            return self._predict_records(data)
        if is_frame(data):
            return self._predict_table(data)
        raise DataError(
            "predict takes a record (mapping), a list of records, or a table (pandas DataFrame, or "
            f"mapping of names to columns); got {type_name(data)}.{advice(data)}"
        )

    def _predict_table(self, table: Any) -> Predictions:
        if self._hooks:
            raise DataError(
                f"{type(self).__name__} has its own {' and '.join(self._hooks)}, and hooks see "
                'records, not tables. Give a list of records, such as frame.to_dict("records").'
            )
        rows = read_table(self.schema, table, told=self._told)
        return Predictions(self.runtime.scores(rows), self.bundle)

    def _predict_records(self, records: Sequence[Any]) -> list[Prediction]:
        if not records:
            return []
        prepared = [
            self.preprocess(dict(record)) if isinstance(record, Mapping) else record
            for record in records
        ]
        parsed = []
        faults: dict[int, DataError] = {}
        for position, record in enumerate(prepared):
            try:
                parsed.append(self._values(record))
            except DataError as error:
                if len(prepared) == 1:
                    raise
                faults[position] = error
        if faults:
            raise _together(faults)
        predictions = Predictions(self.runtime.scores(RecordRows(self.schema, parsed)), self.bundle)
        return [
            self.postprocess(prediction, record)
            for prediction, record in zip(predictions, prepared, strict=True)
        ]

    def explain(self, record: Any) -> Explanation:
        """Say what moved the prediction of one record; see `Explanation`.

        It is held against the golden rows, in which personal data are replaced by
        constants. Hooks see the record before, as in `predict`, but not what is
        returned.

        Raises
        ------
        DataError
            Naming every field that breaks the schema, or what is no record.
        """
        if not isinstance(record, Mapping) or is_columns(record):
            raise DataError(f"explain takes one record (mapping), got {type_name(record)}.")
        prepared = self.preprocess(dict(record)) if self._hooks else record
        golden = [self._values(each) for each in self.bundle.golden.records]
        return explanation(
            self.runtime.scores,
            self.schema,
            RecordRows(self.schema, [self._values(prepared)]),
            RecordRows(self.schema, golden),
            model=self.bundle.model,
            classes=self.bundle.manifest.classes,
        )

    def latency(self, n_calls: int = 1000) -> Latency:
        """Measure, on the golden rows, how long one record takes here and now.

        Hooks are left out: golden rows are what comes out of `preprocess`.

        Raises
        ------
        ConfigError
            If there is no call to measure.
        """
        if n_calls < 1:
            raise ConfigError(f"latency measures at least 1 call, got n_calls={n_calls}.")
        plain = Predictor(self.bundle, self.runtime)
        times = []
        for record in islice(cycle(self.bundle.golden.records), n_calls):
            start = perf_counter()
            plain.predict(record)
            times.append(perf_counter() - start)
        p50, p99 = (float(np.quantile(times, share) * 1e6) for share in (0.5, 0.99))
        return Latency(p50=p50, p99=p99, n_calls=n_calls)

    def check_golden(self) -> None:
        """Score the golden rows, as `load` does.

        Raises
        ------
        BundleError
            If they no longer get their scores, or none at all.
        """
        golden, parity = self.bundle.golden, self.bundle.manifest.parity
        try:
            rows = RecordRows(self.schema, [self._values(record) for record in golden.records])
            found = self.runtime.scores(rows)
            expected = np.asarray(golden.scores, dtype="float64")
        except Exception as error:
            # ONNX Runtime's and scikit-learn's exceptions have no common base but Exception.
            raise BundleError(
                f"{self.bundle.path} cannot score its golden rows: {type(error).__name__}: "
                f"{str(error)[:300]}"
            ) from error
        n_classes = len(self.bundle.manifest.classes)
        by_class = (n_classes,) if self.bundle.manifest.task == "multiclass" else ()
        if not len(rows) or {found.shape, expected.shape} != {(len(rows), *by_class)}:
            raise BundleError(
                f"{self.bundle.path} is not what its manifest says: {len(rows)} golden rows have "
                f"scores of shape {expected.shape}, and get some of shape {found.shape}."
            )
        is_regression = not self.bundle.manifest.classes
        if parity is None:
            scale, tolerance = scale_of(expected, is_regression=is_regression), TOLERANCE
        else:
            scale = parity.scale
            tolerance = max(_LAST_BITS, min(10 * parity.largest_difference, parity.tolerance))
        apart = differences(expected, found, scale)
        if not (apart <= tolerance).all():
            raise BundleError(
                f"{self.bundle.path} no longer predicts what it did: of {len(expected)} golden "
                f"rows, {int((apart > tolerance).sum())} differ, by up to {apart.max():.3g}. "
                "Install the libraries that its manifest names, or train again."
            )


def _together(faults: Mapping[int, DataError]) -> DataError:
    """Return one error of those of several records, by their positions."""
    told = " ".join(f"Record {n}: {error}" for n, error in list(faults.items())[:_MOST_SHOWN])
    if len(faults) > _MOST_SHOWN:
        told += f" And {len(faults) - _MOST_SHOWN:,} more."
    violations = [
        replace(violation, rows=(position,))
        for position, error in faults.items()
        for violation in error.violations
    ]
    return DataError(told, violations)
