"""A schema says what a record is, once."""

import json
from datetime import UTC, datetime
from typing import Literal

import pytest

from mlkit import Schema, column
from mlkit.core.errors import ConfigError, DataError


class Visit(Schema):
    """One visit."""

    patient: str = column(role="key", pii=True)
    age: float = column(ge=0, le=130, unit="a", description="Age at the visit")
    rooms: int = column(gt=0)
    ward: Literal["a", "b"]
    urgent: bool | None
    at: datetime = column(role="event_time")
    seen_at: datetime | None = column(tz="Europe/Berlin")
    body_mass: float | None = column(name="body mass (kg)", lt=700)
    cured: bool | None = column(role="target")


RECORD = {
    "patient": "p1",
    "age": 41,
    "rooms": 2,
    "ward": "a",
    "urgent": None,
    "at": "2024-02-29T08:00:00",
    "body mass (kg)": 71.5,
}


def test_survives_its_json_form():
    """A schema written as JSON and read back has the same name, words and columns."""
    again = Schema.from_json(Visit.to_json())
    assert again.columns == Visit.columns
    assert (again.__name__, again.__doc__) == ("Visit", "One visit.")
    assert again.parse(RECORD) == Visit.parse(RECORD)


def test_parses_a_record_to_typed_values_known_before():
    """Whole numbers become numbers, ISO text a datetime, absent optional fields None."""
    assert Visit.parse({**RECORD, "stranger": 1}) == {
        "patient": "p1",
        "age": 41.0,
        "rooms": 2,
        "ward": "a",
        "urgent": None,
        "at": datetime(2024, 2, 29, 8),
        "seen_at": None,
        "body mass (kg)": 71.5,
    }


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("age", None, "is missing"),
        ("age", float("nan"), "is missing"),
        ("age", "41", "is not a number"),
        ("age", True, "is not a number"),
        ("age", -0.1, "is not at least 0"),
        ("age", 131, "is not at most 130"),
        ("age", float("inf"), "is not finite"),
        ("age", 10**400, "is too large"),
        ("rooms", 0, "is not above 0"),
        ("rooms", 2.5, "is not a whole number"),
        ("rooms", 2**63, "is too large"),
        ("ward", "c", "is none of a, b"),
        ("urgent", 1, "is not true or false"),
        ("at", "yesterday", "is not a datetime without a time zone"),
        ("at", "2024-02-29T08:00:00Z", "is not a datetime without a time zone"),
        ("at", datetime(2024, 2, 29, tzinfo=UTC), "is not a datetime without a time zone"),
        ("seen_at", "2024-02-29T08:00:00", "is not a datetime with a time zone"),
        ("patient", 7, "is not text"),
        ("body mass (kg)", 700, "is not below 700"),
    ],
)
def test_refuses_a_value_that_breaks_a_rule(field, value, rule):
    """The error names the field and the rule."""
    with pytest.raises(DataError, match=rule) as caught:
        Visit.parse({**RECORD, field: value})
    assert [violation.column for violation in caught.value.violations] == [field]


def test_names_every_fault_of_a_record_at_once():
    """All fields at fault are in one error, absent ones among them."""
    with pytest.raises(DataError) as caught:
        Visit.parse({"patient": "p1", "age": -1, "ward": "c", "at": None})
    faults = {violation.column: violation.rule for violation in caught.value.violations}
    assert faults == {
        "age": "is not at least 0",
        "rooms": "is missing",
        "ward": "is none of a, b",
        "at": "is missing",
    }


def test_never_shows_personal_data():
    """The value of a pii field is in no message."""
    with pytest.raises(DataError) as caught:
        Visit.parse({**RECORD, "patient": 123456789})
    assert "123456789" not in str(caught.value)


def test_a_misspelt_optional_field_is_logged(caplog):
    """A field that is ignored, though it is almost an optional one, leaves a warning."""
    record = {name: value for name, value in RECORD.items() if name != "body mass (kg)"}
    with caplog.at_level("WARNING"):
        Visit.parse({**record, "stranger": 1})
        assert not caplog.records
        Visit.parse({**record, "body mas (kg)": 70.0})
    (logged,) = caplog.records
    assert logged.msg["event"] == "field_ignored"
    assert (logged.msg["field"], logged.msg["nearest"]) == ("body mas (kg)", "body mass (kg)")


def test_a_misspelt_field_is_named_where_one_is_missing():
    """The error asks for the nearest; what is right, present, or no text is not asked for."""
    record = {name: value for name, value in RECORD.items() if name != "rooms"}
    with pytest.raises(
        DataError, match=r"rooms: is missing\. Did you mean rooms instead of roms\?$"
    ):
        Visit.parse({**record, "roms": 2, "stranger": 1, 7: 1})
    with pytest.raises(DataError, match=r"rooms: is missing\.$"):
        Visit.parse({**record, "rooms": None, "roms": 2})


def test_refuses_what_is_no_record():
    """Something other than a mapping is named as such."""
    with pytest.raises(DataError, match="found list"):
        Visit.parse([1, 2])  # type: ignore[arg-type]


def test_json_schema_describes_what_is_known_before():
    """Units, bounds and descriptions are in the JSON Schema; targets and outcomes are not."""
    described = Visit.json_schema()
    assert described["properties"]["age"] == {
        "type": "number",
        "minimum": 0,
        "maximum": 130,
        "description": "Age at the visit",
        "x-unit": "a",
    }
    assert "cured" not in described["properties"]
    assert set(described["required"]) == {"patient", "age", "rooms", "ward", "at"}


def test_a_subclass_adds_columns():
    """A schema that extends another has its columns first, and its own parser."""

    class Long(Visit):
        """A longer visit."""

        nights: int

    assert list(Long.columns) == [*Visit.columns, "nights"]
    assert Long.parse({**RECORD, "nights": 3})["nights"] == 3
    assert "nights" not in Visit.parse({**RECORD, "nights": 3})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"__annotations__": {"x": list}}, "annotated <class 'list'>"),
        ({"__annotations__": {"x": "Nowhere"}}, "Nowhere"),
        ({"__annotations__": {"x": str}, "x": column(ge=0)}, "only numbers have bounds"),
        ({"__annotations__": {"x": float}, "x": column(ge=0, gt=0)}, "x has ge and gt: keep one"),
        ({"__annotations__": {"x": int}, "x": column(le=0, lt=9)}, "x has le and lt: keep one"),
        ({"__annotations__": {"x": float}, "x": column(role="label")}, "role 'label'"),
        ({"__annotations__": {"x": float}, "x": 3.0}, "declare it with column"),
        ({"__annotations__": {"columns": float}}, "every schema has it"),
        ({"__annotations__": {"x": float}, "x": column(tz="UTC")}, "time zone"),
        (
            {
                "__annotations__": {"x": datetime, "y": datetime},
                "x": column(role="event_time"),
                "y": column(role="event_time"),
            },
            "more than one event_time: x, y",
        ),
    ],
)
def test_refuses_a_declaration_that_makes_no_sense(body, message):
    """A wrong declaration fails where it is written, and says why."""
    with pytest.raises(ConfigError, match=message):
        type("Wrong", (Schema,), {"__module__": __name__, **body})


def test_refuses_a_newer_or_broken_json_form():
    """A form of a later format, or no form at all, is not guessed at."""
    newer = json.loads(Visit.to_json()) | {"format": 99}
    with pytest.raises(ConfigError, match="format 99"):
        Schema.from_json(json.dumps(newer))
    with pytest.raises(ConfigError, match="Not the JSON form"):
        Schema.from_json("{}")
