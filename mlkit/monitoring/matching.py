"""Find rows of one table in another by their keys, exactly, and in little memory."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def matches(table: pa.Table, labels: pa.Table, by: Sequence[str]) -> np.ndarray:
    """Return the place of each row's label (n_rows,); of several, the last; -1 without one.

    Parameters
    ----------
    table
        A missing value in it is like no other, and so is a column that is absent, or of
        another kind.
    labels
        What is looked in; no key is missing.
    by
        The columns that are equal in a row and its label.
    """
    nowhere = np.full(len(table), -1, dtype="int64")
    if not len(labels):
        return nowhere
    # Each combination of the labels' values gets a number; a row's is -1 once it has none.
    asked, known = np.zeros(len(table), dtype="int64"), np.zeros(len(labels), dtype="int64")
    for name in by:
        pair = _alike(table[name], labels[name]) if name in table.column_names else None
        if pair is None:
            return nowhere
        values = pc.unique(pair[1])
        found, given = (_places(each, values) for each in pair)
        wanted = np.where((asked < 0) | (found < 0), -1, asked * len(values) + found)
        numbers, known = np.unique(known * len(values) + given, return_inverse=True)
        asked = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
        asked[numbers[asked] != wanted] = -1
    last = np.zeros(known.max() + 1, dtype="int64")
    np.maximum.at(last, known, np.arange(len(labels)))
    return np.where(asked < 0, -1, last[asked])


def _places(values: pa.ChunkedArray, among: pa.Array) -> np.ndarray:
    places = pc.index_in(values, value_set=among)
    found: np.ndarray = pc.fill_null(places, -1).to_numpy().astype("int64")
    return found


def _alike(
    one: pa.ChunkedArray, other: pa.ChunkedArray
) -> tuple[pa.ChunkedArray, pa.ChunkedArray] | None:
    """Return two columns in one type, in which equal values are equal; None if there is none."""
    kinds = pa.types
    both = (one.type, other.type)
    if all(map(kinds.is_timestamp, both)) and (one.type.tz is None) == (other.type.tz is None):
        common = pa.timestamp("us", tz=one.type.tz and "UTC")
        return one.cast(common), other.cast(common)
    if all(kinds.is_string(each) or kinds.is_large_string(each) for each in both):
        return one.cast(pa.large_string()), other.cast(pa.large_string())
    if all(map(kinds.is_boolean, both)):
        return one, other
    if all(map(kinds.is_integer, both)):
        return one.cast(pa.int64()), other.cast(pa.int64())
    if all(kinds.is_integer(each) or kinds.is_floating(each) for each in both):
        # That makes 0.0 of -0.0, which is looked up as another number.
        zero = pa.scalar(0.0)
        return tuple(pc.add(each.cast(zero.type, safe=False), zero) for each in (one, other))
    return None
