"""What a page consists of, and how it becomes HTML that opens anywhere, without a network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlkit.core.files import written_file
from mlkit.core.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawing, what to see in it, and its figures where no table of the section has them."""

    title: str
    svg: str
    note: str = ""
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a heat table.

    Attributes
    ----------
    share
        How dark it is, from 0 to 1.
    text, under
        What it says, and what it says below that.
    mark
        The class that it has beside the others; empty for none.
    """

    share: float
    text: str
    under: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """A table whose cells are shaded; the rows by their names."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the page, by the name that links lead to.

    Attributes
    ----------
    beside
        Whether there is room for the plot and the table side by side.
    """

    id: str
    title: str
    lead: str = ""
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    heat: Heat | None = None
    beside: bool = False


def rendered(package: str, **values: Any) -> str:
    """Return the page that a package's `page.html.j2` makes of `base.html.j2`.

    Parameters
    ----------
    package
        In whose folder it lies.
    values
        What it shows; every text is escaped.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    own, base = PackageLoader(package, "."), PackageLoader("mlkit.training.report", ".")
    page = Environment(
        loader=ChoiceLoader([own, base]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("page.html.j2")
    return page.render(**values)


def write_html(html: str, path: str | Path) -> Path:
    """Write a page to a file, whose folder is made, and return its path."""
    path = Path(path)
    with written_file(path) as draft:
        draft.write_text(html, encoding="utf-8")
    return path
