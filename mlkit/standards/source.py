"""Read Python and notebooks into one shape: a tree, and what its names stand for."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from mlkit.core.errors import DataError
from mlkit.standards.calls import method
from mlkit.standards.scopes import Owner, Scope
from mlkit.standards.silencing import comments

_Node = TypeVar("_Node", bound=ast.AST)
SUFFIXES = (".py", ".ipynb")
#: Lines of IPython, which are no Python.
_MAGIC = ("%", "!", "?")
#: Fields of nodes that hold none, or none that a rule asks for.
_PLAIN = {"arg", "asname", "attr", "ctx", "id", "kind", "level", "module", "op", "ops"}
_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(name for name in kind._fields if name not in _PLAIN)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST) and kind is not ast.Constant
}
#: What comes of a file that is none of its kind: json.loads, say, or what it leaves out.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
#: Folders of tests.
_TESTING = frozenset({"test", "tests", "testing"})


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
        # As ast.walk, in a third of its time: fields that hold no node are not looked into.
        queue: list[Any] = [self.tree]
        for node in queue:
            kind = type(node)
            found[kind].append(node)
            for name in _FIELDS.get(kind, ()):
                value = getattr(node, name, None)
                if type(value) is list:
                    queue.extend(value)
                elif value is not None:
                    queue.append(value)
        return found

    def nodes(self, kind: type[_Node]) -> Sequence[_Node]:
        """Return all nodes of a type, from the outside in."""
        return self._by_type.get(kind, ())  # type: ignore[return-value]  # by their type

    @cached_property
    def _by_name(self) -> dict[str, list[ast.Call]]:
        found: dict[str, list[ast.Call]] = defaultdict(list)
        for call in self.nodes(ast.Call):
            found[self.name(call.func)].append(call)
        return found

    def calls(self, *names: str) -> Iterator[tuple[ast.Call, str]]:
        """Yield what calls one of some things that were imported, and which."""
        for name in names:
            for call in self._by_name.get(name, ()):
                yield call, name

    @cached_property
    def called(self) -> Sequence[str]:
        """The imported things that are called, each once."""
        return tuple(filter(None, self._by_name))

    @cached_property
    def _by_method(self) -> dict[str, list[ast.Call]]:
        found: dict[str, list[ast.Call]] = defaultdict(list)
        for call in self.nodes(ast.Call):
            found[method(call)].append(call)
        return found

    def methods(self, *names: str) -> Iterator[tuple[ast.Call, str]]:
        """Yield the calls of methods of some names, whatever they are called on."""
        for name in names:
            for call in self._by_method.get(name, ()):
                yield call, name

    @cached_property
    def imported(self) -> Mapping[str, str]:
        """What the names stand for that are only ever imported."""
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

    @cached_property
    def _packages(self) -> frozenset[str]:
        return frozenset(name.split(".")[0] for name in self.imported.values())

    def imports(self, *packages: str) -> bool:
        """Whether anything of one of some packages is imported."""
        return not self._packages.isdisjoint(packages)

    def name(self, node: ast.AST) -> str:
        """Return what an expression names, such as `numpy.random.rand`; empty if nothing imported.

        What is called, or got from what is called, has no name.
        """
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        known = self.imported.get(node.id) if isinstance(node, ast.Name) else None
        return ".".join([known, *reversed(parts)]) if known else ""

    @cached_property
    def texts(self) -> Sequence[tuple[ast.Constant, str]]:
        """The texts of the code, but for those that document it."""
        documents = {id(statement.value) for statement in self.nodes(ast.Expr)}
        return [
            (node, node.value)
            for node in self.nodes(ast.Constant)
            if isinstance(node.value, str) and id(node) not in documents
        ]

    @cached_property
    def comments(self) -> Sequence[tuple[int, re.Match[str]]]:
        """The comments that silence rules, with their lines from 1."""
        return tuple(comments(self.lines))

    @cached_property
    def scopes(self) -> Sequence[Scope]:
        """The statements of the module, and of each function."""
        plain, awaited = self.nodes(ast.FunctionDef), self.nodes(ast.AsyncFunctionDef)
        owners: list[Owner] = [self.tree, *plain, *awaited]
        return tuple(map(Scope, owners))

    def scopes_with(self, calls: Iterable[tuple[ast.Call, str]]) -> list[Scope]:
        """Return the scopes that some calls are in."""
        lines = {call.lineno for call, _ in calls}
        return [scope for scope in self.scopes if any(map(scope.has_line, lines))]

    @cached_property
    def is_test(self) -> bool:
        """Whether it tests: a test of an estimator is no judgement of a model."""
        name = self.path.name
        is_named = name.startswith(("test_", "conftest")) or name.endswith("_test.py")
        return is_named or not _TESTING.isdisjoint(self.path.parts)

    def text(self, node: ast.stmt | ast.expr) -> str:
        """Return the lines of code that something is on."""
        return "\n".join(self.lines[node.lineno - 1 : node.end_lineno])

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
        # Some editors begin UTF-8 with a mark of it, which is no part of the text.
        text = path.read_text(encoding="utf-8-sig")
        cells = _cells(text) if path.suffix == ".ipynb" else ()
    except _UNREADABLE as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    is_notebook = path.suffix == ".ipynb"
    lines = [line for cell in cells for line in cell.lines] if is_notebook else text.split("\n")
    code = "\n".join(lines) if is_notebook else text
    try:
        tree = ast.parse(code, filename=str(path))
    except (SyntaxError, ValueError, RecursionError) as error:
        where = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise DataError(f"{path}{where} is no Python: {error}") from None
    return Source(path=path, lines=lines, tree=tree, cells=cells)


def _cells(text: str) -> tuple[Cell, ...]:
    notebook, found = json.loads(text), []
    kernel = notebook.get("metadata", {}).get("kernelspec", {})
    is_python = kernel.get("language", "python").lower().endswith("python")
    for number, cell in enumerate(notebook["cells"], start=1):
        if cell["cell_type"] != "code":
            continue
        count = cell.get("execution_count")
        if not isinstance(count, int | None):
            raise TypeError(f"execution_count of cell {number} is {count!r}")
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        found.append(
            Cell(
                number=number,
                lines=tuple(_plain(source) if is_python else _commented(source)),
                count=count,
                has_output=bool(cell.get("outputs")),
            )
        )
    return tuple(found)


def _plain(source: str) -> list[str]:
    """Return a cell's lines, those of IPython as comments in the same place."""
    if source.startswith("%%"):
        return _commented(source)
    lines = source.split("\n")
    with suppress(SyntaxError, ValueError, RecursionError):
        ast.parse(source)
        return lines
    return [
        f"{line[: len(line) - len(line.lstrip())]}pass  # {line.lstrip()}"
        if line.lstrip().startswith(_MAGIC) or line.rstrip().endswith("?")
        else line
        for line in lines
    ]


def _commented(source: str) -> list[str]:
    return [f"# {line}" for line in source.split("\n")]
