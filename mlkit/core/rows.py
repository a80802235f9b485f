"""Rows that hold to their schema, however they came: one shape for every runtime."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, Protocol, TypeVar

import numpy as np

from mlkit.core.arrays import as_array, check_array, missing, read_array
from mlkit.core.column import Column
from mlkit.core.errors import DataError, Violation, listed
from mlkit.core.log import get_logger
from mlkit.core.schema import Schema, record_parser

log = get_logger(__name__)
_Kept = TypeVar("_Kept")

ABSENT = "is absent"
#: What a missing text is in a block: a Unicode noncharacter, which no valid text holds.
NO_TEXT = "\ufdd0"
#: What a missing whole number or datetime is in a block, as NaT is to numpy.
NO_INTEGER = -(2**63)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


#: Each kind of block: its dtype, and what ONNX Runtime calls it.
BLOCKS = {
    "numbers": (np.dtype("float64"), "tensor(double)"),
    "integers": (np.dtype("int64"), "tensor(int64)"),
    "texts": (np.dtype("object"), "tensor(string)"),
}


def block_of(column: Column) -> str:
    """Return the kind of block that a column is in."""
    if column.kind == "string":
        return "texts"
    return "integers" if column.dtype in ("int64", "datetime64[us]") else "numbers"


class Block:
    """Columns side by side, of one dtype: what a graph takes as one input.

    Of the kind `numbers` they are float64 (n_rows, n_names), NaN where missing;
    `integers` are int64, datetimes among them in µs since 1970, in UTC; `texts`
    are str objects, `NO_TEXT` where missing.

    Parameters
    ----------
    schema
        What the rows are.
    kind
        One of `BLOCKS`; see `block_of`.
    names
        The columns.
    """

    def __init__(self, schema: type[Schema], kind: str, names: Sequence[str]) -> None:
        self.kind = kind
        self.names = names
        self.dtype, _ = BLOCKS[kind]
        self._taken = _taker([schema.columns[name] for name in names], record_parser(schema).places)

    def of_records(self, records: Sequence[tuple[Any, ...]]) -> np.ndarray:
        """Return the block of records; see `RecordRows`."""
        return np.array([self._taken(record) for record in records], dtype=self.dtype)

    def of_columns(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the block of checked columns by name; see `ColumnRows`."""
        block = np.empty((len(columns[self.names[0]]), len(self.names)), dtype=self.dtype)
        for place, name in enumerate(self.names):
            values = columns[name]
            if self.kind == "integers":
                values = values.view("int64")
            elif self.kind == "texts":
                values = np.where(missing(values), NO_TEXT, values)
            block[:, place] = values
        return block


def _taker(
    columns: Sequence[Column], places: Mapping[str, int]
) -> Callable[[tuple[Any, ...]], Sequence[Any]]:
    """Return what takes the columns' values out of one record, in as little time as may be."""
    at = [places[column.name] for column in columns]
    if any(column.kind == "datetime" for column in columns):
        wholes = [_whole(column, place) for column, place in zip(columns, at, strict=True)]
        if len(wholes) == 1:
            return lambda record: (wholes[0](record),)
        return lambda record: [whole(record) for whole in wholes]
    if any(column.kind == "string" and column.nullable for column in columns):
        return lambda record: [NO_TEXT if record[p] is None else record[p] for p in at]
    if len(at) == 1:
        return lambda record: (record[at[0]],)
    return itemgetter(*at)


def _whole(column: Column, place: int) -> Callable[[tuple[Any, ...]], int]:
    epoch = _EPOCH_UTC if column.tz else _EPOCH
    if column.kind != "datetime":
        return itemgetter(place)
    if not column.nullable:
        return lambda record: (record[place] - epoch) // _MICROSECOND
    return lambda record: (
        NO_INTEGER if record[place] is None else (record[place] - epoch) // _MICROSECOND
    )


