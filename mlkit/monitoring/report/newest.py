"""Choose what counts now among the windows, and find things in one."""

from collections.abc import Iterable, Sequence
from math import isnan

from mlkit.monitoring.findings import Drift, Monitoring, Quality, Severity, Window, worst


def newest_tested(found: Monitoring) -> Window | None:
    """Return the newest window that has rows enough to test; None if there is none."""
    return next((window for window in reversed(found.windows) if window.is_tested), None)


def newest_labelled(found: Monitoring) -> Window | None:
    """Return the newest tested window with answers enough for an interval; None without any."""
    for window in reversed(found.windows):
        if window.is_tested and window.quality and not isnan(window.quality[0].low):
            return window
    return None


def by_psi(drifts: Iterable[Drift]) -> list[Drift]:
    """Return drifts by their size, the largest first; those without one come last."""
    return sorted(drifts, key=lambda drift: isnan(drift.psi) or -drift.psi)


def most_drifted(drifts: Iterable[Drift]) -> Drift | None:
    """Return the drift with the largest PSI; None if none has any."""
    return next((drift for drift in by_psi(drifts) if not isnan(drift.psi)), None)


def by_column(drifts: Iterable[Drift]) -> dict[str, Drift]:
    """Return the first drift of each column, by the column; its views miss the same values."""
    found: dict[str, Drift] = {}
    for drift in drifts:
        found.setdefault(drift.column, drift)
    return found


def gravest(drift: Drift) -> Severity:
    """Return how grave it is, by what is there and by what is missing."""
    return worst([drift.severity, drift.missing_severity])


def mean_missing(drifts: Sequence[Drift]) -> float:
    """Return the share of missing values over all columns; NaN of none."""
    shares = [drift.missing for drift in by_column(drifts).values() if not isnan(drift.missing)]
    return sum(shares) / len(shares) if shares else float("nan")


def quality_of(window: Window, metric: str, part: str = "") -> Quality | None:
    """Return a metric on all rows, or on a slice of them; None if there is none."""
    for each in window.quality:
        if (each.metric, each.slice) == (metric, part):
            return each
    return None
