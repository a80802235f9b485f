"""Lay receipts out in typed columns, one row for each record that was predicted."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from mlkit.core.column import Column, Kind
from mlkit.core.receipts import Receipt
from mlkit.core.records import RecordParser
from mlkit.core.schema import Schema

#: What the columns of a record's fields begin with, and those of the classes' probabilities.
INPUT, PROBABILITY = "input.", "probability."
MOMENT = pa.timestamp("us", tz="UTC")
#: The columns that every row has, but for its label.
FIXED = pa.schema(
    [
        ("id", pa.string()),
        ("row", pa.int64()),
        ("time", MOMENT),
        ("name", pa.string()),
        ("model", pa.string()),
        ("digest", pa.string()),
        ("schema", pa.string()),
        ("role", pa.string()),
        ("ms", pa.float64()),
        ("probability", pa.float64()),
    ]
)
_KINDS: dict[Kind, pa.DataType] = {
    "string": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us"),
}
_LABELS = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
#: Rows that are held as Python's values.
_AT_ONCE = 5_000


class Shape(NamedTuple):
    """What the rows of one table have in common.

    Attributes
    ----------
    name
        Under which the model is served.
    schema
        The digest of the records' schema.
    label
        The labels' type.
    classes
        Those whose probabilities are known.
    """

    name: str
    schema: str
    label: type
    classes: tuple[str, ...]


def batches(
    receipts: Iterable[Receipt], schema_of: Callable[[str], type[Schema]]
) -> Iterator[tuple[Shape, pa.RecordBatch]]:
    """Yield the rows of receipts, some thousand at once, each time of one shape.

    Parameters
    ----------
    receipts
        In any order.
    schema_of
        Returns a schema by its digest.
    """
    drafts: dict[Shape, _Draft] = {}
    for receipt in receipts:
        for place in range(len(receipt.records)):
            classes = receipt.probabilities[place] if receipt.probabilities else ()
            label = type(receipt.label[place])
            shape = Shape(receipt.name, receipt.schema, label, tuple(classes))
            if shape not in drafts:
                drafts[shape] = _Draft(shape, schema_of(shape.schema))
            draft = drafts[shape]
            draft.add(receipt, place)
            if len(draft.rows) == _AT_ONCE:
                yield shape, draft.take()
    for shape, draft in drafts.items():
        if draft.rows:
            yield shape, draft.take()


class _Draft:
    """Rows of one shape."""

    def __init__(self, shape: Shape, schema: type[Schema]) -> None:
        kept = [c for c in schema.columns.values() if c.known_before and not c.pii]
        self._parser = RecordParser(schema.__name__, kept)
        self._classes = shape.classes
        self._schema = pa.schema(
            [
                *FIXED,
                ("label", _LABELS[shape.label]),
                *((f"{PROBABILITY}{name}", pa.float64()) for name in shape.classes),
                *((f"{INPUT}{column.name}", arrow_type(column)) for column in self._parser.columns),
            ]
        )
        self.rows: list[tuple[Any, ...]] = []

    def add(self, receipt: Receipt, place: int) -> None:
        shares = receipt.probabilities[place] if receipt.probabilities else {}
        self.rows.append(
            (
                receipt.id,
                receipt.rows[place] if receipt.rows else place,
                round(receipt.time * 1e6),
                receipt.name,
                receipt.model,
                receipt.digest,
                receipt.schema,
                receipt.role,
                receipt.ms,
                receipt.probability[place] if receipt.probability else None,
                receipt.label[place],
                *(shares[name] for name in self._classes),
                *self._parser.values(receipt.records[place]),
            )
        )

    def take(self) -> pa.RecordBatch:
        columns = [
            pa.array(values, type=field.type)
            for values, field in zip(zip(*self.rows, strict=True), self._schema, strict=True)
        ]
        self.rows.clear()
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)


def arrow_type(column: Column) -> pa.DataType:
    """Return what a log holds the values of a column as."""
    return pa.timestamp("us", tz=column.tz) if column.tz else _KINDS[column.kind]
