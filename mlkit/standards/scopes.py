"""Follow the statements of a function, or of a module, in their order."""

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

Owner = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef
_DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
#: Fields of a statement that hold statements, and those that hold parts with a body.
_BODIES, _PARTS = ("body", "orelse", "finalbody"), ("handlers", "cases")
_TEST = re.compile(r"(?i)(^|_)(d?test|hold_?out)(_|$)")


class Scope:
    """A module without its functions, or a function without those within.

    Parameters
    ----------
    owner
        Whose statements they are.
    """

    def __init__(self, owner: Owner) -> None:
        self.owner = owner

    @cached_property
    def statements(self) -> Sequence[ast.stmt]:
        """In their order, those within blocks among them."""
        return tuple(_statements(self.owner.body))

    @cached_property
    def calls(self) -> Sequence[tuple[ast.stmt, Sequence[ast.Call]]]:
        """The calls of each statement, but for those in the blocks that it heads."""
        return tuple((each, tuple(_calls(each))) for each in self.statements)

    def has_line(self, line: int) -> bool:
        """Whether a line of the code is within."""
        first, last = getattr(self.owner, "lineno", 0), getattr(self.owner, "end_lineno", line)
        return bool(first <= line <= last)

    @property
    def name(self) -> str:
        """The function's; empty for a module."""
        return getattr(self.owner, "name", "")


def root(node: ast.AST) -> str:
    """Return the name that an expression is taken from; empty if from something else."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def targets(statement: ast.stmt) -> list[str]:
    """Return the names that a statement assigns, in their order; empty for what is no name."""
    match statement:
        case ast.Assign(targets=[target, *_]):
            pass
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            pass
        case ast.For(target=target):
            pass
        case _:
            return []
    each = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
    return [node.id if isinstance(node, ast.Name) else "" for node in each]


def stored(node: ast.AST) -> set[str]:
    """Return all names that are given a value somewhere within."""
    return {
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def is_test_rows(node: ast.AST | None) -> bool:
    """Whether an expression is taken from what is called test, or holdout."""
    return node is not None and bool(_TEST.search(root(node)))


def _statements(body: Sequence[Any]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, _DEFINING):
            continue
        for name in _BODIES:
            yield from _statements(getattr(statement, name, ()))
        for name in _PARTS:
            for part in getattr(statement, name, ()):
                yield from _statements(part.body)


def _calls(statement: ast.stmt) -> Iterator[ast.Call]:
    if isinstance(statement, _DEFINING):
        return
    for name, value in ast.iter_fields(statement):
        if name in (*_BODIES, *_PARTS):
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                yield from (node for node in ast.walk(each) if isinstance(node, ast.Call))
