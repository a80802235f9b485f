"""Write what was found as one HTML page that opens anywhere, without a network."""

from math import isnan, nan
from pathlib import Path
from typing import NamedTuple

from mlkit.monitoring.findings import Monitoring, newest_labelled, newest_tested
from mlkit.monitoring.report.picking import most_drifted, quality_of
from mlkit.monitoring.report.sections import sections
from mlkit.monitoring.report.verdict import verdict
from mlkit.training.judging.findings import figure
from mlkit.training.judging.tables import between
from mlkit.training.report.parts import rendered, write_html
from mlkit.training.settings import MonitoringConfig

#: Findings beside the verdict; the JSON has them all.
_MOST_FINDINGS = 20


class Tile(NamedTuple):
    """A figure that the page opens with."""

    title: str
    figure: str
    lines: tuple[str, ...]


def render(found: Monitoring, settings: MonitoringConfig | None = None) -> str:
    """Return the page of what was found: the same bytes each time.

    Parameters
    ----------
    found
        What was found.
    settings
        By which: the page then tells the limits.
    """
    return rendered(
        "mlkit.monitoring.report",
        found=found,
        verdict=verdict(found),
        # Neither good nor bad is said of what could not be tested.
        outcome=found.severity if found.findings or newest_tested(found.windows) else "untested",
        findings=found.findings[:_MOST_FINDINGS],
        n_left=max(len(found.findings) - _MOST_FINDINGS, 0),
        tiles=_tiles(found),
        sections=list(sections(found, settings)),
    )


def write_page(
    found: Monitoring, path: str | Path, settings: MonitoringConfig | None = None
) -> Path:
    """Write the page to a file, whose folder is made, and return its path; see `render`."""
    return write_html(render(found, settings), path)


def _tiles(found: Monitoring) -> list[Tile]:
    newest, labelled = newest_tested(found.windows), newest_labelled(found.windows)
    tiles = []
    window = labelled or newest
    if window and (quality := quality_of(window, found.metric)):
        known = not isnan(quality.value)
        tiles.append(
            Tile(
                f"{found.metric} in {window.name}" + ("" if known else ", estimated"),
                figure(quality.value if known else quality.estimate),
                (
                    f"interval {between(quality.low, quality.high)}",
                    f"expected {figure(quality.expected)}, estimate {figure(quality.estimate)}",
                ),
            )
        )
    if newest:
        worst = most_drifted(newest.drifts)
        n_drifting = sum(drift.gravest != "ok" for drift in newest.drifts)
        lines = (
            worst.name if worst else "",
            f"{n_drifting} of {len(newest.drifts)} columns flagged",
        )
        psi = figure(worst.psi if worst else nan)
        tiles.append(Tile(f"largest PSI in {newest.name}", psi, lines))
    if newest and (apart := newest.separation):
        by = f"by {', '.join(apart.by[:3])}" if apart.by else ""
        line = f"0.5 is chance; on {apart.n_rows:,} rows"
        tiles.append(Tile("separation AUC", figure(apart.auc), (line, by)))
    if found.windows:
        last = found.windows[-1]
        age = "" if isnan(last.age_days) else f"model's data {last.age_days:,.0f} days old"
        lines = (f"{last.n_violating:,} break the schema", age)
        tiles.append(Tile(f"rows in {last.name}", f"{last.n_rows:,}", lines))
    return tiles
