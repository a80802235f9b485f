"""Tell in what form somebody asks for predictions, and what to give instead."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any


def is_columns(data: Mapping[Any, Any]) -> bool:
    """Whether a mapping is a table, no record: none of its values is text, a number, or nothing."""
    for value in data.values():
        if isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
            return False
        if getattr(value, "ndim", 1) == 0:
            return False
    return bool(data)


def is_frame(data: Any) -> bool:
    """Whether it is a pandas DataFrame, without importing pandas: whoever has one has done so."""
    return isinstance(data, getattr(sys.modules.get("pandas"), "DataFrame", ()))


def type_name(data: Any) -> str:
    """Return the type's name, with its package: more than one has a DataFrame."""
    package = type(data).__module__.split(".")[0]
    name = type(data).__name__
    return name if package == "builtins" else f"{package}.{name}"


def advice(data: Any) -> str:
    """Say how to make a record, records or a table of what is none of these."""
    if hasattr(data, "to_pandas"):
        return " Give its to_pandas()."
    if hasattr(data, "to_dict"):
        return " Give its to_dict()."
    if getattr(getattr(data, "dtype", None), "names", None):
        return " Give {name: array[name] for name in array.dtype.names}."
    return " Give a list of what it yields." if isinstance(data, Iterator) else ""
