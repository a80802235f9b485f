"""Choosing among values: filling, selecting, looking up, cutting."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.ml.v5 as ml
import spox.opset.ai.onnx.v20 as op
from spox import Var

from mlkit.core.rows import NO_TEXT
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.values import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    TIMES,
    Table,
    Value,
    any_of,
    as_condition,
    cast,
    const,
    const_axes,
    constant,
    is_missing,
    is_scalar,
    lifted,
    promoted,
    sum_of_row,
    text_array,
    where,
)


def fillna(value: Value, other: Any) -> Value:
    """Put `other` where a value is missing."""
    if not value.can_miss:
        return value
    filling = lifted(other, value)
    if value.dtype == "boolean":
        filling = cast(filling, "boolean") if filling.dtype == "bool" else filling
    elif value.dtype in NUMBERS and filling.dtype in NUMBERS:
        filling = cast(filling, value.dtype)
    filled = where(is_missing(value), filling, value)
    if filling.can_miss:
        return filled
    is_text = value.dtype == "str" and isinstance(other, str)
    origin = (value, partial(_with_missing_as, other)) if is_text else None
    return Value(dtype=filled.dtype, var=filled.var, tz=filled.tz, origin=origin)


def _with_missing_as(text: str, table: Table) -> Table:
    rest = {key: entry for key, entry in table.items() if key != NO_TEXT}
    return {**rest, NO_TEXT: table[text]} if text in table else rest


def select(cond: Value, left: Any, right: Any) -> Value:
    """Return what np.where gives: `left` where the condition holds, else `right`."""
    flag = as_condition(cond)
    if isinstance(left, Value) != isinstance(right, Value):
        left, right = (_beside(*pair) for pair in ((left, right), (right, left)))
    values = [side if isinstance(side, Value) else _scalar(side) for side in (left, right)]
    if any(side.dtype == "boolean" for side in values):
        raise Untraceable(
            "np.where of nullable booleans", "Cast them: .fillna(False).astype(bool)."
        )
    return where(flag, *_alike(*values))


def _beside(side: Any, other: Any) -> Any:
    """Return a number in the dtype that it has beside a column of numbers."""
    is_weak = type(side) in (int, float) and isinstance(other, Value) and other.dtype in NUMBERS
    return lifted(side, other) if is_weak else side


def keep(value: Value, cond: Value, other: Any = np.nan, *, inverted: bool = False) -> Value:
    """Return what Series.where gives, or Series.mask: `other` where the condition fails."""
    flag = op.not_(as_condition(cond)) if inverted else as_condition(cond)
    if value.dtype == "boolean":
        raise Untraceable("where of nullable booleans", "Fill what is missing: .fillna(False).")
    filling = lifted(None if other is pd.NaT and value.dtype in TIMES else other, value)
    if value.dtype in ("bool", *INTEGERS) and filling.can_miss and filling.dtype == "float64":
        value = cast(value, "float64")
    return where(flag, *_alike(value, filling))


def _scalar(value: Any) -> Value:
    if not is_scalar(value):
        raise Untraceable(
            f"a choice of a {type(value).__name__}", "Choose between columns and single values."
        )
    return constant(value)


def _alike(left: Value, right: Value) -> tuple[Value, Value]:
    """Return two values in the dtype that holds both."""
    if left.dtype == right.dtype:
        return left, right
    if left.dtype in NUMBERS and right.dtype in NUMBERS:
        return promoted(left, right)
    # A lone missing value fits text and times in pandas, and numpy writes 'nan' for it in text.
    raise Untraceable(
        f"a choice between {left.dtype} and {right.dtype}", "Make both sides of one kind."
    )


def isin(value: Value, items: Iterable[Any]) -> Value:
    """Return which values are among the items."""
    items = list(items)
    if value.dtype == "str":
        texts = [item for item in items if isinstance(item, str)]
        flag = looked_up(value, dict.fromkeys(texts, True), default=False)
    elif value.dtype in (*FLOATS, *INTEGERS, "bool"):
        numbers = [item for item in items if not isinstance(item, str) and not pd.isna(item)]
        is_exact = value.dtype in INTEGERS and all(_is_whole(number) for number in numbers)
        dtype = "int64" if is_exact else "float64"
        flag = _found_among(cast(value, dtype).var, numbers, dtype)
    else:
        raise Untraceable(f"isin of {value.dtype}", "Compare with == and join with |.")
    missing = [item for item in items if not isinstance(item, str) and pd.isna(item)]
    # Among floats pandas finds a missing one only by NaN.
    if value.can_miss and any(value.dtype == "str" or isinstance(m, float) for m in missing):
        flag = op.or_(flag, is_missing(value))
    return Value(dtype="bool", var=flag)


def _is_whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and abs(int(number)) < 2**63


def _found_among(var: Var, numbers: Sequence[Any], dtype: str) -> Var:
    if not numbers:
        return op.not_(op.equal(var, var)) if dtype == "int64" else op.less(var, var)
    hits = op.equal(var, const(np.array([numbers], dtype=dtype)))
    counted = op.reduce_max(op.cast(hits, to=np.int32), const_axes(), keepdims=1)
    return op.cast(counted, to=np.bool_)


def lookup_text(var: Var, table: Table, *, default: Any) -> Var:
    """Return each text's entry of a table, as str, float64, int64 or bool by its default."""
    kind = type(default)
    dtype: Any = {bool: "int64", int: "int64", float: "float64", str: "str"}[kind]
    keys, values = list(table), list(table.values())
    if not keys:
        # A key that no text has: LabelEncoder wants one.
        keys, values = ["\ufdef"], [default]
    found = _lookup(var, text_array(keys), _array([*values, default], dtype))
    return op.cast(found, to=np.bool_) if kind is bool else found


