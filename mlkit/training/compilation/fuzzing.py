"""Make rows that a schema allows and nobody has seen: the odd, the extreme, the boundary."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from mlkit.core.arrays import as_array, missing
from mlkit.core.column import COMPARISONS, LARGEST_EXACT, Column
from mlkit.core.rows import ColumnRows
from mlkit.core.schema import Schema

#: Share of a fuzzed row's values that are odd; the others come from real rows.
ODD = 0.3
_NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 0.5, 1e-9, -1e-300, 1e-300, 5e-324, 1e9, -1e9, 1e30, -1e30,
    float(LARGEST_EXACT), -float(LARGEST_EXACT),
)  # fmt: skip
_HUGE = (1e308, -1e308, 1e39, -1e39)
_INTEGERS = (0, 1, -1, 2**31 - 1, 2**31, -(2**31), LARGEST_EXACT, -LARGEST_EXACT)
_TEXTS = (
    "", " ", "unseen", "None", "nan", "NaN", "0", "-1", "ß", "ŉ", "İ", "ı", "é", "e\u0301", "ﬁ",
    "Ⅷ", "Ǆ",
    "\u00a0x\u00a0", "\ttab\n", "a\0b", "漢字", "שלום", "👩‍🚀", "x" * 300, "'; --", "%s", "\\",
)  # fmt: skip
_MOMENTS = tuple(
    map(
        datetime.fromisoformat,
        (
            "0002-01-01", "1582-10-15", "1600-02-29", "1899-12-31T23:59:59.999999", "1900-03-01",
            "1969-12-31T23:59:59.999999", "1970-01-01", "1999-12-31T23:59:59", "2000-02-29T12:00",
            "2013-03-10T02:30", "2013-03-31T01:00", "2013-11-03T01:30", "2016-12-31T23:59:59",
            "2023-02-28", "2024-02-29", "2024-12-31T23:59:59.999999", "2038-01-19T03:14:08",
            "2100-02-28T23:00", "2262-04-12", "9998-12-31T23:59:59.999999",
        ),
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
    columns = {}
    for name, values in rows.columns.items():
        column = schema.columns[name]
        odd = as_array(column, _odd(column, values, boundaries.get(name, ()), huge=huge))
        real = values[rng.integers(len(values), size=n_rows)]
        chosen = odd[rng.integers(len(odd), size=n_rows)] if len(odd) else real
        columns[name] = np.where(rng.random(n_rows) < ODD, chosen, real).astype(column.dtype)
    return ColumnRows(columns)


def _odd(
    column: Column, values: np.ndarray, boundaries: Iterable[float], *, huge: bool
) -> list[Any]:
    found = [
        *_POOLS[column.kind](column, values, sorted(boundaries), huge=huge),
        *(column.allowed or ()),
    ]
    allowed = [value for value in found if _is_allowed(column, value)]
    return [*allowed, *([None] * max(1, len(allowed) // 5) if column.nullable else ())]


def _is_allowed(column: Column, value: Any) -> bool:
    if column.allowed is not None:
        return value in column.allowed
    return all(COMPARISONS[name][0](value, limit) for name, limit in column.bounds.items())


def _numbers(
    column: Column, values: np.ndarray, boundaries: Sequence[float], *, huge: bool
) -> list[float]:
    near = [*column.bounds.values(), *boundaries, *_some(values)]
    beside = [np.nextafter(x, side) for x in near for side in (-np.inf, np.inf)]
    return list(map(float, (*_NUMBERS, *(_HUGE if huge else ()), *near, *beside)))


def _integers(
    column: Column, values: np.ndarray, boundaries: Sequence[float], *, huge: bool
) -> list[int]:
    near = [*column.bounds.values(), *(round(b) for b in boundaries), *_some(values)]
    found = {int(x) + step for x in near for step in (-1, 0, 1)} | set(_INTEGERS)
    largest = column.largest_integer
    if not column.nullable and huge:
        found |= {largest, -largest}
    return sorted(x for x in found if abs(x) <= largest)


def _booleans(*_: Any, **__: Any) -> list[bool]:
    return [True, False]


def _strings(
    column: Column, values: np.ndarray, boundaries: Sequence[float], *, huge: bool
) -> list[str]:
    real = [text for text in _some(values) if text]
    changed = [
        change(text)
        for text in real
        for change in (str.lower, str.upper, str.title, lambda t: f" {t} ", lambda t: t[:-1])
    ]
    return [*_TEXTS, *real, *changed]


def _moments(
    column: Column, values: np.ndarray, boundaries: Sequence[float], *, huge: bool
) -> list[datetime]:
    found = [*_MOMENTS, *_some(values)]
    return [moment.replace(tzinfo=UTC) for moment in found] if column.tz else found


def _some(values: np.ndarray, most: int = 20) -> list[Any]:
    """Return some of the values that are there, evenly over their order."""
    there = sorted(set(values[~missing(values)].tolist()))
    places = np.linspace(0, len(there) - 1, min(most, len(there))).astype(int)
    return [there[place] for place in places]


_POOLS: dict[str, Any] = {
    "number": _numbers,
    "integer": _integers,
    "boolean": _booleans,
    "string": _strings,
    "datetime": _moments,
}
