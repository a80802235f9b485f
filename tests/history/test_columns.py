"""Receipts become typed columns, value for value."""

from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mlkit import Schema, column
from mlkit.core.receipts import Receipt
from mlkit.history.columns import batches


class Reading(Schema):
    """Something of each type, that may be missing or not."""

    place: str
    level: float | None
    count: int
    order: int | None
    is_open: bool
    was_open: bool | None
    noted: datetime
    sent: datetime | None = column(tz="America/New_York")
    person: str | None = column(pii=True)
    result: float | None = column(role="outcome")


TYPES = {
    "input.place": pa.string(),
    "input.level": pa.float64(),
    "input.count": pa.int64(),
    "input.order": pa.int64(),
    "input.is_open": pa.bool_(),
    "input.was_open": pa.bool_(),
    "input.noted": pa.timestamp("us"),
    "input.sent": pa.timestamp("us", tz="America/New_York"),
}
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cn",)), max_size=5)
_MOMENTS = st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1))
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
READINGS = st.fixed_dictionaries(
    {
        "place": _TEXT,
        "count": st.integers(1 - 2**63, 2**63 - 1),
        "is_open": st.booleans(),
        "noted": _MOMENTS,
    },
    optional={
        "level": st.none() | _NUMBERS,
        "order": st.none() | st.integers(-(2**53), 2**53),
        "was_open": st.none() | st.booleans(),
        "sent": st.none() | _MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)),
    },
)


def receipt(records: list[dict], **changes) -> Receipt:
    """Return a receipt as a journal holds it: after JSON."""
    given = Receipt(
        id="r",
        time=1.5,
        name="m",
        model="m/1",
        digest="d",
        schema="s",
        ms=0.25,
        records=records,
        **{"label": [True] * len(records), **changes},
    )
    return msgspec.json.decode(msgspec.json.encode(given), type=Receipt)


@given(st.lists(READINGS, min_size=1, max_size=4))
def test_each_field_has_its_type_and_its_value(records):
    """What the schema makes of a record is what its row holds; no personal data, no outcome."""
    ((_, batch),) = batches([receipt(records)], lambda digest: Reading)
    assert {f.name: f.type for f in batch.schema if f.name.startswith("input.")} == TYPES
    for record, row in zip(records, batch.to_pylist(), strict=True):
        parsed = Reading.parse(record)
        assert {name: row[f"input.{name}"] for name in parsed if name != "person"} == {
            name: value for name, value in parsed.items() if name != "person"
        }


def test_a_row_says_where_its_record_was():
    """Its place in the request, even where another bundle got the records between."""
    reading = {"place": "x", "count": 1, "is_open": True, "noted": datetime(2020, 1, 1)}
    receipts = [receipt([reading] * 3), receipt([reading] * 2, rows=[4, 7])]
    ((_, batch),) = batches(receipts, lambda digest: Reading)
    assert batch["row"].to_pylist() == [0, 1, 2, 4, 7]
    assert set(batch["time"].to_pylist()) == {datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)}


def test_what_differs_in_its_columns_is_apart():
    """A table has one type of label, one set of classes, one name and one schema."""
    reading = {"place": "x", "count": 1, "is_open": True, "noted": datetime(2020, 1, 1)}
    kinds = [
        {"label": [True], "probability": [0.75]},
        {"label": [0.5]},
        {"label": ["a"], "probability": [0.6], "probabilities": [{"a": 0.6, "b": 0.4}]},
        {"label": ["a"], "probability": [0.6], "probabilities": [{"a": 0.6, "c": 0.4}]},
        {"label": [3], "probability": [0.75]},
    ]
    found = dict(batches([receipt([reading], **kind) for kind in kinds * 2], lambda _: Reading))
    assert [batch.num_rows for batch in found.values()] == [2] * len(kinds)
    assert all(one.schema != other.schema for one, other in pairwise(found.values()))
    by_class = [batch for shape, batch in found.items() if shape.classes == ("a", "c")]
    assert by_class[0]["probability.c"].to_pylist() == [0.4, 0.4]
