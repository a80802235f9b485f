"""A bundle in use: what it predicts, and what is counted and kept of it."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from math import nan
from pathlib import Path
from typing import Any

from mlkit.core.bundle import PROFILE, SCHEMA
from mlkit.core.errors import BundleError, DataError
from mlkit.core.receipts import Role
from mlkit.scoring.forms import is_columns
from mlkit.scoring.prediction import Predictor
from mlkit.scoring.results import Prediction
from mlkit.serving.metrics import Metrics

Record = dict[str, Any]


class Deployment:
    """A predictor with what the service knows of its bundle.

    Parameters
    ----------
    predictor
        Whose golden rows were scored.
    name
        Under which it is served.
    role
        champion, canary or shadow.
    metrics
        What counts its predictions.

    Attributes
    ----------
    name, role
        As given.
    model, digest, schema
        As receipts carry them.
    version
        What the bundle is called in an address: the first 12 digits of its digest.
    data_end
        The moment of the newest row that it was made from, in s since 1970; NaN if unknown.
    failures
        Counts requests that it could not answer, and the champion did; the champion has none.
    """

    def __init__(self, predictor: Predictor, name: str, role: Role, metrics: Metrics) -> None:
        bundle = predictor.bundle
        self.predictor = predictor
        self.name = name
        self.role: Role = role
        self.model = bundle.model
        self.digest = bundle.manifest.digest
        self.version = self.digest[:12]
        self.schema = bundle.manifest.files[SCHEMA]
        data_until = bundle.manifest.data_until()
        self.data_end = data_until.timestamp() if data_until else nan
        profile = json.loads(bundle.read(PROFILE))
        before = [c for c in bundle.schema.columns.values() if c.known_before]
        self._kept = frozenset(column.name for column in before if not column.pii)
        # A shadow sees what was counted before.
        counted = [column for column in before if role != "shadow"]
        self._missing = {
            column.name: metrics.missing.labels(name, column.name)
            for column in counted
            if column.nullable
        }
        self._known = {
            column.name: (
                {value for value, _ in found["values"]},
                metrics.unknown.labels(name, column.name),
            )
            for column in counted
            if (found := profile["columns"].get(column.name, {})).get("other") == 0
            and column.kind == "string"
        }
        if role != "champion":
            self.failures = metrics.failures.labels(name, role)
        self._labels = {
            label: metrics.labels.labels(name, role, str(label))
            for label in bundle.manifest.classes
        }
        if self._labels:
            self._scores = metrics.scores.labels(name, role)
        else:
            self._numbers = metrics.numbers.labels(name, role)
        self._edges = profile["scores"][0]["edges"]

    def predict(self, records: Sequence[Record]) -> list[Prediction]:
        """Predict, one for each record; see `Predictor.predict`."""
        # A mapping of lists is a table to a Predictor, and a broken record here.
        if len(records) == 1 and not is_columns(records[0]):
            return [self.predictor.predict(records[0])]
        return self.predictor.predict(list(records))

    def kept(self, records: Sequence[Record]) -> list[Record]:
        """Return what a receipt may keep of records."""
        names = self._kept
        return [
            record
            if record.keys() <= names
            else {name: value for name, value in record.items() if name in names}
            for record in records
        ]

    def count(self, records: Sequence[Record], predictions: Sequence[Prediction]) -> None:
        """Count what was missing or unknown, and what was predicted."""
        for record in records:
            for name, missing in self._missing.items():
                if record.get(name) is None:
                    missing.inc()
            for name, (known, unknown) in self._known.items():
                value = record.get(name)
                if value is not None and value not in known:
                    unknown.inc()
        if self._labels:
            for prediction in predictions:
                self._labels[prediction.label].inc()
                if prediction.probability is not None:
                    self._scores.observe(prediction.probability)
        else:
            edges = self._edges
            for prediction in predictions:
                below = bisect_right(edges, prediction.label)
                self._numbers.observe(below / len(edges))


def load_deployment(
    path: Path,
    before: Deployment | None,
    *,
    name: str | None,
    role: Role,
    metrics: Metrics,
    trusted: Sequence[str],
    signers: Sequence[str] | None,
) -> Deployment:
    """Load the bundle in `path`, and see that it may stand in for the one before it.

    With `name` None it is served under its own, which the next must have as well.

    Raises
    ------
    BundleError
        If it is damaged, predicts what it did not, predicts another target, is called
        otherwise, or refuses records that were valid.
    """
    predictor = Predictor.load(path, trusted=trusted, signers=signers)
    own = predictor.bundle.manifest.name
    if before is not None:
        if name is None and own != before.name:
            raise BundleError(
                f"{path} holds a model called {own}, and {before.name} is served from it. Give "
                f"the model in the service's settings a name, and any bundle may take its place."
            )
        _check_fits(predictor, before)
    return Deployment(predictor, name or own, role, metrics)


def is_chosen(key: str, share: float, salt: str) -> bool:
    """Whether a key belongs to a share of all keys: always the same answer for the same key."""
    digest = hashlib.blake2b(f"{salt}\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


def _check_fits(predictor: Predictor, before: Deployment) -> None:
    bundle, todo = predictor.bundle, "Serve it under another name, or start the service anew."
    found, old = _answers(predictor), _answers(before.predictor)
    if found != old:
        raise BundleError(f"{bundle.model} predicts {found}, and {before.model} {old}. {todo}")
    try:
        predictor.predict(before.predictor.bundle.golden.records)
    except DataError as error:
        raise BundleError(
            f"{bundle.model} refuses records that {before.model} takes: {error} {todo}"
        ) from None


def _answers(predictor: Predictor) -> str:
    manifest = predictor.bundle.manifest
    return f"one of {manifest.classes}" if manifest.classes else "a number"
