"""Make rows that a schema allows and nobody has seen: the odd, the extreme, the boundary."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf, isfinite, nextafter
from typing import Any

import numpy as np

from mlkit.core.arrays import missing
from mlkit.core.column import LARGEST_EXACT, Column
from mlkit.core.records import broken_rule
from mlkit.core.rows import ColumnRows
from mlkit.core.schema import Schema

#: Share of values that are odd in half of the rows; in the others it is one value.
ODD = 0.3
_NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 0.5, 1e-9, -1e-300, 1e-300, 5e-324, 1e9, -1e9, 1e30, -1e30,
    float(LARGEST_EXACT), -float(LARGEST_EXACT),
)  # fmt: skip
_HUGE = (1e308, -1e308, 1e39, -1e39)
_INTEGERS = (0, 1, -1, 2**31 - 1, 2**31, -(2**31), LARGEST_EXACT, -LARGEST_EXACT)
_TEXTS = (
    "", " ", "unseen", "None", "nan", "NaN", "0", "-1", "ß", "ŉ", "İ", "ı", "é", "e\u0301", "ﬁ",
    "Ⅷ", "Ǆ", "ΟΔΟΣ", "a\0",
    "\u00a0x\u00a0", "\ttab\n", "a\0b", "漢字", "שלום", "👩‍🚀", "x" * 300, "'; --", "%s", "\\",
)  # fmt: skip
#: Leap days, changes of the clock, what 32 bits hold of seconds and 64 of nanoseconds, and
#: the ends of Python's datetimes, which are a schema's.
_MOMENTS = tuple(
    np.array(
        [
            "0001-01-01", "0002-01-01", "1582-10-15", "1600-02-29", "1677-09-21T00:12:43.145224",
            "1677-09-21T00:12:43.145225", "1899-12-31T23:59:59.999999", "1900-03-01",
            "1901-12-13T20:45:51", "1969-12-31T23:59:59.999999", "1970-01-01",
            "1999-12-31T23:59:59", "2000-02-29T12:00", "2013-03-10T02:30", "2013-03-31T01:00",
            "2013-11-03T01:30", "2016-12-31T23:59:59", "2023-02-28", "2024-02-29",
            "2024-12-31T23:59:59.999999", "2038-01-19T03:14:08", "2100-02-28T23:00",
            "2262-04-11T23:47:16.854775", "2262-04-11T23:47:16.854776",
            "9998-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999",
        ],
        dtype="datetime64[us]",
    )
)  # fmt: skip


def fuzzed(
    schema: type[Schema],
    rows: ColumnRows,
    n_rows: int,
    *,
    boundaries: Mapping[str, Iterable[float]],
    huge: bool = False,
    rng: np.random.Generator,
) -> ColumnRows:
    """Return rows that `schema` allows, some of their values real and some odd.

    The first half of them are odd in one column alone, so that nothing else
    hides what comes of it; the others in several.

    Parameters
    ----------
    schema
        What they must be.
    rows
        Real ones.
    n_rows
        How many to make.
    boundaries
        Values of columns at which a tree decides; they and their neighbours
        are tried.
    huge
        Whether numbers may be larger than float32 holds, which scikit-learn's
        trees refuse.
    rng
        Where chance comes from.
    """
    is_odd = rng.random((n_rows, len(rows.columns))) < ODD
    n_alone = n_rows // 2
    is_odd[:n_alone] = False
    is_odd[np.arange(n_alone), rng.integers(len(rows.columns), size=n_alone)] = True
    columns = {}
    for place, (name, values) in enumerate(rows.columns.items()):
        chosen = values[rng.integers(len(values), size=n_rows)]
        pools = _pools(schema.columns[name], values, boundaries.get(name, ()), huge=huge)
        if pools:
            # Pools first: else a forest's thresholds would leave nothing else a chance.
            pool = rng.integers(len(pools), size=n_rows)
            sizes = np.array([len(values) for values in pools])
            starts = np.cumsum(sizes) - sizes
            odd = np.concatenate(pools)[starts[pool] + rng.integers(sizes[pool])]
            chosen = np.where(is_odd[:, place], odd, chosen)
        columns[name] = chosen
    return ColumnRows(columns)


def _pools(
    column: Column, values: np.ndarray, boundaries: Iterable[float], *, huge: bool
) -> list[np.ndarray]:
    """Return odd values of a column, each kind of them apart."""
    found = [
        *_of_kind(column, values, sorted(boundaries), huge=huge),
        column.allowed or (),
        (None,),
    ]
    allowed = [[value for value in pool if _is_allowed(column, value)] for pool in found]
    return [np.array(pool, dtype=column.dtype) for pool in allowed if pool]


def _of_kind(
    column: Column, values: np.ndarray, boundaries: Sequence[float], *, huge: bool
) -> Sequence[Sequence[Any]]:
    """Return odd values of a column's kind, whether it allows them or not."""
    if column.kind == "number":
        return _numbers(column, values, boundaries, huge=huge)
    if column.kind == "integer":
        return _integers(column, values, boundaries, huge=huge)
    if column.kind == "string":
        return _strings(values)
    return [_MOMENTS] if column.kind == "datetime" else [(True, False)]


def _is_allowed(column: Column, value: Any) -> bool:
    # Moments have no bounds, and those of rows no time zone.
    is_moment = column.kind == "datetime" and value is not None
    return is_moment or broken_rule(column, value) is None


def _numbers(
    column: Column, values: np.ndarray, boundaries: Sequence[float], *, huge: bool
) -> list[Sequence[float]]:
    near = [*column.bounds.values(), *_some(values)]
    beside = map(_with_neighbours, (near, boundaries))
    return [_NUMBERS, *beside, *([_HUGE] if huge else [])]


def _with_neighbours(numbers: Sequence[float]) -> list[float]:
    return [nextafter(x, side) for x in numbers for side in (-inf, x, inf)]


def _integers(
    column: Column, values: np.ndarray, boundaries: Sequence[float], *, huge: bool
) -> list[Sequence[int]]:
    near = [*column.bounds.values(), *_some(values)]
    # Of a split between what is there and what is missing, the threshold is infinite.
    splits = [x for x in boundaries if isfinite(x)]
    beside = ([round(x) + step for x in xs for step in (-1, 0, 1)] for xs in (near, splits))
    largest = column.largest_integer
    return [_INTEGERS, *beside, *([(largest, -largest)] if huge else [])]


def _strings(values: np.ndarray) -> list[Sequence[str]]:
    changes = (str, str.lower, str.upper, str.title, lambda t: f" {t} ", lambda t: t[:-1])
    return [_TEXTS, [change(text) for text in _some(values) for change in changes]]


def _some(values: np.ndarray, most: int = 20) -> list[Any]:
    """Return some of the values that are there, evenly over their order."""
    there = sorted(set(values[~missing(values)].tolist()))
    places = np.linspace(0, len(there) - 1, min(most, len(there))).astype(int)
    return [there[place] for place in places]
