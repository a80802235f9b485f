"""The JSON Schema of a record takes what the parser takes."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlkit import Schema, column
from mlkit.core.errors import DataError


class Reading(Schema):
    """A column of each kind, with and without rules."""

    text: str
    code: Literal["a", "b"]
    level: Literal[1, 2]
    count: int
    small: int = column(ge=-3, lt=4)
    share: float = column(gt=0, le=1)
    number: float
    flag: bool
    at: datetime
    seen_at: datetime = column(tz="UTC")
    few: int | None
    note: str | None
    off: bool | None
    then: datetime | None


VALID = jsonschema_rs.Draft202012Validator(Reading.json_schema(), validate_formats=True)
RECORD = {
    "text": "",
    "code": "a",
    "level": 1,
    "count": 0,
    "small": 0,
    "share": 0.5,
    "number": 0,
    "flag": True,
    "at": "2024-02-29T00:00:00",
    "seen_at": "2024-02-29T00:00:00Z",
}


def is_taken(record: object) -> bool:
    """Whether the parser takes a record."""
    try:
        Reading.parse(record)
    except DataError:
        return False
    return True


#: What JSON can say of a column, and Unicode exchange; of no number that only one of JSON's
#: two ways to write it would hold exactly.
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["a\ufdd0", "\ufdf0"])
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
edges = st.sampled_from([2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**30, 1e18, 1e19, 2.5, -0.0])
values = st.none() | st.booleans() | numbers | texts | st.lists(numbers, max_size=2)


@given(st.sampled_from([*Reading.columns]), values | edges)
@example("few", 2**53 + 1)
@example("count", -(2**63))
@example("small", -3.0)
@example("level", 1.0)
@example("level", True)
def test_says_what_the_parser_takes(name, value):
    """A value is valid if, and only if, the parser takes it."""
    if name == "number" and isinstance(value, int) and abs(value) > 2**53:
        value = float(value)
    assert VALID.is_valid({**RECORD, name: value}) == is_taken({**RECORD, name: value})


offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
inside = {"min_value": datetime(2, 1, 1), "max_value": datetime(9998, 12, 31)}


@given(st.datetimes(), st.datetimes(**inside, timezones=offsets | st.just(UTC)))
def test_names_a_form_of_datetimes_that_is_read(naive, aware):
    """ISO 8601 as Python writes it; of the other kind of datetime neither takes any."""
    record = {**RECORD, "at": naive.isoformat(), "seen_at": aware.isoformat()}
    assert VALID.is_valid(record)
    assert is_taken(record)
    for odd in ({"at": record["seen_at"]}, {"seen_at": record["at"]}):
        assert not VALID.is_valid({**record, **odd})
        assert not is_taken({**record, **odd})


@pytest.mark.parametrize("name", [*RECORD])
def test_names_what_is_required(name):
    """A column that may not be missing may not be absent either."""
    record = {key: value for key, value in RECORD.items() if key != name}
    assert not VALID.is_valid(record)
    assert not is_taken(record)


def test_takes_fields_that_it_does_not_know():
    """As the parser does, which leaves them out."""
    assert VALID.is_valid({**RECORD, "stranger": [1]})
    assert is_taken({**RECORD, "stranger": [1]})