def _lookup(var: Var, keys: np.ndarray, values: np.ndarray) -> Var:
    """Return each key's value; the last value is that of any other."""
    return ml.label_encoder(
        var, keys_tensor=keys, values_tensor=values[:-1], default_tensor=values[-1:]
    )


def _array(values: Sequence[Any], dtype: str) -> np.ndarray:
    return text_array(values) if dtype == "str" else np.array(values, dtype=dtype)


def looked_up(value: Value, table: Table, *, default: Any) -> Var:
    """Return each text's entry of a table, from the first text that it was made from."""
    value, table = traced_back(value, table)
    return lookup_text(value.var, table, default=default)


def traced_back(value: Value, table: Table) -> tuple[Value, Table]:
    """Return the first text that one was made from, and the table of that text's entries."""
    while value.origin is not None:
        before, turned = value.origin
        wider = turned(table)
        if wider is None:
            break
        value, table = before, wider
    return value, table


def mapped(value: Value, table: Any) -> Value:
    """Return each value's entry of a dict or Series; missing where there is none."""
    table = _as_dict(table)
    missing_entry = next((v for k, v in table.items() if _is_missing_scalar(k)), None)
    entries = {k: v for k, v in table.items() if not _is_missing_scalar(k)}
    kind = _kind_of(entries.values(), missing_entry)
    if value.dtype not in ("str", *FLOATS, *INTEGERS, "bool"):
        raise Untraceable(f"map of {value.dtype}", "Map text or numbers.")
    is_text = value.dtype == "str"
    entries = {k: v for k, v in entries.items() if isinstance(k, str) == is_text}
    if any(isinstance(k, (bool, np.bool_)) != (value.dtype == "bool") for k in entries):
        raise Untraceable(
            f"map of {value.dtype} by keys of another kind",
            "Booleans want True and False as keys, numbers want numbers.",
        )
    found = _entries(value, entries, kind)
    if missing_entry is not None and not _is_missing_scalar(missing_entry) and value.can_miss:
        entry = constant(missing_entry if kind is str else float(missing_entry))
        found = where(is_missing(value), entry, found)
    return found


