"""Hold the columns of a table against their schema, in numpy alone.

A column that already has a fitting dtype is checked as a whole; any other goes
value by value through the very rules that a record meets.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from mlkit.core.column import COMPARISONS, LARGEST_EXACT, Column
from mlkit.core.errors import Violation
from mlkit.core.moments import in_utc
from mlkit.core.records import (
    MISSING,
    NOT_FINITE,
    NOT_TEXT,
    OUT_OF_RANGE,
    TOO_FINE,
    broken_rule,
    is_text,
    plain,
    shown,
)

N_SHOWN = 5
_FIRST, _LAST = (np.datetime64(moment, "us") for moment in (datetime.min, datetime.max))


def read_array(values: Any) -> tuple[np.ndarray, bool]:
    """Return a column as an array, and whether it holds moments in UTC."""
    if isinstance(values, np.ma.MaskedArray):
        return _unmasked(values), False
    dtype: Any = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype):
        return np.asarray(values), False
    if not hasattr(values, "to_numpy"):
        # Of nested lists, np.asarray would make more dimensions.
        return np.fromiter(values, dtype=object, count=len(values)), False
    if hasattr(dtype, "categories") and not values.isna().any():
        return read_array(values.astype(dtype.categories.dtype))
    kind = getattr(dtype, "kind", "O")
    if kind == "M" and getattr(dtype, "tz", None) is not None:
        return values.to_numpy(dtype=f"datetime64[{dtype.unit}]"), True
    if kind in "iuf" and not values.isna().any():
        return values.to_numpy(dtype=f"{kind}8"), False
    return values.to_numpy(dtype=object), False


def _unmasked(values: np.ma.MaskedArray) -> np.ndarray:
    has_missing = values.dtype.kind in "fmM"
    items = np.array(values.data, dtype=None if has_missing else object)
    items[np.ma.getmaskarray(values)] = None
    return items


def check_array(
    column: Column, values: np.ndarray, *, aware: bool = False
) -> tuple[np.ndarray, list[Violation]]:
    """Return the values in the column's dtype, and what is wrong with them.

    Parameters
    ----------
    column
        What they must be.
    values
        Shape (n_rows,), of any dtype.
    aware
        Whether datetimes are moments in UTC; else they are wall-clock times.

    Returns
    -------
    tuple
        Of an array of `column.dtype`, and a violation for each broken rule:
        where there is one, the array is not to be used.
    """
    if values.dtype.kind == "M" and column.kind == "datetime":
        native: np.ndarray | None = values.astype(column.dtype)
        rules = _moment_rules(column, values, aware=aware)
    else:
        native = _native(column, values)
        rules = iter(()) if native is None else _rules(column, native)
    if native is not None:
        broken = {rule: np.flatnonzero(breaks) for rule, breaks in rules}
        broken = {rule: rows for rule, rows in broken.items() if len(rows)}
        zone = "+00:00" if aware else ""
        return native, [
            _violation(column, rule, rows, values, zone) for rule, rows in broken.items()
        ]
    items = [plain(value, column) for value in values]
    by_row = np.array([broken_rule(column, item) or "" for item in items], dtype=object)
    rules_broken = [rule for rule in dict.fromkeys(by_row) if rule]
    if not rules_broken:
        return as_array(column, items), []
    found = np.fromiter(items, dtype=object, count=len(items))
    return found, [
        _violation(column, rule, np.flatnonzero(by_row == rule), found) for rule in rules_broken
    ]


def as_array(column: Column, items: Sequence[Any]) -> np.ndarray:
    """Return plain values that break no rule as an array of the column's dtype."""
    if column.kind == "datetime" and column.tz:
        items = [None if item is None else in_utc(item).replace(tzinfo=None) for item in items]
    return np.array(items, dtype=column.dtype)


