"""Lay what was found out as tables of text: the terminal's and the page's."""

from collections.abc import Sequence
from math import isnan, nan

from mlkit.core.table import Table
from mlkit.monitoring.findings import Drift, Finding, Monitoring, Quality, Window
from mlkit.monitoring.report.picking import mean_missing, most_drifted, quality_of
from mlkit.monitoring.report.verdict import share
from mlkit.training.judging.findings import NONE, figure
from mlkit.training.judging.tables import WHOLE, between


def window_table(found: Monitoring, *, most: int | None = None) -> Table:
    """Return one row for each window, by time; of more than `most`, the newest."""
    return Table(
        head=(
            *("window", "severity", "rows", "answers", "violating", "missing", "AUC"),
            *(found.metric, "estimate", "PSI", "of"),
        ),
        rows=tuple(_window_row(window, found.metric) for window in found.windows[-(most or 0) :]),
        n_texts=2,
        ends_in_text=True,
    )


def _window_row(window: Window, metric: str) -> tuple[str, ...]:
    quality = quality_of(window, metric)
    worst = most_drifted(window.drifts)
    return (
        window.name,
        window.severity if window.is_tested or window.findings else "not tested",
        f"{window.n_rows:,}",
        f"{quality.n_labelled:,}" if quality else NONE,
        f"{window.n_violating:,}",
        share(mean_missing(window.drifts)),
        figure(window.separation.auc if window.separation else nan),
        figure(quality.value if quality else nan),
        figure(quality.estimate if quality else nan),
        figure(worst.psi if worst else nan),
        worst.name if worst else NONE,
    )


def finding_table(findings: Sequence[Finding]) -> Table:
    """Return findings in the order in which they come."""
    return Table(
        head=("severity", "window", "finding"),
        rows=tuple((each.severity, each.window, each.text) for each in findings),
        n_texts=3,
    )


def drift_table(drifts: Sequence[Drift], what: str) -> Table:
    """Return how each of some things is distributed beside the reference."""
    return Table(
        head=(
            *(what, "severity", "PSI", "test", "p", "adjusted p", "missing", "before"),
            *("adjusted p of missing", "unseen", "values"),
        ),
        rows=tuple(
            (
                drift.name,
                drift.gravest,
                figure(drift.psi),
                drift.test,
                chance(drift.p_value),
                chance(drift.adjusted),
                share(drift.missing),
                share(drift.missing_before),
                chance(drift.missing_adjusted),
                share(drift.unseen),
                f"{drift.n_rows:,}",
            )
            for drift in drifts
        ),
        n_texts=2,
    )


def quality_table(found: Sequence[Quality]) -> Table:
    """Return each metric on all rows, and the first, which alone is judged, on slices."""
    return Table(
        head=(
            *("metric", "on", "severity", "rows", "answers", "value", "interval"),
            *("estimate", "expected"),
        ),
        rows=tuple(
            (
                each.metric,
                each.slice or WHOLE,
                _graded(each) if each.metric == found[0].metric else NONE,
                f"{each.n_rows:,}",
                f"{each.n_labelled:,}",
                figure(each.value),
                between(each.low, each.high),
                figure(each.estimate),
                figure(each.expected),
            )
            for each in found
        ),
        n_texts=3,
    )


def _graded(quality: Quality) -> str:
    """Return how grave it is, by the estimate as long as no answers are known."""
    if not isnan(quality.value):
        return quality.severity
    return NONE if isnan(quality.estimate) else quality.estimated_severity


def violation_table(windows: Sequence[Window]) -> Table:
    """Return which rules rows break, window by window."""
    return Table(
        head=("window", "rows that break the schema", "what they break"),
        rows=tuple(
            (
                window.name if place == 0 else "",
                _violating(window) if place == 0 else "",
                text,
            )
            for window in windows
            for place, text in enumerate(window.violations or (NONE,))
        ),
        n_texts=3,
    )


def _violating(window: Window) -> str:
    part = window.n_violating / window.n_rows if window.n_rows else nan
    return f"{window.n_violating:,} of {window.n_rows:,} ({share(part)})"


def chance(p_value: float) -> str:
    """Return a p-value, which is never so small as to be none.

    Examples
    --------
    >>> chance(0.0312), chance(1e-9), chance(float("nan"))
    ('0.0312', '<0.0001', '–')
    """
    return "<0.0001" if p_value < 0.0001 else figure(p_value)
