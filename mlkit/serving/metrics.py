"""What Prometheus is told; in several processes, the sum of what each counts."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import time

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

#: Where processes that share a port keep their counts; set before this module is imported.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST
#: In s: a record takes less than a millisecond, a batch up to seconds.
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_TENTHS = tuple(number / 10 for number in range(1, 11))


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        # Half of all lines, which Prometheus' text form knows nothing to do with.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()

        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"mlkit_{name}", words, labels, registry=self._registry)

        def gauge(name: str, words: str, *labels: str) -> Gauge:
            return Gauge(
                f"mlkit_{name}",
                words,
                labels,
                registry=self._registry,
                multiprocess_mode="livemax",
            )

        self.requests = counter(
            "requests", "Requests that were answered.", "endpoint", "model", "code"
        )
        self.errors = counter("errors", "Requests that were refused or failed.", "kind")
        self.seconds = Histogram(
            "mlkit_request_seconds",
            "From a request's head to its answer.",
            ("endpoint", "model"),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self.scores = Histogram(
            "mlkit_score",
            "Probabilities that were predicted, of the positive or the likeliest class.",
            ("model", "role"),
            registry=self._registry,
            buckets=_TENTHS,
        )
        self.labels = counter("labels", "Classes that were predicted.", "model", "role", "label")
        self.numbers = Histogram(
            "mlkit_predicted_number_share",
            "Share of the scores at training that lie below a predicted number.",
            ("model", "role"),
            registry=self._registry,
            buckets=_TENTHS,
        )
        self.missing = counter("missing_values", "Values that were missing.", "model", "field")
        self.unknown = counter(
            "unknown_values", "Values of text that no training row had.", "model", "field"
        )
        self.changes = counter(
            "model_changes", "Bundles that were taken, or refused.", "model", "role", "outcome"
        )
        self.failures = counter(
            "model_failures",
            "Requests that a canary or a shadow did not answer, and the champion did.",
            "model",
            "role",
        )
        self.lost = counter("receipts_lost", "Receipts that no disk took.")
        self._info = gauge("model_info", "1 for each bundle in use.", "model", "role", "bundle")
        self._loaded = gauge(
            "model_loaded_timestamp_seconds", "When the bundle was taken.", "model", "role"
        )
        self._newest = gauge(
            "model_data_end_timestamp_seconds",
            "Of the newest row that the model was made from.",
            "model",
            "role",
        )

    def took(self, model: str, role: str, bundle: str, before: str | None, end: float) -> None:
        """Say which bundle is in use now, and of when its newest row is (NaN if unknown)."""
        for outcome in ("taken", "refused"):
            # A count that begins with the first refusal shows no increase.
            self.changes.labels(model, role, outcome)
        if before is not None:
            self._info.labels(model, role, before).set(0)
        self._info.labels(model, role, bundle).set(1)
        self._loaded.labels(model, role).set(time())
        self._newest.labels(model, role).set(end)

    def render(self) -> bytes:
        """Return all in the text form that Prometheus reads."""
        folder = os.environ.get(FOLDER)
        if folder is None:
            return generate_latest(self._registry)
        for pid in _gone(Path(folder).glob("gauge_live*.db")):
            # Another process may just be doing it.
            with suppress(FileNotFoundError):
                mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _gone(files: Iterable[Path]) -> set[int]:
    pids = {int(path.stem.rpartition("_")[2]) for path in files}
    return {pid for pid in pids if not _is_there(pid)}


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
