"""Read Python and notebooks into one shape: a tree, and what its names stand for."""

import ast
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from mlkit.core.errors import DataError

_Node = TypeVar("_Node", bound=ast.AST)
SUFFIXES = (".py", ".ipynb")
#: Lines of IPython, which are no Python.
_MAGIC = ("%", "!", "?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a notebook.

    Attributes
    ----------
    number
        From 1, of all cells.
    lines
        Its source.
    count
        When it was executed; None: never, since it was opened.
    has_output
        Whether it holds what it printed.
    """

    number: int
    lines: tuple[str, ...]
    count: int | None
    has_output: bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """A module, or the code of a notebook.

    Attributes
    ----------
    path
        Where it is.
    lines
        Its code; of a notebook, that of all cells.
    cells
        A notebook's; none of a module.
    tree
        What the code says.
    """

    path: Path
    lines: Sequence[str]
    tree: ast.Module
    cells: Sequence[Cell] = field(default=())

    @cached_property
    def _by_type(self) -> dict[type[ast.AST], list[ast.AST]]:
        found: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        for node in ast.walk(self.tree):
            found[type(node)].append(node)
        return found

    def nodes(self, kind: type[_Node]) -> Sequence[_Node]:
        """Return all nodes of a type, from the outside in."""
        return self._by_type[kind]  # type: ignore[return-value]  # by their type

    @cached_property
    def _imported(self) -> dict[str, str]:
        found = {}
        for node in self.nodes(ast.Import):
            for each in node.names:
                name = each.asname or each.name.split(".")[0]
                found[name] = each.name if each.asname else name
        for where in self.nodes(ast.ImportFrom):
            if not where.level:
                for each in where.names:
                    found[each.asname or each.name] = f"{where.module}.{each.name}"
        # What a name stands for that is also given otherwise, only a run would tell.
        for variable in self.nodes(ast.Name):
            if isinstance(variable.ctx, ast.Store):
                found.pop(variable.id, None)
        for argument in self.nodes(ast.arg):
            found.pop(argument.arg, None)
        return found

    def imports(self, package: str) -> bool:
        """Whether anything of a package is imported."""
        return any(name.split(".")[0] == package for name in self._imported.values())

    def name(self, node: ast.AST) -> str:
        """Return what an expression names, such as `numpy.random.rand`; empty if nothing imported.

        What is called, or got from what is called, has no name.
        """
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._imported:
            return ""
        return ".".join([self._imported[node.id], *reversed(parts)])

    def scopes(self) -> Iterator[list[ast.stmt]]:
        """Yield the statements of the module, and of each function, in their order.

        Those within blocks are among them, those of functions and classes within are not.
        """
        yield list(_statements(self.tree.body))
        for plain in self.nodes(ast.FunctionDef):
            yield list(_statements(plain.body))
        for awaited in self.nodes(ast.AsyncFunctionDef):
            yield list(_statements(awaited.body))

    def place(self, line: int) -> tuple[int, int]:
        """Return the cell, 0 in a module, and the line within it, of a line of the code."""
        for cell in self.cells:
            if line <= len(cell.lines):
                return cell.number, line
            line -= len(cell.lines)
        return 0, line


def read_source(path: Path) -> Source:
    """Read a module or a notebook.

    Raises
    ------
    DataError
        If it cannot be read, or is no Python.
    """
    try:
        text = path.read_text(encoding="utf-8")
        cells = _cells(text) if path.suffix == ".ipynb" else ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    lines = [line for cell in cells for line in cell.lines] if cells else text.splitlines()
    code = "\n".join(lines) if path.suffix == ".ipynb" else text
    try:
        tree = ast.parse(code, filename=str(path))
    except (SyntaxError, ValueError, RecursionError) as error:
        where = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise DataError(f"{path}{where} is no Python: {error}") from None
    return Source(path=path, lines=lines, tree=tree, cells=cells)


def _cells(text: str) -> tuple[Cell, ...]:
    found = []
    for number, cell in enumerate(json.loads(text)["cells"], start=1):
        if cell["cell_type"] != "code":
            continue
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        found.append(
            Cell(
                number=number,
                lines=tuple(_plain(source)),
                count=cell.get("execution_count"),
                has_output=bool(cell.get("outputs")),
            )
        )
    return tuple(found)


def _plain(source: str) -> list[str]:
    """Return a cell's lines, those of IPython as comments in the same place."""
    lines = source.splitlines() or [""]
    if lines[0].startswith("%%"):
        return [f"# {line}" for line in lines]
    return [
        f"{line[: len(line) - len(line.lstrip())]}pass  # {line.lstrip()}"
        if line.lstrip().startswith(_MAGIC)
        else line
        for line in lines
    ]


def _statements(body: Sequence[Any]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for name in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, name, ()))
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from _statements(part.body)
