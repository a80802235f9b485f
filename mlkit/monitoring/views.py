"""What is looked at of each column: its numbers, its categories, or the hour and the weekday.

A moment itself always moves on, and a key names one thing: neither is compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlkit.core.arrays import missing
from mlkit.core.column import Column
from mlkit.core.schema import Schema
from mlkit.monitoring.drift import Categories, Numbers
from mlkit.monitoring.windows import parts, weekdays
from mlkit.training.frames import plain_columns

#: Numbers of no more distinct values than this are taken for categories.
MOST_VALUES = 20
_HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One way to look at a column.

    Attributes
    ----------
    column
        Which one.
    part
        `hour` or `weekday` of a datetime; empty: the values as they are.
    reference
        How it is distributed in the reference.
    """

    column: str
    part: str
    reference: Numbers | Categories

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.reference.name

    def of(self, values: np.ndarray) -> np.ndarray:
        """Return what is compared of checked values (n_rows,) of the column."""
        return seen(values, self.part, is_number=isinstance(self.reference, Numbers))

    def numbers(self, values: np.ndarray) -> np.ndarray:
        """Return what is compared as float64 (n_rows,): of categories, their cell's place."""
        found = self.of(values)
        if isinstance(self.reference, Numbers):
            return found
        codes, kinds = pd.factorize(found)
        cells = self.reference.cells
        places = np.array([cells.get(kind, len(cells)) for kind in kinds.tolist()] + [np.nan])
        return places[codes]


def seen(values: np.ndarray, part: str, *, is_number: bool) -> np.ndarray:
    """Return what is compared of checked values; see `View.of`."""
    if part:
        return _part(values, part)
    return values.astype("float64") if is_number else values


def views(schema: type[Schema], reference: Mapping[str, np.ndarray], window: str) -> list[View]:
    """Return the views of a schema's columns.

    Parameters
    ----------
    schema
        Names the columns.
    reference
        Checked values of each of them.
    window
        In one shorter than a day there is but one hour, in one shorter than a week but one
        weekday: that is no drift.
    """
    found = []
    for column in plain_columns(schema):
        values = reference[column.name]
        for part in parts(window) if column.kind == "datetime" else [""]:
            name = f"{column.name} ({part})" if part else column.name
            is_number = not part and _is_number(column, values)
            kind = Numbers if is_number else Categories
            what = kind(name, column.name, seen(values, part, is_number=is_number))
            found.append(View(column=column.name, part=part, reference=what))
    return found


def matrix(
    chosen: Sequence[View], columns: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, list[bool]]:
    """Return the views' numbers (n_rows, n_views), and which are categories."""
    numbers = [view.numbers(columns[view.column]) for view in chosen]
    return np.column_stack(numbers), [isinstance(view.reference, Categories) for view in chosen]


def _is_number(column: Column, values: np.ndarray) -> bool:
    if column.kind not in ("number", "integer"):
        return False
    return len(np.unique(values[~missing(values)])) > MOST_VALUES


def _part(moments: np.ndarray, part: str) -> np.ndarray:
    is_missing = np.isnat(moments)
    if part == "hour":
        numbers = moments.astype("datetime64[h]").astype("int64") % _HOURS_A_DAY
    else:
        numbers = weekdays(moments)
    found: np.ndarray = np.where(is_missing, np.nan, numbers)
    return found
