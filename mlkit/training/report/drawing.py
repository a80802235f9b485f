"""Turn what matplotlib draws into SVG that lies in a page and takes its colours from it."""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours of the page by name; a plot is drawn in the stand-in, and shows the page's.
COLOURS = {
    name: f"#0{place:02x}dec"
    for place, name in enumerate(
        ("ink", "faint", "line", "model", "other", "good", "bad", *(f"c{n}" for n in range(10)))
    )
}
#: Pixels that a plot is wide, so that its text is readable on a phone.
WIDTH = 360
_DPI = 72
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10.5,
    "text.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["line"],
    "axes.labelcolor": COLOURS["faint"],
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.6,
    "xtick.color": COLOURS["line"],
    "ytick.color": COLOURS["line"],
    "xtick.labelcolor": COLOURS["faint"],
    "ytick.labelcolor": COLOURS["faint"],
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}


def draw(name: str, title: str, paint: Callable[["Axes"], None], *, height: float = 270) -> str:
    """Return what `paint` draws on axes, as an inline SVG element.

    Parameters
    ----------
    name
        Told from any other plot of the page: all ids begin with it.
    title
        What the plot shows, for those who cannot see it.
    paint
        Draws on the axes that it is given, in `COLOURS`.
    height
        In pixels.
    """
    from matplotlib import style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # Ids are made from the salt: the same bytes each time, and other ones in each plot.
    with style.context(["default", {**_SETTINGS, "svg.hashsalt": name}]), _calm():
        figure = Figure(figsize=(WIDTH / _DPI, height / _DPI), dpi=_DPI, layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        paint(figure.add_subplot())
        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=nothing)
    return _inlined(file.getvalue(), name, title)


@contextmanager
def _calm() -> Iterator[None]:
    # The reader's browser has the letters that matplotlib's font lacks.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph .* missing")
        yield


def _inlined(svg: str, name: str, title: str) -> str:
    """Return the element alone, with ids of its own, in the page's colours and letters."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"\s*<style\b.*?</style>", "", svg, flags=re.S)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.S)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(?:xlink:)?href="#', f'href="#{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    for colour, stand_in in COLOURS.items():
        svg = svg.replace(stand_in, f"var(--{colour})")
    # Matplotlib writes the one or the other, by its version.
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px var(--sans)", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", svg)
    box = re.search(r'viewBox="[^"]*"', svg)
    label = escape(title, quote=True)
    opened = f'<svg {box.group() if box else ""} role="img" aria-label="{label}">'
    return re.sub(r"<svg[^>]*>", lambda _: f"{opened}<title>{label}</title>", svg, count=1).strip()


def short(text: str, most: int = 28) -> str:
    """Return text as a label: on one line, printable, and not too long."""
    text = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return text if len(text) <= most else text[: most - 1] + "…"
