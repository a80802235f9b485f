"""Lay the drift of columns out over windows, the darker the more."""

from collections.abc import Sequence
from math import isnan

from mlkit.monitoring.findings import Drift, Monitoring, Window
from mlkit.monitoring.report.picking import by_psi
from mlkit.monitoring.report.plots import Level
from mlkit.training.judging.findings import NONE
from mlkit.training.report.parts import Cell, Heat, Section

_MOST_COLUMNS, _MOST_WINDOWS = 40, 24
#: Where no limit is known, the PSI from which on a cell is as dark as it gets: what is
#: commonly called a large shift.
_DARKEST = 0.25


def drift_heat(found: Monitoring, newest: Window, levels: Sequence[Level]) -> Section:
    """Return a table of the PSI, the columns worst by the newest tested window first."""
    tested = [window for window in found.windows if window.is_tested]
    windows = tested[-_MOST_WINDOWS:]
    ranked = by_psi(newest.drifts)[:_MOST_COLUMNS]
    darkest = max((level.value for level in levels), default=0) or _DARKEST
    by_window = [{drift.name: drift for drift in window.drifts} for window in windows]
    lead = [
        f"PSI in each window that was tested, the columns worst in {newest.name} first. Orange "
        "cells are warnings, red and bold ones alarms."
    ]
    if len(newest.drifts) > len(ranked):
        lead.append(f"The worst {len(ranked)} of {len(newest.drifts):,} columns.")
    if len(tested) > len(windows):
        lead.append(f"The newest {len(windows)} of {len(tested):,} windows.")
    return Section(
        id="drift",
        title="Drift by column and window",
        lead=" ".join(lead),
        heat=Heat(
            head=("column", *(window.name for window in windows)),
            rows=tuple(
                (drift.name, tuple(_cell(each.get(drift.name), darkest) for each in by_window))
                for drift in ranked
            ),
        ),
    )


def _cell(drift: Drift | None, darkest: float) -> Cell:
    if drift is None or isnan(drift.psi):
        return Cell(share=0, text=NONE, mark=drift.severity if drift else "")
    return Cell(
        share=min(max(drift.psi / darkest, 0), 1), text=f"{drift.psi:.2f}", mark=drift.severity
    )
