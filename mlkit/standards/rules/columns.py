"""MLK3: columns that are written where one thinks, and of the type one thinks."""

import ast
from collections.abc import Iterator

from mlkit.standards.calls import may_have, receiver
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.scopes import root, targets
from mlkit.standards.source import Source

_READING = ("pandas.read_csv", "pandas.read_table", "pandas.read_fwf")
_FRAMES = (*_READING, "pandas.DataFrame", "pandas.read_parquet", "pandas.read_excel")
_LOCATING = ("loc", "iloc")


def _chained(source: Source) -> Iterator[Hit]:
    if not source.imports("pandas"):
        return
    frames = {
        name
        for statement in source.nodes(ast.Assign)
        if isinstance(statement.value, ast.Call) and source.name(statement.value.func) in _FRAMES
        for name in targets(statement)
    }
    for node in source.nodes(ast.Subscript):
        inner = node.value
        if not isinstance(node.ctx, ast.Store) or not isinstance(inner, ast.Subscript):
            continue
        of = inner.value
        # Of a list of lists, or of a record of records, the same is right.
        is_located = isinstance(of, ast.Attribute) and of.attr in _LOCATING
        is_chosen = _is_mask(inner.slice) or (_is_mask(node.slice) and _is_text(inner.slice))
        if is_located or is_chosen or (isinstance(of, ast.Name) and of.id in frames):
            yield node, f"this writes into what {root(of) or 'it'}[...] returned, maybe a copy"


def _is_mask(node: ast.expr) -> bool:
    """Whether an expression compares a column."""
    return isinstance(node, ast.Compare) and any(
        isinstance(each, ast.Subscript) and _is_text(each.slice) for each in ast.walk(node)
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _guessed(source: Source) -> Iterator[Hit]:
    if source.is_test or not source.imports("pandas"):
        return
    # Types that a schema declares are held there.
    checks = any(source.methods("validate", "coerce"))
    cast = {id(receiver(call)) for call, _ in source.methods("astype")}
    for call, name in source.calls(*_READING):
        is_said = any(may_have(call, word) for word in ("dtype", "converters"))
        if not checks and not is_said and id(call) not in cast:
            yield call, f"{name} guesses the types from the rows of this file"


RULES = (
    Rule(
        code="MLK304",
        name="an assignment into what may be a copy",
        severity="warning",
        reason="What df[a] returns is a copy with copy-on-write, which pandas 3 always has: the "
        "assignment is lost in silence.",
        fix="Choose rows and column at once: frame.loc[rows, column] = value.",
        bad="""
import pandas as pd

frame[frame["price"] < 0]["price"] = 0
""",
        good="""
import pandas as pd

frame.loc[frame["price"] < 0, "price"] = 0
""",
        hits=_chained,
    ),
    Rule(
        code="MLK305",
        name="types left to the file",
        severity="warning",
        reason="A CSV has no types: 01234 becomes 1234, and one word in a column of numbers makes "
        "all of it text, in another file than the one it was tried with.",
        fix="Give dtype, read it with mlkit's Schema, or keep tables as Parquet.",
        bad="""
import pandas as pd

flights = pd.read_csv("flights.csv")
""",
        good="""
import pandas as pd

flights = pd.read_csv("flights.csv", dtype={"carrier": "str", "distance": "float64"})
""",
        hits=_guessed,
    ),
)
