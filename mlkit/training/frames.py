"""Say what a frame must hold, and refuse any other.

Raw frames stop here: every later stage may trust names, order and types.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mlkit.core.arrays import check_array, missing
from mlkit.core.column import Column
from mlkit.core.errors import DataError, Violation, listed
from mlkit.core.rows import absent, faults, read_array
from mlkit.core.schema import Schema

#: pandas 3 has a string dtype of its own; before it, strings are objects with NaN.
STRING = "str" if int(pd.__version__.split(".")[0]) >= 3 else "object"


def validate(schema: type[Schema], frame: pd.DataFrame, *, outcomes: bool = True) -> pd.DataFrame:
    """Return `frame` as the schema says; see `Schema.validate`."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{schema.__name__} validates a pandas DataFrame, got {type(frame)}.")
    doubled = frame.columns[frame.columns.duplicated()].unique()
    if len(doubled):
        raise DataError(f"The frame has more than one column {listed(doubled)}. Keep one of each.")
    violations: list[Violation] = []
    validated: dict[str, pd.Series] = {}
    for column in schema.columns.values():
        if not outcomes and not column.known_before:
            continue
        if column.name in frame:
            validated[column.name], broken = _check(column, frame[column.name])
        else:
            values, broken = absent(column, len(frame))
            validated[column.name] = as_series(column, values, frame.index)
        violations += broken
    if violations:
        raise DataError(faults(schema, list(frame.columns), violations), violations)
    return pd.DataFrame(validated, index=frame.index)


def from_columns(schema: type[Schema], columns: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return checked columns as the frame that validation would return."""
    return pd.DataFrame(
        {name: as_series(schema.columns[name], values) for name, values in columns.items()}
    )


def as_series(column: Column, values: np.ndarray, index: pd.Index | None = None) -> pd.Series:
    """Return a checked column as pandas holds it; see `Schema.validate`."""
    if column.kind == "string":
        return _strings(pd.Series(values, index=index, dtype=object))
    if column.kind == "boolean" and column.nullable:
        mask = missing(values)
        flags = np.where(mask, 0, values).astype(bool)
        return pd.Series(pd.arrays.BooleanArray(flags, mask), index=index)
    series = pd.Series(values, index=index)
    return series.dt.tz_localize("UTC").dt.tz_convert(column.tz) if column.tz else series


def fingerprints(frame: pd.DataFrame) -> np.ndarray:
    """Return a fingerprint (uint64) of each row of a validated frame, whatever its index."""
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def _check(column: Column, found: pd.Series) -> tuple[pd.Series, list[Violation]]:
    if isinstance(found.dtype, pd.CategoricalDtype):
        found = found.astype(object if found.hasnans else found.cat.categories.dtype)
    values, aware = read_array(found)
    checked, broken = check_array(column, values, aware=aware)
    if broken:
        return found, broken
    if column.kind == "string" and isinstance(found.dtype, pd.StringDtype):
        return _strings(found), broken
    return as_series(column, checked, found.index), broken


def _strings(found: pd.Series) -> pd.Series:
    if STRING == "str":
        return found.astype("str")
    return pd.Series(found.astype(object).where(found.notna(), np.nan))
