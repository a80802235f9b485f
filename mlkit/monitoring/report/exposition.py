"""Tell machines what was found: Prometheus by gauges in a file, and anybody by JSON."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import isnan, nan
from time import time
from types import MappingProxyType
from typing import NamedTuple, get_args

import msgspec
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from mlkit.monitoring.findings import (
    SEVERITIES,
    Kind,
    Monitoring,
    Window,
    newest_labelled,
    newest_tested,
    worst,
)
from mlkit.monitoring.report.picking import by_column, quality_of
from mlkit.monitoring.report.verdict import served_name

_DAY = 86_400
#: Not called quantiles, which promtool lets summaries alone have.
_PERCENTILES = ("50", "99")


class _Sample(NamedTuple):
    """A gauge's name without `mlkit_monitor_`, its figure, and its labels."""

    gauge: str
    value: float
    labels: Mapping[str, str] = MappingProxyType({})


def to_json(found: Monitoring) -> str:
    """Return all that was found as JSON, in which NaN is null."""
    return msgspec.json.encode(found.to_dict()).decode()


def exposition(found: Monitoring, *, now: float | None = None) -> str:
    """Return what counts now in Prometheus' text form, to be written to a file.

    Figures that are unknown are left out. All have the label `model`: the name without
    the digest, as the service's own metrics have it where it serves under that name.

    Parameters
    ----------
    found
        What was found.
    now
        When, in seconds of the Unix epoch; by default the clock's.
    """
    registry = CollectorRegistry()
    model = served_name(found)
    gauges: dict[str, Gauge] = {}
    for gauge, value, labels in _samples(found, time() if now is None else now):
        if isnan(value):
            continue
        if gauge not in gauges:
            names = ("model", *labels)
            name = f"mlkit_monitor_{gauge}"
            gauges[gauge] = Gauge(name, _WORDS[gauge], names, registry=registry)
        gauges[gauge].labels(model, *labels.values()).set(value)
    return generate_latest(registry).decode()


def _samples(found: Monitoring, now: float) -> Iterator[_Sample]:
    yield _Sample("info", 1, {"bundle": found.model.rpartition("/")[2]})
    yield _Sample("last_run_timestamp_seconds", now)
    for kind in get_args(Kind):
        gravest = worst([finding.severity for finding in found.of_kind(kind)])
        yield _Sample("severity", SEVERITIES.index(gravest), {"kind": kind})
    tested, labelled = newest_tested(found.windows), newest_labelled(found.windows)
    if found.windows:
        yield from _of_newest(found.windows[-1])
    if tested is not None:
        yield from _of_tested(tested)
    if labelled is not None:
        yield from _of_labelled(labelled, found.metric)


def _of_newest(window: Window) -> Iterator[_Sample]:
    yield _Sample("window_end_timestamp_seconds", _seconds(window.end), {"window": "newest"})
    yield _Sample("rows", window.n_rows)
    yield _Sample("violating_rows", window.n_violating)
    for percentile, milliseconds in zip(_PERCENTILES, window.latency, strict=False):
        yield _Sample("latency_seconds", milliseconds / 1000, {"percentile": percentile})
    yield _Sample("age_seconds", window.age_days * _DAY)


def _of_tested(window: Window) -> Iterator[_Sample]:
    yield _Sample("window_end_timestamp_seconds", _seconds(window.end), {"window": "tested"})
    for drift in window.drifts:
        yield _Sample("drift_psi", drift.psi, {"feature": drift.name})
    for column, drift in by_column(window.drifts).items():
        yield _Sample("missing_share", drift.missing, {"feature": column})
        yield _Sample("unseen_share", drift.unseen, {"feature": column})
    for drift in window.predictions:
        yield _Sample("prediction_psi", drift.psi, {"score": drift.name})
    if window.separation is not None:
        yield _Sample("separation_auc", window.separation.auc)
    for each in window.quality:
        labels = {"metric": each.metric, "slice": each.slice}
        yield _Sample("quality_estimate", each.estimate, labels)
        yield _Sample("quality_expected", each.expected, labels)


def _of_labelled(window: Window, metric: str) -> Iterator[_Sample]:
    yield _Sample("window_end_timestamp_seconds", _seconds(window.end), {"window": "labelled"})
    if (first := quality_of(window, metric)) is not None:
        yield _Sample("labelled_rows", first.n_labelled)
    for each in window.quality:
        labels = {"metric": each.metric, "slice": each.slice}
        yield _Sample("quality", each.value, labels)
        yield _Sample("quality_expected", each.expected, labels)


def _seconds(moment: str) -> float:
    # It is empty of all rows together, where no row has a time.
    return datetime.fromisoformat(moment).timestamp() if moment else nan


_WORDS = {
    "info": "1 for the bundle that was looked at.",
    "last_run_timestamp_seconds": "When the model was last looked at.",
    "severity": "Of what counts now, by what it is about: 0 ok, 1 warning, 2 alarm.",
    "window_end_timestamp_seconds": "End of the newest window, by what makes it one.",
    "rows": "Rows of the newest window.",
    "violating_rows": "Rows of the newest window that break the schema.",
    "labelled_rows": "Rows with answers in the newest window that has enough of them.",
    "drift_psi": "Population stability index of the newest tested window, by column.",
    "missing_share": "Share of missing values in the newest tested window.",
    "unseen_share": "Share of values beyond all of the reference in the newest tested window.",
    "prediction_psi": "Population stability index of what is predicted.",
    "separation_auc": "How well the newest tested window is told from the reference.",
    "quality": "A metric on rows with answers, of the newest window that has enough of them.",
    "quality_estimate": "A metric by the model's own confidence in the newest tested window.",
    "quality_expected": "A metric on the holdout when the model was packed.",
    "latency_seconds": "How long a request took in the newest window.",
    "age_seconds": "From the newest row that the model was trained on to the window's end.",
}
