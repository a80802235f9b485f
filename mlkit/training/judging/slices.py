"""Slices: parts of the rows on which a model is judged apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlkit.core.column import Column
from mlkit.core.errors import ConfigError
from mlkit.core.schema import Schema, check_name

#: Numbers are cut at as many quantiles, less one.
N_BINS = 4
#: Values of a text column that are slices of their own, the most frequent ones.
MOST_VALUES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Some of the rows, by a name such as `origin=JFK`."""

    name: str
    column: str
    rows: np.ndarray


def slices(
    frame: pd.DataFrame, schema: type[Schema], names: Sequence[str], *, least: int
) -> list[Slice]:
    """Cut validated rows by each of the columns.

    Text, booleans and numbers of few values give a slice for each value, other
    numbers one for each quarter of the rows, datetimes one for each month; what
    is missing is a slice too.

    Parameters
    ----------
    frame
        Validated rows of `schema`.
    schema
        Names the columns.
    names
        Columns to cut by.
    least
        Rows that a slice must have; smaller ones are left out.

    Raises
    ------
    ConfigError
        If there is no such column, or it holds personal data.
    """
    found = []
    for name in names:
        check_name(schema, name)
        if schema.columns[name].pii:
            raise ConfigError(f"Slices by {name} would show personal data. Choose another column.")
        cut = _slices(schema.columns[name], frame[name])
        found += [each for each in cut if len(each.rows) >= least]
    return found


def _slices(column: Column, values: pd.Series) -> Iterator[Slice]:
    labels = _labels(column, values)
    counts = labels.value_counts().sort_index()
    most = counts.nlargest(MOST_VALUES).index
    for label in counts.index[counts.index.isin(most)]:
        rows = np.flatnonzero(labels == label)
        yield Slice(name=f"{column.name}={label}", column=column.name, rows=rows)
    is_missing = values.isna().to_numpy()
    if is_missing.any():
        rows = np.flatnonzero(is_missing)
        yield Slice(name=f"{column.name} is missing", column=column.name, rows=rows)


def _labels(column: Column, values: pd.Series) -> pd.Series:
    """Return the slice that each value is in, missing where it is."""
    if column.kind == "datetime":
        local = values.dt.tz_localize(None) if column.tz else values
        return pd.Series(local.dt.strftime("%Y-%m"))
    if column.kind in ("number", "integer") and values.nunique() > MOST_VALUES:
        return pd.Series(pd.qcut(values, N_BINS, duplicates="drop", precision=4))
    return values
