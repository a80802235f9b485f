"""MLK8: notebooks that say the same to everybody who runs them."""

import ast
from collections.abc import Iterator

from mlkit.standards.rule import Hit, Rule
from mlkit.standards.source import Cell, Source

#: Of the rules whose fault can be cleared away.
OUTPUT, ORDER = "MLK801", "MLK802"
#: Lines of a function or class that a notebook may define for itself.
_MOST_LINES = 5


def _cells(source: Source) -> Iterator[tuple[Cell, ast.AST]]:
    """Yield the cells with the place of each: a comment in any of its lines silences."""
    line = 1
    for cell in source.cells:
        last = line + len(cell.lines) - 1
        yield cell, ast.Pass(lineno=line, end_lineno=last, col_offset=0, end_col_offset=0)
        line = last + 1


def _outputs(source: Source) -> Iterator[Hit]:
    for cell, place in _cells(source):
        if cell.has_output:
            yield place, "what the cell printed is kept in the file"


def _order(source: Source) -> Iterator[Hit]:
    before = 0
    for cell, place in _cells(source):
        if cell.count is not None and cell.count <= before:
            yield place, f"run as number {cell.count}, below a cell that was run as {before}"
        before = max(before, cell.count or 0)


def _definitions(source: Source) -> Iterator[Hit]:
    for node in source.tree.body if source.cells else ():
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        n_lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if n_lines > _MOST_LINES:
            yield node, f"{node.name} has {n_lines} lines: it belongs in the package"


def _notebook(*cells: str) -> str:
    """Return an example: a notebook of these cells, each the inside of a JSON object."""
    told = ",\n".join(f'  {{"cell_type": "code", "metadata": {{}}, {cell}}}' for cell in cells)
    return (
        '==> notebooks/explore.ipynb <==\n{\n "cells": [\n' + told + "\n ],\n"
        ' "metadata": {}, "nbformat": 4, "nbformat_minor": 4\n}\n'
    )


_PRINTED = '"outputs": [{"output_type": "stream", "name": "stdout", "text": ["12\\n"]}]'
_FRAME = '"source": ["frame = read_frame(path)"]'
_LENGTH = '"source": ["len(frame)"]'

RULES = (
    Rule(
        code=OUTPUT,
        name="a notebook with output",
        severity="error",
        reason="Output holds rows that nobody may commit, hides in a review what changed, and "
        "shows figures of data that have changed since.",
        fix="Clear it: mlkit check --fix does.",
        bad=_notebook(f'"execution_count": 1, {_PRINTED}, {_LENGTH}'),
        good=_notebook(f'"execution_count": null, "outputs": [], {_LENGTH}'),
        hits=_outputs,
    ),
    Rule(
        code=ORDER,
        name="a notebook run out of order",
        severity="error",
        reason="What it showed came of an order that whoever runs it from the top does not "
        "have; often it then fails.",
        fix="Restart the kernel and run all; mlkit check --fix takes the counts away.",
        bad=_notebook(
            f'"execution_count": 7, "outputs": [], {_FRAME}',
            f'"execution_count": 3, "outputs": [], {_LENGTH}',
        ),
        good=_notebook(
            f'"execution_count": 1, "outputs": [], {_FRAME}',
            f'"execution_count": 2, "outputs": [], {_LENGTH}',
        ),
        hits=_order,
    ),
    Rule(
        code="MLK803",
        name="a definition that belongs in the package",
        severity="error",
        reason="What a notebook defines is tested by nothing, reviewed by nobody, and copied "
        "into the next notebook; what trains has another version of it.",
        fix=f"Move what is longer than {_MOST_LINES} lines to src/, with a test, and import it.",
        bad=_notebook(
            '"execution_count": null, "outputs": [], "source": ["def season(month):\\n", '
            '"    if month in (12, 1, 2):\\n", "        return \\"winter\\"\\n", '
            '"    if month in (6, 7, 8):\\n", "        return \\"summer\\"\\n", '
            '"    return \\"between\\""]'
        ),
        good=_notebook(
            '"execution_count": null, "outputs": [], '
            '"source": ["from flights.features import season"]'
        ),
        hits=_definitions,
    ),
)
