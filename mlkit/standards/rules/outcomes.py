"""MLK5: features of what is known before the outcome."""

import ast
from collections.abc import Iterator
from contextlib import suppress

from mlkit.core.errors import DataError
from mlkit.standards.calls import argument, is_constant
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.rules.estimators import FEATURIZERS
from mlkit.standards.scopes import root, targets
from mlkit.standards.source import Source, read_source

_SCHEMAS = ("mlkit.Schema", "mlkit.core.schema.Schema")
_COLUMNS = ("mlkit.column", "mlkit.core.schema.column", "mlkit.core.column.column")
#: Where a project declares its columns, beside its features.
_BESIDE = "schema.py"


def _named(source: Source) -> Iterator[Hit]:
    functions = [
        function
        for node in source.nodes(ast.ClassDef)
        if any(source.name(base) in FEATURIZERS for base in node.bases)
        for function in node.body
        if isinstance(function, ast.FunctionDef) and function.name in ("fit", "transform")
    ]
    if not functions:
        return
    outcomes = _outcomes(source)
    lists = _lists(source)
    for function in functions:
        for node, name in _asked(function, lists):
            if name in outcomes:
                yield node, f"{name} is known only afterwards: no featurizer is given it"


def _outcomes(source: Source) -> set[str]:
    """Return the columns that are outcomes in a schema of the module, or of the one beside it."""
    known = list(_declared(source))
    beside = source.path.with_name(_BESIDE)
    if beside != source.path and beside.is_file():
        # One that cannot be read has a finding of its own.
        with suppress(DataError):
            known += _declared(read_source(beside))
    afterwards = {name for name, is_outcome in known if is_outcome}
    # What another schema has as a feature may be meant.
    return afterwards - {name for name, is_outcome in known if not is_outcome}


def _declared(source: Source) -> Iterator[tuple[str, bool]]:
    """Yield the columns of the schemas of a module, and whether each is an outcome."""
    for schema in source.nodes(ast.ClassDef):
        if not any(source.name(base) in _SCHEMAS for base in schema.bases):
            continue
        for statement in schema.body:
            if not isinstance(statement, ast.AnnAssign) or not root(statement.target):
                continue
            value = statement.value
            is_column = isinstance(value, ast.Call) and source.name(value.func) in _COLUMNS
            role = argument(value, "role") if is_column else None  # type: ignore[arg-type]
            yield root(statement.target), is_constant(role, "outcome", "target")


def _lists(source: Source) -> dict[str, ast.expr]:
    """Return the lists of the module, by their names."""
    return {
        name: statement.value
        for statement in source.tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, (ast.List, ast.Tuple, ast.Constant))
        for name in targets(statement)
    }


def _asked(function: ast.FunctionDef, lists: dict[str, ast.expr]) -> Iterator[tuple[ast.AST, str]]:
    """Yield the columns that a method asks of its frame, or of what it made of it."""
    frame = function.args.args[1].arg if len(function.args.args) > 1 else ""
    for node in ast.walk(function):
        match node:
            case ast.Subscript(ctx=ast.Load()) if root(node) not in ("self", ""):
                yield from ((node, name) for name in _texts(node.slice, lists))
            case ast.Attribute(value=ast.Name(id=name)) if name == frame:
                yield node, node.attr


def _texts(node: ast.expr, lists: dict[str, ast.expr]) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.List(elts=each) | ast.Tuple(elts=each):
            for one in each:
                yield from _texts(one, lists)
        case ast.Starred(value=value):
            yield from _texts(value, lists)
        case ast.Name(id=name) if name in lists:
            # A list's own names are not followed: it might be its own.
            yield from _texts(lists[name], {})


RULES = (
    Rule(
        code="MLK503",
        name="an outcome among the features",
        severity="error",
        reason="What is known only afterwards is not there when a prediction is asked for, and "
        "no featurizer is given it: the transform fails.",
        fix="Leave it out; if it is known in time, its role in the schema is wrong.",
        bad="""
from mlkit import Featurizer, Schema, column


class Flight(Schema):
    dep_time: float
    arr_delay: float | None = column(role="outcome")


class Flights(Featurizer):
    def transform(self, frame):
        return frame[["dep_time", "arr_delay"]]
""",
        good="""
from mlkit import Featurizer, Schema, column


class Flight(Schema):
    dep_time: float
    arr_delay: float | None = column(role="outcome")


class Flights(Featurizer):
    def transform(self, frame):
        return frame[["dep_time"]]
""",
        hits=_named,
    ),
)