def _native(column: Column, values: np.ndarray) -> np.ndarray | None:
    """Return the whole column in its dtype where that loses nothing, else None."""
    found = values.dtype.kind
    if column.kind in ("string", "boolean"):
        return _objects(column, values)
    # A longer float loses digits.
    if column.kind == "datetime" or found not in "iuf" or values.dtype.itemsize > 8:
        return None
    is_whole = found != "f"
    if column.kind == "number" and not is_whole:
        return values.astype("float64")
    # The limit is infinite to float16.
    with np.errstate(invalid="ignore", over="ignore"):
        is_exact = (values >= -LARGEST_EXACT) & (values <= LARGEST_EXACT)
        if not is_whole:
            is_exact = is_exact & (values % 1 == 0) | (np.isnan(values) & column.nullable)
    return values.astype(column.dtype) if is_exact.all() else None


def _objects(column: Column, values: np.ndarray) -> np.ndarray | None:
    """Return text or booleans as they are, with None for what is missing."""
    accepted = str if column.kind == "string" else bool
    if values.dtype.kind == "b" and accepted is bool:
        return values.astype(column.dtype)
    if values.dtype.kind in "UT" and accepted is str:
        values = values.astype(object)
    if values.dtype.kind != "O":
        return None
    items = values.tolist()
    # Built-in functions alone on what is usual: a column may have millions of values.
    if set(map(type, items)) - {accepted, type(None)}:
        items = [v if type(v) is accepted else plain(v, column) for v in items]
        if set(map(type, items)) - {accepted, type(None)}:
            return None
    if accepted is bool and not column.nullable and None in items:
        return None
    return np.array(items, dtype=column.dtype)


def _rules(column: Column, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each rule with the rows that break it, for values of the right dtype."""
    is_missing = missing(values)
    if not column.nullable:
        yield MISSING, is_missing
    if column.kind == "string":
        yield NOT_TEXT, _not_text(values)
    if column.allowed is not None:
        allowed = set(column.allowed)
        is_other = np.array([v not in allowed for v in values.tolist()], dtype=bool)
        yield column.allowed_rule, is_other & ~is_missing
    if column.kind == "number":
        yield NOT_FINITE, np.isinf(values)
    for bound, limit in column.bounds.items():
        yield column.bound_rule(bound), ~COMPARISONS[bound][0](values, limit) & ~is_missing


def _not_text(values: np.ndarray) -> np.ndarray:
    texts = values.tolist()
    if is_text("".join(filter(None, texts))):
        return np.zeros(len(texts), dtype=bool)
    return np.array([not (text is None or is_text(text)) for text in texts], dtype=bool)


def _moment_rules(
    column: Column, values: np.ndarray, *, aware: bool
) -> Iterator[tuple[str, np.ndarray]]:
    is_missing = np.isnat(values)
    if not column.nullable:
        yield MISSING, is_missing
    micros = values.astype(column.dtype)
    is_finer = (micros != values) & ~is_missing
    yield TOO_FINE, is_finer
    # Too large a number of a longer unit wraps around.
    is_far = (micros < _FIRST) | (micros > _LAST) | (micros.astype(values.dtype) != values)
    is_far &= ~is_finer & ~is_missing
    yield OUT_OF_RANGE, is_far
    if aware != bool(column.tz):
        yield column.type_rule, ~is_missing & ~is_finer & ~is_far


def missing(values: np.ndarray) -> np.ndarray:
    """Return which values of a checked column are missing."""
    itself = np.array(None) if values.dtype.kind == "O" else values
    # NaN and NaT are unlike themselves.
    found: np.ndarray = values == itself if values.dtype.kind == "O" else values != itself
    return found


def _violation(
    column: Column, rule: str, rows: np.ndarray, values: np.ndarray, zone: str = ""
) -> Violation:
    first = rows[:N_SHOWN]
    is_shown = not column.pii and rule != MISSING
    items = values[first]
    if values.dtype.kind == "M":
        # Nanoseconds would become numbers.
        items = np.char.add(items.astype(str), zone)
    return Violation(
        column=column.name,
        rule=rule,
        count=len(rows),
        rows=tuple(int(row) for row in first),
        found=tuple(shown(item) for item in items.tolist()) if is_shown else (),
    )
