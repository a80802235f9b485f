"""Draw what goes on over time, and what a window holds beside the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from math import ceil, isnan
from typing import TYPE_CHECKING, Any

from mlkit.monitoring.findings import Bin
from mlkit.monitoring.report.verdict import share
from mlkit.training.report.drawing import COLOURS, draw, short
from mlkit.training.report.plots import STYLES, colours, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Bins of one plot, those of which the share changed most.
MOST_BINS = 16
#: Letters of the names of windows that there is room for below a plot.
_LETTERS = 44
#: Windows up to which each has its dot.
_DOTTED = 40
_ROW = 24
#: The height of a level's name, as a share of the largest figure.
_NAME = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A figure in each window, NaN where there is none, and its intervals if it has them."""

    label: str
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether any window has a figure."""
        return not all(map(isnan, self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A figure to hold a course against, and what it is."""

    label: str
    value: float


def courses(
    name: str,
    title: str,
    found: Sequence[Course],
    *,
    windows: Sequence[str],
    y: str,
    levels: Sequence[Level] = (),
    from_zero: bool = True,
    in_percent: bool = False,
) -> str:
    """Draw figures over windows; a level far above all of them is left out."""

    def paint(axes: "Axes") -> None:
        places = range(len(windows))
        marker = "o" if len(windows) <= _DOTTED else ""
        names = colours(len(found))
        for colour, style, course in zip(names, cycle(STYLES), found, strict=False):
            if course.low:
                band: Any = {"color": COLOURS[colour], "alpha": 0.16, "linewidth": 0}
                axes.fill_between(places, course.low, course.high, **band)
                if marker:
                    axes.vlines(places, course.low, course.high, color=COLOURS[colour], alpha=0.4)
            # Its own name begins with what matplotlib would leave out of the legend.
            label = short(course.label).lstrip("_")
            axes.plot(
                places, course.values, style, marker=marker, markersize=3.5, linewidth=1.5,
                color=COLOURS[colour], label=label,
            )  # fmt: skip
        figures = [v for c in found for v in (*c.values, *c.low, *c.high) if not isnan(v)]
        _draw_levels(axes, [level for level in levels if level.value <= 2 * max(figures)], figures)
        axes.locator_params(axis="y", nbins=5)
        if in_percent:
            axes.yaxis.set_major_formatter(_percent)
        if from_zero:
            axes.set_ylim(bottom=0)
        axes.set_xlim(-0.5, max(len(windows) - 0.5, 0.5))
        shown = _ticks(windows)
        axes.set_xticks(shown, [short(windows[place], 16) for place in shown])
        axes.grid(visible=False, axis="x")
        finish(axes, len(found), "", y)

    return draw(name, title, paint, height=250 + 12 * max(len(found) - 2, 0))


def bars(name: str, title: str, bins: Sequence[Bin]) -> str:
    """Draw the share of each bin in a window beside the reference's."""
    shown = most_changed(bins)

    def paint(axes: "Axes") -> None:
        places = range(len(shown))
        # The reference lies behind, so that what sticks out on either side is the change.
        axes.barh(
            places, [each.reference for each in shown], 0.78,
            color=COLOURS["faint"], alpha=0.35, label="reference",
        )  # fmt: skip
        axes.barh(
            places, [each.current for each in shown], 0.36, color=COLOURS["model"], label="now"
        )
        axes.set_yticks(places, [short(each.label, 22) for each in shown])
        axes.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(_percent)
        finish(axes, 2, "share of the values", "")

    return draw(name, title, paint, height=84 + _ROW * len(shown))


def most_changed(bins: Sequence[Bin]) -> list[Bin]:
    """Return at most `MOST_BINS` bins in their order: those whose share changed most."""
    change = [abs(each.current - each.reference) for each in bins]
    ranked = sorted(range(len(bins)), key=lambda place: isnan(change[place]) or -change[place])
    return [bins[place] for place in sorted(ranked[:MOST_BINS])]


def _percent(value: float, _: float) -> str:
    return share(round(value, 6))


def _draw_levels(axes: "Axes", levels: Sequence[Level], figures: Sequence[float]) -> None:
    """Draw lines across, with the names of those that do not lie too close for that."""
    room = _NAME * max([*figures, *(level.value for level in levels)], default=0)
    above = float("inf")
    for level in sorted(levels, key=lambda level: -level.value):
        axes.axhline(level.value, color=COLOURS["faint"], linewidth=1, linestyle=(0, (4, 3)))
        if above - level.value < room:
            continue
        above = level.value
        axes.annotate(
            level.label, (0, level.value), xycoords=("axes fraction", "data"), xytext=(3, 2),
            textcoords="offset points", va="bottom", fontsize=8.5, color=COLOURS["faint"],
        )  # fmt: skip


def _ticks(windows: Sequence[str]) -> list[int]:
    """Return the places of windows whose names there is room for: the last, and others back."""
    longest = max((min(len(name), 16) for name in windows), default=1)
    step = ceil(len(windows) / max(1, _LETTERS // (longest + 2)))
    return list(range(len(windows) - 1, -1, -step))[::-1] if windows else []
