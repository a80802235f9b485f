"""What `Series.astype` gives, of the dtypes that compile."""

from typing import Any

import numpy as np

from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.standins import ADVICE
from mlkit.training.compilation.values import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    TIMES,
    Value,
    cast,
)
from mlkit.training.frames import STRING


def as_dtype(value: Value, dtype: Any) -> Value:
    """Return a value in another dtype."""
    name = _name(dtype)
    if value.dtype == "str" and name in ("category", "object", "str"):
        if name == "str" and value.can_miss and STRING != "str":
            raise Untraceable("astype(str) of missing text", "Fill it first: .fillna('').")
        return value
    if name in (value.dtype, "category", "object"):
        return value
    may_miss = value.can_miss and not value.overflows
    if name in INTEGERS and may_miss and value.dtype in (*FLOATS, "boolean"):
        raise Untraceable(
            f"astype({name}) of numbers that may be missing",
            "Fill them first: pandas cannot hold a missing whole number in it.",
        )
    if name == "bool" and may_miss and value.dtype == "boolean":
        raise Untraceable("astype(bool) of booleans that may be missing", "Fill them first.")
    if name in (*NUMBERS, "boolean") and value.dtype in (*NUMBERS, "boolean"):
        return cast(value, name)
    if name == "int64" and value.dtype in TIMES and not value.can_miss:
        return Value(dtype="int64", var=value.var)
    raise Untraceable(f"astype({name}) of {value.dtype}", ADVICE["astype"])


def _name(dtype: Any) -> str | None:
    """Return what a dtype is called here, however it is said."""
    if isinstance(dtype, type):
        builtin = {int: "int64", float: "float64", bool: "bool", str: "str", object: "object"}
        return builtin.get(dtype) or np.dtype(dtype).name
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    return {"int": "int64", "float": "float64", "string": "str"}.get(name or "", name)