class Rows(Protocol):
    """Validated rows of what is known before a prediction."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def column(self, name: str) -> np.ndarray:
        """Return one column (n_rows,) in its own dtype; see `Column.dtype`."""

    def block(self, block: Block) -> np.ndarray:
        """Return several columns as one array."""


class RecordRows:
    """Rows from records; quickest for one.

    Parameters
    ----------
    schema
        What the records are.
    records
        What `RecordParser.values` returned of each.
    """

    def __init__(self, schema: type[Schema], records: Sequence[tuple[Any, ...]]) -> None:
        self.schema = schema
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def column(self, name: str) -> np.ndarray:
        """Return one column; see `Rows.column`."""
        place = record_parser(self.schema).places[name]
        return as_array(self.schema.columns[name], [record[place] for record in self.records])

    def block(self, block: Block) -> np.ndarray:
        """Return several columns as one array; see `Block`."""
        return block.of_records(self.records)


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

    def block(self, block: Block) -> np.ndarray:
        """Return several columns as one array; see `Block`."""
        return block.of_columns(self.columns)


def read_table(schema: type[Schema], table: Any, *, told: set[str] | None = None) -> ColumnRows:
    """Check what is known before a prediction in a table, and return its rows.

    See `check_table` for the parameters and what is raised.
    """
    columns = check_table(schema, table, outcomes=False, keep=lambda _, values: values, told=told)
    return ColumnRows(columns)


def check_table(
    schema: type[Schema],
    table: Any,
    *,
    outcomes: bool,
    keep: Callable[[Column, np.ndarray], _Kept],
    told: set[str] | None = None,
) -> dict[str, _Kept]:
    """Check a table, and return what is kept of each column by its name.

    Parameters
    ----------
    schema
        What the rows are.
    table
        A mapping of names to equally long columns, or a DataFrame.
    outcomes
        Whether targets and outcomes are expected.
    keep
        Called with each column and its checked values; see `Column.dtype`.
    told
        Columns whose absence is not logged again; those that are logged are added.

    Raises
    ------
    DataError
        Naming every column and rule that the table breaks.
    """
    names = list(table)
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise DataError(f"The frame has more than one column {listed(doubled)}. Keep one of each.")
    expected = [c for c in schema.columns.values() if outcomes or c.known_before]
    present = {column.name for column in expected}.intersection(names)
    n_rows = _length(table, present) if isinstance(table, Mapping) else len(table)
    told = set() if told is None else told
    violations: list[Violation] = []
    kept: dict[str, _Kept] = {}
    for column in expected:
        if column.name in present:
            found, aware = read_array(table[column.name])
            values, broken = check_array(column, found, aware=aware)
            violations += broken
        elif column.nullable:
            values = np.full(n_rows, None).astype(column.dtype)
            if column.name not in told:
                log.warning("column_defaulted", column=column.name, value="missing in every row")
                told.add(column.name)
        else:
            violations.append(Violation(column=column.name, rule=ABSENT, count=n_rows))
        if not violations:
            kept[column.name] = keep(column, values)
    if violations:
        raise DataError(_faults(schema, names, violations), violations)
    return kept


def _length(table: Mapping[Any, Any], present: set[str]) -> int:
    """Return the number of rows, once the columns that are looked at have as many each."""
    columns = {name: table[name] for name in sorted(present) or list(table)[:1]}
    odd = {name: values for name, values in columns.items() if not _is_column(values)}
    if odd:
        found = (f"{name} ({_kind(values)})" for name, values in odd.items())
        raise DataError(
            f"These are no columns of a table: {listed(found)}. Give each as a list, or as an "
            "array of one dimension."
        )
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"The columns make no table: their lengths are {lengths}.")
    return max(lengths.values(), default=0)


def _is_column(values: Any) -> bool:
    if isinstance(values, (str, bytes, Mapping, set, frozenset)) or not hasattr(values, "__len__"):
        return False
    dtype = getattr(values, "dtype", None)
    if getattr(values, "ndim", 1) != 1 or getattr(dtype, "names", None):
        return False
    # The dtypes of numpy and pandas have a kind; other libraries' arrays convert otherwise.
    return hasattr(dtype, "kind") or not hasattr(values, "to_numpy")


def _kind(values: Any) -> str:
    name = type(values).__name__
    if not isinstance(values, np.ndarray):
        return name
    return f"{name} of the dtype {values.dtype} and the shape {values.shape}"


def _faults(schema: type[Schema], names: Sequence[Any], violations: Sequence[Violation]) -> str:
    """Say all that is wrong with a table, and what to do."""
    message = f"Not a frame of {schema.__name__}: {'; '.join(map(str, violations))}. "
    if any(violation.rule == ABSENT for violation in violations):
        message += (
            f"The frame has the columns {listed(names, most=20)}: add what is absent, or "
            "mark it optional (`| None`). "
        )
    return message + "Mend the data upstream, or widen the schema."
