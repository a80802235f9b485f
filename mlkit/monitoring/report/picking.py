"""Pick what is shown from what was found in a window."""

from collections.abc import Iterable, Sequence
from math import isnan

from mlkit.monitoring.findings import Drift, Quality, Window


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
