"""Rows that hold to their schema, however they came: one shape for every runtime."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import Any, Protocol

import numpy as np

from mlkit.core.arrays import as_array, check_array, missing
from mlkit.core.column import Column
from mlkit.core.errors import DataError, Violation, listed
from mlkit.core.log import get_logger
from mlkit.core.schema import Schema

log = get_logger(__name__)

ABSENT = "is absent"
#: What a missing text is in a block: a Unicode noncharacter, which no valid text holds.
NO_TEXT = "\ufdd0"
#: What a missing whole number or datetime is in a block, as NaT is to numpy.
NO_INTEGER = -(2**63)
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


class Rows(Protocol):
    """Validated rows of what is known before a prediction."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def column(self, name: str) -> np.ndarray:
        """Return one column (n_rows,) in its own dtype; see `Column.dtype`."""

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """Return columns as float64 (n_rows, n_names), NaN where missing."""

    def integers(self, names: Sequence[str]) -> np.ndarray:
        """Return columns as int64 (n_rows, n_names): datetimes in µs since 1970, in UTC."""

    def texts(self, names: Sequence[str]) -> np.ndarray:
        """Return columns as str objects (n_rows, n_names), `NO_TEXT` where missing."""


class RecordRows:
    """Rows from records that `Schema.parse` returned; quickest for one.

    Parameters
    ----------
    schema
        What the records are.
    records
        Typed values by name.
    """

    def __init__(self, schema: type[Schema], records: Sequence[Mapping[str, Any]]) -> None:
        self.schema = schema
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def column(self, name: str) -> np.ndarray:
        """Return one column; see `Rows.column`."""
        items = [record[name] for record in self.records]
        return as_array(self.schema.columns[name], items)

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """Return columns of numbers and booleans; see `Rows.numbers`."""
        values = _getter(tuple(names))
        return np.array([values(record) for record in self.records], dtype="float64")

    def integers(self, names: Sequence[str]) -> np.ndarray:
        """Return columns of integers and datetimes; see `Rows.integers`."""
        rows = [[_integer(record[name]) for name in names] for record in self.records]
        return np.array(rows, dtype="int64")

    def texts(self, names: Sequence[str]) -> np.ndarray:
        """Return columns of text; see `Rows.texts`."""
        rows = [
            [NO_TEXT if (value := record[name]) is None else value for name in names]
            for record in self.records
        ]
        return np.array(rows, dtype=object)


@cache
def _getter(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) == 1:
        return lambda record: (record[names[0]],)
    return itemgetter(*names)


def _integer(value: Any) -> int:
    if isinstance(value, int):
        return value
    if value is None:
        return NO_INTEGER
    since = value - (_EPOCH if value.tzinfo is None else _EPOCH_UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds  # type: ignore[no-any-return]


class ColumnRows:
    """Rows from the columns of a table.

    Parameters
    ----------
    columns
        Checked columns by name, equally long.
    """

    def __init__(self, columns: Mapping[str, np.ndarray]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, rows: Any) -> "ColumnRows":
        return ColumnRows({name: values[rows] for name, values in self.columns.items()})

    def column(self, name: str) -> np.ndarray:
        """Return one column; see `Rows.column`."""
        return self.columns[name]

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """Return columns of numbers and booleans; see `Rows.numbers`."""
        block = np.empty((len(self), len(names)))
        for place, name in enumerate(names):
            block[:, place] = self.columns[name]
        return block

    def integers(self, names: Sequence[str]) -> np.ndarray:
        """Return columns of integers and datetimes; see `Rows.integers`."""
        block = np.empty((len(self), len(names)), dtype="int64")
        for place, name in enumerate(names):
            block[:, place] = self.columns[name].view("int64")
        return block

    def texts(self, names: Sequence[str]) -> np.ndarray:
        """Return columns of text; see `Rows.texts`."""
        block = np.empty((len(self), len(names)), dtype=object)
        for place, name in enumerate(names):
            values = self.columns[name]
            block[:, place] = np.where(missing(values), NO_TEXT, values)
        return block


def read_table(schema: type[Schema], table: Any) -> ColumnRows:
    """Check a table, and return its rows.

    Parameters
    ----------
    schema
        What the rows are.
    table
        A mapping of names to equally long columns, or a frame: what has
        `columns`, and gives each by its name.

    Raises
    ------
    DataError
        Naming every column and rule that the table breaks.
    """
    names = list(table.columns) if hasattr(table, "columns") else list(table)
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise DataError(f"The table has more than one column {listed(doubled)}. Keep one of each.")
    arrays = {name: read_array(table[name]) for name in schema.columns if name in names}
    lengths = {name: len(values) for name, (values, _) in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"The columns make no table: their lengths are {lengths}.")
    n_rows = max(lengths.values(), default=len(table[names[0]]) if names else 0)
    violations: list[Violation] = []
    checked: dict[str, np.ndarray] = {}
    for column in schema.columns.values():
        if not column.known_before:
            continue
        if column.name in arrays:
            values, aware = arrays[column.name]
            checked[column.name], broken = check_array(column, values, aware=aware)
            violations += broken
        else:
            checked[column.name], broken = absent(column, n_rows)
            violations += broken
    if violations:
        raise DataError(faults(schema, names, violations), violations)
    return ColumnRows(checked)


def read_array(values: Any) -> tuple[np.ndarray, bool]:
    """Return a column as an array, and whether it holds moments in UTC."""
    dtype: Any = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype) or not hasattr(values, "to_numpy"):
        return np.asarray(values, dtype=None if isinstance(dtype, np.dtype) else object), False
    kind = getattr(dtype, "kind", "O")
    if kind == "M" and getattr(dtype, "tz", None) is not None:
        return values.to_numpy(dtype=f"datetime64[{dtype.unit}]"), True
    if kind in "iuf" and not values.isna().any():
        return values.to_numpy(dtype=f"{kind}8"), False
    return values.to_numpy(dtype=object), False


def absent(column: Column, n_rows: int) -> tuple[np.ndarray, list[Violation]]:
    """Return a column that is not there, missing in every row, and what is wrong with that."""
    if column.nullable:
        log.warning("column_defaulted", column=column.name, value="missing in every row")
        return np.full(n_rows, None).astype(column.dtype), []
    nothing = np.zeros(n_rows, dtype=column.dtype)
    return nothing, [Violation(column=column.name, rule=ABSENT, count=n_rows)]


def faults(schema: type[Schema], names: Sequence[Any], violations: Sequence[Violation]) -> str:
    """Say all that is wrong with a table, and what to do."""
    message = f"Not a frame of {schema.__name__}: {'; '.join(map(str, violations))}. "
    if any(violation.rule == ABSENT for violation in violations):
        message += (
            f"The frame has the columns {listed(names, most=20)}: add what is absent, or "
            "mark it optional (`| None`). "
        )
    return message + "Mend the data upstream, or widen the schema."
