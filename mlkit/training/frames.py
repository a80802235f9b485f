"""Say what a frame must hold, and refuse any other.

Raw frames stop here: every later stage may trust names, order and types.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from mlkit.core.arrays import missing
from mlkit.core.column import Column
from mlkit.core.errors import DataError
from mlkit.core.rows import check_table
from mlkit.core.schema import Schema

#: pandas 3 has a string dtype of its own; before it, strings are objects with NaN.
STRING = "str" if int(pd.__version__.split(".")[0]) >= 3 else "object"


def validate(schema: type[Schema], frame: pd.DataFrame, *, outcomes: bool = True) -> pd.DataFrame:
    """Return `frame` as the schema says; see `Schema.validate`."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{schema.__name__} validates a pandas DataFrame, got {type(frame)}.")

    # To pandas, the first level of a name is in the frame too.
    names = set(frame)

    def series(column: Column, values: np.ndarray) -> pd.Series:
        if column.kind == "string" and column.name in names:
            found = frame[column.name]
            if isinstance(found.dtype, pd.StringDtype):
                # To make such text of the values again takes a fifth of the whole time.
                return _strings(found)
        return as_series(column, values, frame.index)

    columns = check_table(schema, frame, outcomes=outcomes, keep=series)
    return pd.DataFrame(columns, index=frame.index)


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


def as_table(frame: pd.DataFrame) -> pa.Table:
    """Return a frame without its index as an Arrow table; moments in a zone are in UTC."""
    zoned = [str(name) for name in frame if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]
    # PyArrow would take these in a way that pandas 3.1 warns of.
    naive = frame.assign(**{name: frame[name].dt.tz_convert(None) for name in zoned})
    table = pa.Table.from_pandas(naive, preserve_index=False)
    for name in zoned:
        kind = pa.timestamp(table.schema.field(name).type.unit, tz="UTC")
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(kind))
    return table


def plain_columns(schema: type[Schema]) -> list[Column]:
    """Return the columns that are known before, but for keys and personal data."""
    return [
        column
        for column in schema.columns.values()
        if column.known_before and column.role != "key" and not column.pii
    ]


def fingerprints(frame: pd.DataFrame) -> np.ndarray:
    """Return a fingerprint (uint64) of each row of a validated frame, whatever its index."""
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def digest(prints: np.ndarray) -> str:
    """Return the SHA-256 of fingerprints, whatever their order."""
    return hashlib.sha256(np.sort(prints).astype("<u8").tobytes()).hexdigest()


def no_rows() -> np.ndarray:
    """Return the fingerprints of no rows."""
    return np.empty(0, dtype="uint64")


def spread_evenly(n_rows: int, most: int) -> np.ndarray:
    """Return the positions of at most so many rows, their first and last among them."""
    places: np.ndarray = np.unique(np.linspace(0, n_rows - 1, most).astype("int64"))
    return places


def _strings(found: pd.Series) -> pd.Series:
    if STRING == "str":
        return found.astype("str")
    return pd.Series(found.astype(object).where(found.notna(), np.nan))
