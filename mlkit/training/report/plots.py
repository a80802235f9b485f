"""Draw an evaluation's plots."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from math import isnan
from typing import TYPE_CHECKING, Any

from mlkit.training.judging.findings import Curve
from mlkit.training.report.drawing import COLOURS, draw, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Dots of one plot; more are in its table only.
MOST_DOTS = 40
_ROW = 19
#: Of lines one after the other, so that colour is not all that tells them apart.
STYLES = ("-", "--", "-.", ":")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A figure with its interval, and what it is of."""

    label: str
    value: float
    low: float
    high: float


def dots(
    name: str, title: str, found: Sequence[Dot], *, reference: Dot | None = None, x: str = ""
) -> str:
    """Draw figures with their intervals, beside one that they are held against."""
    shown = [dot for dot in found if not isnan(dot.value)][:MOST_DOTS]

    def paint(axes: "Axes") -> None:
        if reference is not None:
            axes.axvline(reference.value, color=COLOURS["other"], linewidth=1.4)
            if not isnan(reference.low) and reference.low < reference.high:
                axes.axvspan(
                    reference.low, reference.high, color=COLOURS["other"], alpha=0.16, linewidth=0
                )
            if reference.label:
                axes.set_title(
                    short(reference.label, 48), fontsize=9.5, color=COLOURS["other"], loc="left"
                )
        for place, dot in enumerate(shown):
            if not isnan(dot.low) and not isnan(dot.high):
                axes.plot([dot.low, dot.high], [place, place], color=COLOURS["model"], alpha=0.55)
            axes.plot([dot.value], [place], "o", color=COLOURS["model"], markersize=5)
        axes.set_yticks(range(len(shown)), [short(dot.label) for dot in shown])
        axes.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel(x)

    return draw(name, title, paint, height=72 + _ROW * len(shown))


def lines(
    name: str,
    title: str,
    curves: Sequence[Curve],
    *,
    x: str,
    y: str,
    diagonal: bool = False,
    level: float | None = None,
    unit: bool = False,
) -> str:
    """Draw curves, with dots where they tell how many rows each point stands for.

    Parameters
    ----------
    name, title, x, y
        Of the plot and of its axes.
    curves
        What to draw.
    diagonal
        Whether to draw where both axes are the same.
    level
        Where to draw a line across.
    unit
        Whether both axes go from 0 to 1.
    """

    def paint(axes: "Axes") -> None:
        guide: Any = {"color": COLOURS["faint"], "linewidth": 1, "linestyle": (0, (4, 3))}
        if diagonal:
            ends = [v for c in curves for v in (*c.x, *c.y)]
            low, high = (0.0, 1.0) if unit else (min(ends), max(ends))
            axes.plot([low, high], [low, high], **guide)
        if level is not None:
            axes.axhline(level, **guide)
        for colour, style, curve in zip(colours(len(curves)), cycle(STYLES), curves, strict=False):
            axes.plot(
                curve.x,
                curve.y,
                style,
                color=COLOURS[colour],
                linewidth=1.2 if curve.n_rows else 1.8,
                label=short(curve.label),
            )
            if curve.n_rows:
                most = max(curve.n_rows)
                sizes = [4 + 46 * count / most for count in curve.n_rows]
                axes.scatter(curve.x, curve.y, sizes, COLOURS[colour], zorder=3)
        if unit:
            axes.set_xlim(-0.02, 1.02)
            axes.set_ylim(-0.02, 1.02)
        axes.locator_params(nbins=5)
        finish(axes, len(curves), x, y)

    return draw(name, title, paint, height=300 if len(curves) < 4 else 340)


def histograms(name: str, title: str, curves: Sequence[Curve], *, x: str, y: str) -> str:
    """Draw how the rows of each curve are distributed."""

    def paint(axes: "Axes") -> None:
        for colour, style, curve in zip(colours(len(curves)), cycle(STYLES), curves, strict=False):
            axes.fill_between(
                curve.x, curve.y, step="mid", color=COLOURS[colour], alpha=0.14, linewidth=0
            )
            axes.step(
                curve.x,
                curve.y,
                style,
                where="mid",
                color=COLOURS[colour],
                linewidth=1.4,
                label=short(curve.label),
            )
        axes.set_ylim(bottom=0)
        axes.locator_params(nbins=5)
        finish(axes, len(curves), x, y)

    return draw(name, title, paint, height=260)


def colours(n_curves: int) -> Sequence[str]:
    """Return the names of the colours that so many curves get."""
    if n_curves < 3:
        return ("model", "other")
    return [f"c{place}" for place in range(10)]


def finish(axes: "Axes", n_curves: int, x: str, y: str) -> None:
    """Name the axes, and the curves where there are several."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if n_curves > 1:
        # Above the axes it hides no line.
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            ncols=2,
            handlelength=1.8,
            columnspacing=1.2,
            borderaxespad=0,
        )
