"""What a column is while it is traced: a variable of the graph, with pandas' dtype.

Every variable has the shape (n_rows, 1). How missing values are held is said by
`Value`; that numpy and pandas promote dtypes as they do, by `promoted`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from spox import Var

from mlkit.core.rows import NO_INTEGER, NO_TEXT
from mlkit.training.compilation.errors import Untraceable

FLOATS = ("float64", "float32")
INTEGERS = ("int64", "int32")
NUMBERS = (*FLOATS, *INTEGERS, "bool")
TIMES = ("datetime", "timedelta")


Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A column of the graph.

    Attributes
    ----------
    dtype
        float64, float32, int64, int32, bool, boolean (which may be missing),
        str, datetime or timedelta (both in µs, int64 to the graph).
    var
        Its variable, of shape (n_rows, 1) or, for a constant, (1, 1). A missing
        float is NaN, a missing text `NO_TEXT`, a missing time `NO_INTEGER`, a
        missing boolean False.
    can_miss
        Whether a value may be missing at all.
    missing
        Which values of a boolean are missing.
    tz
        Time zone of a datetime, which is held in UTC.
    source
        Name of the column that it is, if nothing was done to it.
    scalar
        The number that it is, for a constant.
    low
        What a number is at least, where the schema says so.
    overflows
        Whether a float that may be missing is so only where a number grew
        beyond all bounds on the way to it.
    wide
        The same whole numbers as int64, of an int32 that was made from them.
    origin
        The text that this was made from, and what turns a table of this one's
        entries into a table of that one's, or into None where it grew too long.
    """

    dtype: str
    var: Var
    can_miss: bool = False
    missing: Var | None = None
    tz: str | None = None
    source: str | None = None
    scalar: float | None = None
    low: float | None = None
    overflows: bool = False
    wide: Var | None = None
    origin: "tuple[Value, Callable[[Table], Table | None]] | None" = None

    @property
    def is_finite(self) -> bool:
        """Whether a number, where it is there, is known to be finite."""
        if self.scalar is not None:
            return bool(np.isfinite(self.scalar))
        return self.dtype not in FLOATS or self.source is not None

    def of_same_kind(self, var: Var) -> "Value":
        """Return what a function gives that loses no value and finds none."""
        return replace(self, var=var, source=None, scalar=None, low=None, wide=None, origin=None)


def const(value: Any, dtype: Any = None) -> Var:
    """Return a constant of shape (1, 1), or as it is where it has dimensions."""
    array = np.asarray(value, dtype=dtype)
    shape = array.shape or (1, 1)
    if array.nbytes > 100:
        return op.const(array.reshape(shape))
    return _const(array.tobytes(), array.dtype.str, shape)


@lru_cache(1000)
def _const(data: bytes, dtype: str, shape: tuple[int, ...]) -> Var:
    # A third of the time to compile went into the same few constants.
    return op.const(np.frombuffer(data, dtype).reshape(shape))


def const_axes() -> Var:
    """Return the axis of columns, as reductions take it."""
    return op.const(np.array([1], dtype="int64"))


def sum_of_row(var: Var) -> Var:
    """Return the sum of each row (n_rows, 1)."""
    return op.reduce_sum(var, const_axes(), keepdims=1)


def text_array(values: Iterable[str]) -> np.ndarray:
    """Return texts as constants of a graph, none of which may end in NUL."""
    values = list(values)
    if any(value.endswith("\0") for value in values):
        raise Untraceable("a text that ends in NUL", "Take it off: a graph would lose it.")
    return np.array(values, dtype="str")


def is_scalar(value: Any) -> bool:
    """Whether a value is one that pandas would spread over a column."""
    return value is pd.NaT or value is pd.NA or pd.api.types.is_scalar(value)


