"""A table reads the same wherever it is shown, whatever its cells hold."""

from hypothesis import given
from hypothesis import strategies as st

from mlkit.core.table import Table

CELLS = st.text(max_size=8)


def test_figures_are_flush_right_and_texts_left():
    """So that digits of one weight stand below each other."""
    table = Table(
        head=("slice", "rows", "bundle"),
        rows=(("all rows", "1,280", "a/b"), ("JFK", "7", "none: no such column")),
        ends_in_text=True,
    )
    assert table.plain() == (
        "slice      rows  bundle\nall rows  1,280  a/b\nJFK           7  none: no such column"
    )
    assert table.markdown().splitlines()[1] == "| --- | --: | --- |"


@given(st.lists(st.tuples(CELLS, CELLS), max_size=4))
def test_every_row_is_one_line(rows):
    """A line break within a cell, such as of a category, tears no table."""
    table = Table(head=("a", "b"), rows=tuple(rows))
    # An empty last line counts as well.
    assert len(f"{table.plain()}.".splitlines()) == 1 + len(rows)
    assert len(f"{table.markdown()}.".splitlines()) == 2 + len(rows)
