"""A frame is held to its schema as records are, a column at a time."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import Schema, column
from mlkit.core.errors import DataError
from mlkit.core.rows import RecordRows, read_table
from mlkit.core.schema import record_parser
from mlkit.training.frames import fingerprints, from_columns


class Reading(Schema):
    """One reading."""

    sensor: str
    place: str | None
    value: float = column(ge=0)
    spare: float | None
    count: int
    rank: int | None
    on: bool
    ok: bool | None
    at: datetime
    until: datetime | None
    seen: datetime | None = column(tz="Europe/Berlin")
    result: float | None = column(role="outcome")


def reading(**changes: object) -> pd.DataFrame:
    """Return two valid rows, with some columns changed."""
    frame = pd.DataFrame(
        {
            "sensor": ["a", "b"],
            "place": ["x", None],
            "value": [1.5, 2.0],
            "spare": [np.nan, 1.0],
            "count": [1, 2],
            "rank": [np.nan, 7.0],
            "on": [True, False],
            "ok": pd.array([True, None], dtype="boolean"),
            "at": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "until": pd.to_datetime(["2024-01-01", None]),
            "seen": pd.to_datetime(["2024-01-01T00:00:00Z", None]),
            "result": [np.nan, 0.5],
        },
        index=[10, 20],
    )
    return frame.assign(**changes)


def test_returns_the_declared_dtypes_with_the_index():
    """Dtypes follow from the annotations alone; order is the schema's, the index the frame's."""
    validated = Reading.validate(reading()[list(reversed(Reading.columns))])
    assert list(validated.index) == [10, 20]
    assert {name: str(dtype) for name, dtype in validated.dtypes.items()} == {
        "sensor": str(validated["sensor"].dtype),
        "place": str(validated["sensor"].dtype),
        "value": "float64",
        "spare": "float64",
        "count": "int64",
        "rank": "float64",
        "on": "bool",
        "ok": "boolean",
        "at": "datetime64[us]",
        "until": "datetime64[us]",
        "seen": "datetime64[us, Europe/Berlin]",
        "result": "float64",
    }
    assert pd.api.types.is_string_dtype(validated["sensor"].dtype)


@pytest.mark.parametrize(
    "changes",
    [
        {"value": [1, 2]},
        {"value": pd.array([1, 2], dtype="Int64")},
        {"value": pd.Series([1.5, 2.0], dtype="float32", index=[10, 20])},
        {"value": pd.Series([1.5, 2], dtype=object, index=[10, 20])},
        {"value": pd.Series([Decimal("1.5"), Decimal(2)], dtype=object, index=[10, 20])},
        {"count": [1.0, 2.0]},
        {"count": pd.Series([1, 2], dtype="uint8", index=[10, 20])},
        {"rank": pd.array([None, 7], dtype="Int64")},
        {"sensor": pd.Categorical(["a", "b"])},
        {"sensor": pd.array(["a", "b"], dtype="string")},
        {"on": pd.array([True, False], dtype="boolean")},
        {"ok": pd.Series([True, None], dtype=object, index=[10, 20])},
        {"at": ["2024-01-01", "2024-01-02T00:00:00"]},
        {"at": pd.to_datetime(["2024-01-01", "2024-01-02"]).astype("datetime64[ns]")},
        {"at": pd.Series([datetime(2024, 1, 1), "2024-01-02"], dtype=object, index=[10, 20])},
        {"seen": ["2024-01-01T01:00:00+01:00", None]},
        {"extra": [1, 2]},
    ],
)
def test_coerces_what_loses_nothing(changes):
    """Another dtype with the same values gives the very same frame."""
    same = reading(**{name: value for name, value in changes.items() if name != "extra"})
    expected = Reading.validate(same)
    pd.testing.assert_frame_equal(Reading.validate(reading(**changes)), expected)
    rows = [10, 20]
    np.testing.assert_array_equal(
        fingerprints(expected), fingerprints(Reading.validate(reading(**changes)).loc[rows])
    )


@pytest.mark.parametrize(
    ("changes", "column_name", "rule", "rows"),
    [
        ({"value": ["1.5", "2"]}, "value", "is not a number", (0, 1)),
        ({"value": [True, False]}, "value", "is not a number", (0, 1)),
        ({"value": [1.0, np.nan]}, "value", "is missing", (1,)),
        ({"value": [1.0, np.inf]}, "value", "is not finite", (1,)),
        ({"value": [-1.0, 1.0]}, "value", "is not at least 0", (0,)),
        ({"count": [1.5, 2.0]}, "count", "is not a whole number", (0,)),
        ({"count": [1.0, np.nan]}, "count", "is missing", (1,)),
        ({"rank": [2**53 + 1, 1]}, "rank", "is too large to be held exactly", (0,)),
        ({"value": [2**53 + 1, 1]}, "value", "is too large to be held exactly", (0,)),
        (
            {"at": ["2024-01-01T00:00:00.9999999", "2024-01-01T00:00:00.999999"]},
            "at",
            "is finer than a microsecond",
            (0,),
        ),
        ({"on": [1, 0]}, "on", "is not true or false", (0, 1)),
        ({"on": [True, None]}, "on", "is missing", (1,)),
        ({"sensor": [1, 2]}, "sensor", "is not text", (0, 1)),
        ({"sensor": ["a", None]}, "sensor", "is missing", (1,)),
        ({"at": ["2024-01-01", "soon"]}, "at", "is not a datetime without a time zone", (1,)),
        ({"at": [20240101, 20240102]}, "at", "is not a datetime without a time zone", (0, 1)),
        (
            {"at": pd.to_datetime(["2024-01-01", "2024-01-02"], utc=True)},
            "at",
            "is not a datetime without a time zone",
            (0, 1),
        ),
        (
            {"at": pd.to_datetime([1, 1000]).astype("datetime64[ns]")},
            "at",
            "is finer than a microsecond",
            (0,),
        ),
    ],
)
def test_refuses_what_would_lose_something(changes, column_name, rule, rows):
    """Each fault is named with its column, rule, count and first rows."""
    with pytest.raises(DataError) as caught:
        Reading.validate(reading(**changes))
    (violation,) = caught.value.violations
    assert (violation.column, violation.rule, violation.rows) == (column_name, rule, rows)
    assert violation.count == len(rows)


def test_names_all_faults_of_a_frame_at_once():
    """Absent columns, wrong types and broken bounds come in one error."""
    frame = reading(value=[-1.0, -2.0], on=["yes", "no"]).drop(columns="sensor")
    with pytest.raises(DataError) as caught:
        Reading.validate(frame)
    assert {(v.column, v.rule, v.count) for v in caught.value.violations} == {
        ("sensor", "is absent", 2),
        ("value", "is not at least 0", 2),
        ("on", "is not true or false", 2),
    }
    assert "sensor: is absent" in str(caught.value)


def test_an_absent_optional_column_is_missing_everywhere():
    """A column that may be missing may be absent."""
    validated = Reading.validate(reading().drop(columns=["ok", "until", "place"]))
    assert validated[["ok", "until", "place"]].isna().all(axis=None)


def test_outcomes_are_not_asked_for_at_scoring():
    """Without outcomes, a frame is what a prediction is asked for."""
    assert "result" not in Reading.validate(reading(), outcomes=False)


def test_refuses_doubled_columns_and_what_is_no_frame():
    """A column that is there twice is ambiguous."""
    frame = reading()
    with pytest.raises(DataError, match="more than one column value"):
        Reading.validate(pd.concat([frame, frame[["value"]]], axis=1))
    with pytest.raises(DataError, match="DataFrame"):
        Reading.validate({"value": [1]})  # type: ignore[arg-type]


def test_an_empty_frame_keeps_its_dtypes():
    """No rows are valid rows, with the same dtypes."""
    validated = Reading.validate(reading())
    pd.testing.assert_series_equal(
        Reading.validate(reading().iloc[:0].astype(object)).dtypes, validated.dtypes
    )


EAST, WEST = timezone(timedelta(hours=5)), timezone(timedelta(hours=-5))
#: What numpy, pandas and other programs hand over; int64's largest number among it.
FOREIGN = [
    2**53 + 1,
    *(pd.NA, pd.NaT, np.nan, np.datetime64("NaT"), np.timedelta64("NaT"), np.ma.masked),
    *(np.True_, np.int8(1), np.uint64(2**64 - 1), np.float16(2), np.float32(1.5), np.float64(2)),
    *(np.str_("x"), b"x", 2**63 - 1, 10**400, -(2**63), Decimal("sNaN"), Decimal("1e400")),
    *(Decimal(3), date(2024, 1, 1), timedelta(1), np.timedelta64(1, "ns"), 1j, [1], {}),
    *(np.datetime64("2024-01-01"), np.datetime64("2024-01-01", "ns"), np.datetime64(1, "ns")),
    *(np.datetime64("10000-01-01"), np.datetime64(2**62, "s"), np.datetime64("0000-12-31", "us")),
    *(pd.Timestamp(1), pd.Timestamp(1, tz="UTC"), pd.Timestamp("2024-03-31", tz="Asia/Tokyo")),
    pd.Timestamp(np.datetime64("10000-01-01", "s")),
    pd.Timestamp(np.datetime64("9999-12-31T23:30", "s"))
    .tz_localize("UTC")
    .tz_convert("Asia/Tokyo"),
    *(
        datetime.min,
        datetime.max,
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ),
    *(end.replace(tzinfo=zone) for end in (datetime.min, datetime.max) for zone in (EAST, WEST)),
    *("2024-01-01T00:00:00.1234567Z", "2024-01-01T00:00:00.123456000", "2024-01-01t00:00:00z"),
    *("10000-01-01", "0000-01-01", "20240101", "2024-W01", "24:00", "2024-02-30", "true", ""),
]
ODD = st.one_of(
    st.sampled_from(FOREIGN),
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.decimals(allow_infinity=False),
    st.floats(),
    st.text(max_size=3),
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda t: t.replace(microsecond=0)),
    st.sampled_from(
        ["2024-01-01T00:00:00.9999999", "2024-01-01", "2024-01-01T00:00:00Z", "1.5", "True"]
    ),
)
VALID = st.fixed_dictionaries(
    {
        "sensor": st.text(max_size=3),
        "place": st.none() | st.text(max_size=3),
        "value": st.floats(0, 10) | st.integers(0, 10),
        "spare": st.none() | st.floats(allow_infinity=False),
        "count": st.integers(-(2**63) + 1, 2**63 - 1),
        "rank": st.none() | st.integers(-(2**53), 2**53),
        "on": st.booleans(),
        "ok": st.none() | st.booleans(),
        "at": st.datetimes(),
        "until": st.none() | st.datetimes().map(datetime.isoformat),
        "seen": st.none()
        | st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones()),
    }
)
CHANGES = st.dictionaries(st.sampled_from([*Reading.names(known_before=True)]), ODD, max_size=2)


@settings(max_examples=300)
@given(valid=VALID, changes=CHANGES)
def test_frames_and_records_agree(valid, changes):
    """A record is refused for the same reasons as a frame of one row, or gives the same values."""
    check_agreement(valid | changes)


@pytest.mark.parametrize("name", Reading.names(known_before=True))
def test_frames_and_records_agree_on_what_other_libraries_hold(name):
    """Their scalars, their ways to say missing, and moments that no datetime holds."""
    valid = {"sensor": "a", "value": 1.0, "count": 1, "on": True, "at": datetime(2024, 1, 1)}
    for value in FOREIGN:
        check_agreement({**dict.fromkeys(Reading.names(known_before=True)), **valid, name: value})


def check_agreement(record: dict) -> None:
    """Hold a record, and the frame that has it as its one row, against the schema."""
    frame = pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in record.items()})
    try:
        parsed = record_parser(Reading).values(record)
    except DataError as error:
        with pytest.raises(DataError) as caught:
            Reading.validate(frame, outcomes=False)
        with pytest.raises(DataError) as on_the_scoring_side:
            read_table(Reading, frame)
        assert on_the_scoring_side.value.violations == caught.value.violations
        faults = {(v.column, v.rule) for v in error.violations}
        assert {(v.column, v.rule) for v in caught.value.violations} == faults
    else:
        validated = Reading.validate(frame, outcomes=False)
        for rows in (RecordRows(Reading, [parsed]), read_table(Reading, frame)):
            columns = {name: rows.column(name) for name in validated}
            pd.testing.assert_frame_equal(from_columns(Reading, columns), validated)


@pytest.mark.parametrize("name", [c.name for c in Reading.columns.values() if not c.nullable])
def test_an_absent_column_of_any_kind_is_named(name):
    """On both sides of the fence, whatever the column would have held."""
    frame = reading().drop(columns=name)
    for refuse in (Reading.validate, lambda table: read_table(Reading, table)):
        with pytest.raises(DataError, match=f"{name}: is absent"):
            refuse(frame)