def constant(value: Any) -> Value:
    """Return a scalar as a value, in the dtype that pandas would give it."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return Value(dtype="float64", var=const(np.nan, "float64"), can_miss=True)
    if isinstance(value, (bool, np.bool_)):
        return Value(dtype="bool", var=const(value, bool))
    if isinstance(value, str):
        return Value(dtype="str", var=const(text_array([value])[:, None]))
    if isinstance(value, (date, np.datetime64, pd.Timestamp)):
        return _moment(value)
    if isinstance(value, (timedelta, np.timedelta64, pd.Timedelta)):
        span: Any = pd.Timedelta(value)
        micros = NO_INTEGER if span is pd.NaT else _micros(span)
        return Value(
            dtype="timedelta", var=const(micros, "int64"), can_miss=span is pd.NaT, scalar=micros
        )
    if value is pd.NaT:
        return Value(dtype="datetime", var=const(NO_INTEGER, "int64"), can_miss=True)
    if isinstance(value, pd.offsets.BaseOffset):
        raise Untraceable(
            f"the constant {value!r}",
            "Take a span of one length, as pd.Timedelta(days=30): months and years have many.",
        )
    value = np.asarray(value)
    dtype = value.dtype.name
    if dtype not in (*FLOATS, *INTEGERS):
        raise Untraceable(f"the constant {value!r}", "Use numbers, text, booleans or times.")
    return Value(dtype=dtype, var=const(value, dtype), scalar=value.item())


def _moment(value: Any) -> Value:
    moment: Any = pd.Timestamp(value)
    if moment is pd.NaT:
        return Value(dtype="datetime", var=const(NO_INTEGER, "int64"), can_miss=True)
    tz = None if moment.tz is None else str(moment.tz)
    naive = moment if tz is None else moment.tz_convert("UTC").tz_localize(None)
    return Value(dtype="datetime", var=const(_micros(naive), "int64"), tz=tz)


def _micros(value: Any) -> int:
    exact = value.as_unit("us")
    if exact != value:
        raise Untraceable(f"the constant {value!r}", "Times are held in microseconds.")
    return int(exact.asm8.astype("int64"))


def lifted(other: Any, like: Value) -> Value:
    """Return the other side of an operation: a value as it is, a scalar in a fitting dtype."""
    if isinstance(other, Value):
        return other
    if not is_scalar(other):
        raise Untraceable(
            f"an operation with a {type(other).__name__}",
            "Only columns and single values stand beside a column.",
        )
    if like.dtype == "datetime" and isinstance(other, str):
        # pandas reads text beside datetimes as a moment, in their time zone.
        moment = pd.Timestamp(other)
        return _moment(moment.tz_localize(like.tz) if like.tz and moment.tz is None else moment)
    if like.dtype in NUMBERS and type(other) in (int, float) and other == other:
        # Python's numbers are weak (NEP 50): the column's dtype decides.
        dtype = np.result_type(np.empty(0, like.dtype), other).name
        return Value(dtype=dtype, var=const(other, dtype), scalar=other)
    if like.dtype in TIMES and other is not pd.NaT and pd.isna(other):
        return Value(dtype=like.dtype, var=const(NO_INTEGER, "int64"), can_miss=True, tz=like.tz)
    if like.dtype == "str" and pd.isna(other):
        return Value(dtype="str", var=const(NO_TEXT), can_miss=True)
    return constant(other)


def is_missing(value: Value) -> Var:
    """Return which values are missing, as bool."""
    if value.dtype == "boolean" and value.missing is not None:
        return value.missing
    if not value.can_miss or value.dtype == "boolean":
        # As wide as the value, though always False.
        return op.not_(op.equal(value.var, value.var))
    if value.dtype in FLOATS:
        return op.isnan(value.var)
    return op.equal(value.var, const(NO_TEXT if value.dtype == "str" else NO_INTEGER))


def or_missing(value: Value, found: Value) -> Value:
    """Return what was found, as floats with NaN where the value is missing."""
    if not value.can_miss:
        return found
    nan = Value(dtype="float64", var=const(np.nan), can_miss=True)
    return where(is_missing(value), nan, cast(found, "float64"))


def promoted(left: Value, right: Value, *, at_least: str | None = None) -> tuple[Value, Value]:
    """Return two numbers in the dtype that numpy computes them in."""
    dtypes = [left.dtype, right.dtype, *([at_least] if at_least else [])]
    common = np.result_type(*dtypes).name
    return cast(left, common), cast(right, common)


def cast(value: Value, dtype: str) -> Value:
    """Return a number in another dtype, truncating floats as numpy does."""
    if value.dtype == dtype:
        return value
    if value.dtype == "boolean" and value.missing is None:
        return cast(replace(value, dtype="bool", source=None), dtype)
    if value.dtype == "boolean" and value.missing is not None and dtype in FLOATS:
        number = op.cast(value.var, to=np.dtype(dtype))
        number = op.where(value.missing, const(np.nan, dtype), number)
        return Value(dtype=dtype, var=number, can_miss=True)
    if dtype == "boolean" and value.dtype == "bool":
        return replace(value, dtype=dtype, source=None)
    if value.dtype not in NUMBERS or dtype not in NUMBERS:
        raise Untraceable(f"{value.dtype} as {dtype}", "Make both sides of one kind.")
    if dtype == "bool":
        zero = const(0, value.dtype)
        return Value(dtype="bool", var=op.not_(op.equal(value.var, zero)))
    if dtype == "int64" and value.wide is not None:
        return Value(dtype=dtype, var=value.wide)
    held = value.var if value.wide is None else value.wide
    var = op.cast(held, to=np.dtype(dtype))
    is_float = dtype in FLOATS
    return Value(
        dtype=dtype,
        var=var,
        can_miss=is_float and value.can_miss,
        overflows=is_float and value.overflows,
    )


def where(cond: Var, left: Value, right: Value) -> Value:
    """Return `left` where `cond`, else `right`; both of one dtype."""
    can_miss = left.can_miss or right.can_miss
    if left.dtype != right.dtype or left.tz != right.tz:
        sides = [side.dtype + f" in {side.tz}" * bool(side.tz) for side in (left, right)]
        raise Untraceable(
            f"a choice between {sides[0]} and {sides[1]}", "Make both sides of one kind."
        )
    if left.dtype in ("bool", "boolean"):
        var = choose(cond, left.var, right.var)
        if left.missing is None and right.missing is None:
            return Value(dtype=left.dtype, var=var)
        missing = choose(cond, is_missing(left), is_missing(right))
        return Value(dtype="boolean", var=var, can_miss=True, missing=missing)
    var = op.where(cond, left.var, right.var)
    overflows = can_miss and all(side.overflows or not side.can_miss for side in (left, right))
    return Value(dtype=left.dtype, var=var, can_miss=can_miss, tz=left.tz, overflows=overflows)


def choose(cond: Var, left: Var, right: Var) -> Var:
    """Return what `Where` would of booleans, for which ONNX Runtime has no kernel."""
    return op.or_(op.and_(cond, left), op.and_(op.not_(cond), right))


def any_of(*flags: Var | None) -> Var | None:
    """Return the disjunction of the flags that there are."""
    found = None
    for flag in flags:
        if flag is not None:
            found = flag if found is None else op.or_(found, flag)
    return found


def missing_or_none(value: Value) -> Var | None:
    """Return which values are missing, or None if none can be."""
    return is_missing(value) if value.can_miss else None


def as_condition(value: Value) -> Var:
    """Return a column of booleans as a condition."""
    if value.dtype != "bool" and not (value.dtype == "boolean" and value.missing is None):
        raise Untraceable(
            f"a condition of dtype {value.dtype}" + (", which may be missing" * value.can_miss),
            "Compare first, or fill what is missing: .fillna(False).",
        )
    return value.var
