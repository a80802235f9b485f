"""MLK3: frames that hold what one thinks they hold."""

import ast
from collections.abc import Iterator

from mlkit.standards.calls import argument, is_constant, may_have, method
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.source import Source

#: What a loop fills a list, a set or a dictionary with.
_FILLING = ("append", "extend", "add", "update", "insert", "setdefault")
_NANS = ("numpy.nan", "numpy.NaN", "numpy.NAN", "math.nan", "pandas.NA", "pandas.NaT")


def _is_nan(source: Source, node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
        text = node.args[0] if node.args else None
        return isinstance(text, ast.Constant) and str(text.value).strip("+-").lower() == "nan"
    return source.name(node) in _NANS


def _nan(source: Source) -> Iterator[Hit]:
    for node in source.nodes(ast.Compare):
        sides = [node.left, *node.comparators]
        for operator, one, other in zip(node.ops, sides, sides[1:], strict=False):
            is_equal = isinstance(operator, (ast.Eq, ast.NotEq))
            if is_equal and (_is_nan(source, one) or _is_nan(source, other)):
                yield node, "nothing equals NaN, not even NaN: this is always the same"


def _asked(source: Source, node: ast.AST) -> str | None:
    """Return what asks pandas for missing values, where its name is at hand."""
    if not isinstance(node, ast.Compare) or len(node.ops) > 1 or node.lineno != node.end_lineno:
        return None
    others = [each for each in (node.left, *node.comparators) if not _is_nan(source, each)]
    names = (each.asname or each.name for found in source.nodes(ast.Import) for each in found.names)
    pandas = [name for name in names if source.name(ast.Name(id=name)) == "pandas"]
    if len(others) != 1 or not pandas:
        return None
    asked = ast.get_source_segment("\n".join(source.lines), others[0])
    return f"{pandas[0]}.{'isna' if isinstance(node.ops[0], ast.Eq) else 'notna'}({asked})"


def _merges(source: Source) -> Iterator[Hit]:
    if not source.imports("pandas"):
        return
    # Of another module's merge nothing is known.
    of_frames = (call for call, _ in source.methods("merge") if not source.name(call.func))
    of_pandas = (call for call, _ in source.calls("pandas.merge"))
    for call in (*of_frames, *of_pandas):
        if not (call.args or may_have(call, "right")):
            continue
        keys = ("on", "left_on", "left_index")
        lacking = [word for word in ("how", "validate") if not may_have(call, word)]
        if not any(may_have(call, word) for word in keys):
            lacking.insert(1, "on")
        if lacking:
            yield call, f"merge does not say {', '.join(lacking)}"


def _rows(source: Source) -> Iterator[Hit]:
    if not source.imports("pandas"):
        return
    loops = tuple(source.methods("iterrows", "itertuples"))
    showing = {
        id(node)
        for loop in source.nodes(ast.For)
        if loops and not _makes(loop)
        for node in ast.walk(loop.iter)
    }
    for call, name in loops:
        # What prints or draws each row makes no column, and plain tuples are for writing out.
        is_plain = is_constant(argument(call, "name"), None)
        if id(call) not in showing and not is_plain:
            yield call, f"{name} goes row by row"
    for call, _ in source.methods("apply"):
        if is_constant(argument(call, "axis"), 1, "columns"):
            yield call, "apply with axis=1 goes row by row"


def _makes(loop: ast.For) -> bool:
    """Whether a loop leaves values behind: it gives names, fills, or returns."""
    for statement in loop.body:
        for node in ast.walk(statement):
            is_given = isinstance(getattr(node, "ctx", None), ast.Store)
            is_filled = isinstance(node, ast.Call) and method(node) in _FILLING
            if is_given or is_filled or isinstance(node, (ast.Return, ast.Yield)):
                return True
    return False


RULES = (
    Rule(
        code="MLK301",
        name="compared with NaN",
        severity="error",
        reason="By IEEE 754 nothing equals NaN, so that missing values are never found.",
        fix="Use isna(), notna(), or np.isnan.",
        bad="""
import numpy as np

missing = frame["price"] == np.nan
""",
        good="""
import numpy as np

missing = frame["price"].isna()
""",
        hits=_nan,
        mended=_asked,
    ),
    Rule(
        code="MLK302",
        name="a merge that does not say what it expects",
        severity="error",
        reason="By default, columns that happen to have one name are the keys, rows without a "
        "partner vanish, and a key that is there twice doubles rows in silence.",
        fix='Say how, on and validate: validate="many_to_one" raises where a key is there twice.',
        bad="""
import pandas as pd

joined = flights.merge(weather)
""",
        good="""
import pandas as pd

joined = flights.merge(weather, how="left", on=["origin", "hour"], validate="many_to_one")
""",
        hits=_merges,
    ),
    Rule(
        code="MLK303",
        name="a frame gone through row by row",
        severity="error",
        reason="It is hundreds of times slower than whole columns, and such features are not "
        "compiled.",
        fix="Work on whole columns; see the page on features that compile.",
        bad="""
import pandas as pd

for _, row in frame.iterrows():
    total += row["price"] * row["count"]
""",
        good="""
import pandas as pd

total = (frame["price"] * frame["count"]).sum()
""",
        hits=_rows,
    ),
)
