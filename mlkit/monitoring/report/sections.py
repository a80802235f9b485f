"""Choose what a page shows of what was found, and in which order."""

from collections.abc import Iterator, Sequence
from math import isnan

from mlkit.core.table import Table
from mlkit.monitoring.findings import Drift, Monitoring, Window, newest_labelled, newest_tested
from mlkit.monitoring.report.heat import drift_heat
from mlkit.monitoring.report.plots import Level, bars, most_changed
from mlkit.monitoring.report.tables import (
    chance,
    drift_table,
    quality_table,
    violation_table,
    window_table,
)
from mlkit.monitoring.report.terms import term_table
from mlkit.monitoring.report.timeline import Timeline
from mlkit.monitoring.report.verdict import share, short_figure
from mlkit.training.report.parts import Plot, Section
from mlkit.training.settings import MonitoringConfig

#: What there may be more of than a page has room for.
_MOST_WINDOWS, _MOST_ROWS, _MOST_BARS, _MOST_SCORES, _MOST_SLICES = 100, 100, 12, 4, 100


def sections(found: Monitoring, settings: MonitoringConfig | None) -> Iterator[Section]:
    """Yield the parts that there are data for; the limits are told where settings are given."""
    newest = newest_tested(found.windows)
    windows = found.windows[-_MOST_WINDOWS:]

    def levels(key: str) -> list[Level]:
        given = () if settings is None else (settings.warning, settings.alarm)
        named = zip(("warning", "alarm"), (getattr(limits, key) for limits in given), strict=False)
        return [Level(label=label, value=value) for label, value in named if value is not None]

    if windows:
        yield Section(
            id="windows",
            title="Over time",
            lead=_left_out(len(windows), len(found.windows), "windows", "newest"),
            plots=tuple(Timeline(windows, newest, levels).plots(found.metric)),
            tables=(window_table(found, most=_MOST_WINDOWS),),
        )
    yield from _quality(found, newest)
    if newest and newest.drifts:
        yield drift_heat(found, newest, levels("psi"))
        yield _features(newest)
    if newest and newest.predictions:
        yield _predictions(newest)
    if broken := [window for window in reversed(windows) if window.n_violating][:_MOST_SCORES]:
        yield Section(
            id="violations",
            title="Rows that break the schema",
            lead="They have no score, and the values that break it are compared with nothing. The "
            "newest windows that have any come first.",
            tables=(violation_table(broken),),
        )
    yield Section(id="terms", title="What the figures mean", tables=(term_table(found, settings),))


def _quality(found: Monitoring, newest: Window | None) -> Iterator[Section]:
    window = newest_labelled(found.windows) or newest
    if window is None or not window.quality:
        return
    shown = window.quality[:_MOST_SLICES]
    known = any(not isnan(each.value) for each in window.quality)
    lead = [
        f"In {window.name}, the newest window in which answers enough are known."
        if known
        else f"In {window.name}, by the model's own confidence: no answers are known yet."
    ]
    known_errors = {name: e for name, e in found.estimate_error.items() if not isnan(e)}
    if known_errors:
        errors = (f"{metric} {short_figure(e)}" for metric, e in known_errors.items())
        lead.append(f"Estimates have been off by, on average: {', '.join(errors)}.")
    lead.append(_left_out(len(shown), len(window.quality), "rows of this table", "first"))
    table = quality_table(shown)
    yield Section(id="quality", title="Quality", lead=" ".join(lead).strip(), tables=(table,))


def _features(window: Window) -> Section:
    drawn = [drift for drift in window.drifts if drift.bins][:_MOST_BARS]
    shown = window.drifts[:_MOST_ROWS]
    lead = [
        f"In {window.name}, the worst first. The wide bars are the reference, the narrow ones the "
        "window.",
        _left_out(len(drawn), len(window.drifts), "columns and views of them are drawn", "worst"),
        _left_out(len(shown), len(window.drifts), "are in the table", "worst"),
    ]
    return Section(
        id="features",
        title="Columns, reference against now",
        lead=" ".join(filter(None, lead)),
        plots=tuple(_bars("feature", drawn)),
        tables=(drift_table(shown, "column"),),
    )


def _predictions(window: Window) -> Section:
    drawn = [drift for drift in window.predictions if drift.bins][:_MOST_SCORES]
    return Section(
        id="predictions",
        title="Predictions, holdout against now",
        lead=f"In {window.name}. "
        + _left_out(len(drawn), len(window.predictions), "classes are drawn", "first"),
        plots=tuple(_bars("score", drawn)),
        tables=(drift_table(window.predictions[:_MOST_ROWS], "score"),),
    )


def _bars(name: str, drifts: Sequence[Drift]) -> Iterator[Plot]:
    for place, drift in enumerate(drifts):
        notes = [drift.severity, f"PSI {short_figure(drift.psi)}"]
        if not isnan(drift.adjusted):
            notes.append(f"adjusted p {chance(drift.adjusted)}")
        if drift.missing or drift.missing_before:
            lost = f"missing {share(drift.missing)}, {share(drift.missing_before)} before"
            grave = drift.missing_severity
            notes.append(lost if grave == "ok" else f"{lost} ({grave})")
        if drift.unseen:
            notes.append(f"unseen {share(drift.unseen)}")
        shown = most_changed(drift.bins)
        if len(shown) < len(drift.bins):
            notes.append(f"the {len(shown)} of {len(drift.bins)} bins that changed most")
        yield Plot(
            title=drift.name,
            svg=bars(f"{name}{place}", f"{drift.name}, reference against now", shown),
            note="; ".join(notes),
            table=Table(
                head=("value", "reference", "now"),
                rows=tuple((b.label, share(b.reference), share(b.current)) for b in shown),
            ),
        )


def _left_out(n_shown: int, n_all: int, what: str, which: str) -> str:
    """Say how many of all are shown, unless they all are."""
    return "" if n_shown >= n_all else f"The {which} {n_shown} of {n_all:,} {what}."
