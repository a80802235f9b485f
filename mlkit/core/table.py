"""Lay rows of text out in columns: aligned for a terminal, or as Markdown for a file."""

from dataclasses import dataclass

_ESCAPED = str.maketrans(
    {"\\": "\\\\", "|": "\\|", "<": "&lt;", "&": "&amp;", "`": "\\`", "[": "\\[", "]": "\\]"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Text in rows and columns.

    Attributes
    ----------
    n_texts
        How many of the first columns are text; the others are figures, flush right.
    ends_in_text
        Whether the last column is text, too.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_texts: int = 1
    ends_in_text: bool = False

    def plain(self) -> str:
        """Return it as lines whose columns stand below each other.

        Examples
        --------
        >>> print(Table(head=("slice", "rows"), rows=(("all rows", "1,280"), ("JFK", "7"))).plain())
        slice      rows
        all rows  1,280
        JFK           7
        """
        rows = [[_on_one_line(cell) for cell in row] for row in (self.head, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        sides = [str.rjust if is_figure else str.ljust for is_figure in self.are_figures()]
        lines = (
            "  ".join(
                side(cell, width) for side, cell, width in zip(sides, row, widths, strict=True)
            )
            for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)

    def markdown(self) -> str:
        """Return it as Markdown, whatever its cells hold."""
        rules = ["--:" if is_figure else "---" for is_figure in self.are_figures()]
        rows = [[escaped(cell) for cell in row] for row in (self.head, *self.rows)]
        return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rules, *rows[1:]))

    def are_figures(self) -> list[bool]:
        """Return of each column whether it holds figures."""
        n_columns = len(self.head)
        return [self.n_texts <= n < n_columns - self.ends_in_text for n in range(n_columns)]


def escaped(text: str) -> str:
    """Return text on one line in which Markdown has nothing to read."""
    return _on_one_line(text).translate(_ESCAPED)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