def _as_dict(table: Any) -> dict[Any, Any]:
    if isinstance(table, pd.Series):
        if not table.index.is_unique:
            raise Untraceable("map of a Series with an index that repeats", "Make it unique.")
        return dict(zip(table.index.tolist(), table.tolist(), strict=True))
    if type(table) is dict:
        return table
    raise Untraceable(
        f"map of a {type(table).__name__}",
        "Map a dict or a Series; a function becomes numpy or pandas operations on the column.",
    )


def _is_missing_scalar(value: Any) -> bool:
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and value != value)
    )


def _kind_of(entries: Iterable[Any], missing_entry: Any) -> type:
    present = [v for v in [*entries, missing_entry] if not _is_missing_scalar(v)]
    if all(isinstance(v, str) for v in present) and present:
        return str
    if all(isinstance(v, (bool, int, float, np.bool_, np.number)) for v in present):
        return float
    raise Untraceable("map to values of several kinds", "Map to numbers only, or to text only.")


def _entries(value: Value, entries: Mapping[Any, Any], kind: type) -> Value:
    default: Any = NO_TEXT if kind is str else np.nan
    dtype = "str" if kind is str else "float64"
    table = {k: default if _is_missing_scalar(v) else kind(v) for k, v in entries.items()}
    if value.dtype == "str":
        var = looked_up(value, table, default=default)
    else:
        if any(2**53 <= abs(key) < np.inf for key in table):
            raise Untraceable("map of whole numbers beyond 2**53", "Compare with ==, one by one.")
        # LabelEncoder wants a key.
        table = table or {np.inf: default}
        keys, values = np.array(list(table), dtype="float64"), [*table.values(), default]
        var = _lookup(cast(value, "float64").var, keys, _array(values, dtype))
    return Value(dtype=dtype, var=var, can_miss=True)


def replaced(value: Value, table: Mapping[Any, Any]) -> Value:
    """Return each value's entry of a table; values without one stay."""
    result = value
    for old, new in table.items():
        if _is_missing_scalar(old):
            flag = is_missing(value)
        else:
            item = constant(old) if isinstance(old, (bool, np.bool_)) else lifted(old, value)
            if value.dtype == "str" and item.dtype == "str":
                flag = op.equal(value.var, item.var)
            elif {value.dtype, item.dtype} <= {*FLOATS, *INTEGERS}:
                flag = op.equal(*(side.var for side in promoted(value, item)))
            else:
                raise Untraceable(
                    f"replace of {old!r} in {value.dtype}", "Replace values of the column's kind."
                )
        filling = lifted(new, result)
        if result.dtype in NUMBERS and filling.dtype in NUMBERS:
            result = where(flag, *reversed(promoted(result, filling)))
        else:
            result = where(flag, filling, result)
    return result


def cut(
    value: Value,
    bins: Sequence[float],
    labels: Any = None,
    *,
    right: bool = True,
    include_lowest: bool = False,
) -> Value:
    """Return what pd.cut gives with fixed bins: the bin's label, or its number."""
    if labels is None:
        raise Untraceable(
            "pd.cut without labels", "Name the bins, or say labels=False for their numbers."
        )
    if value.dtype not in (*FLOATS, *INTEGERS, "bool"):
        raise Untraceable(f"pd.cut of {value.dtype}", "Cut numbers.")
    edges = np.asarray(bins)
    is_exact = value.dtype in INTEGERS and edges.dtype.kind == "i"
    edges = edges.astype("int64" if is_exact else "float64")
    number = cast(value, edges.dtype.name).var
    is_above = op.greater if right else op.greater_or_equal
    above = op.cast(is_above(number, const(edges[None, :])), to=np.int64)
    place = op.sub(sum_of_row(above), const(1, "int64"))
    if right and include_lowest:
        place = op.where(op.equal(number, const(edges[0])), const(0, "int64"), place)
    outside = any_of(
        op.less(place, const(0, "int64")),
        op.greater_or_equal(place, const(len(edges) - 1, "int64")),
        op.isnan(number) if value.dtype in FLOATS else None,
    )
    names = range(len(edges) - 1) if labels is False else list(labels)
    table = dict(enumerate(names))
    safe = op.where(outside, const(-1, "int64"), place) if outside is not None else place
    return mapped(Value(dtype="int64", var=safe), table)
