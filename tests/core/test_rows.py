"""A table ends in the rows that it holds, or in an error that says what to do."""

import warnings
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mlkit import Schema, column
from mlkit.core.arrays import missing
from mlkit.core.errors import DataError
from mlkit.core.rows import read_table

EAST, WEST = timezone(timedelta(hours=5)), timezone(timedelta(hours=-5))
FAR = "is outside the years 1 to 9999 in UTC"
NAIVE = "is not a datetime without a time zone"


class Sample(Schema):
    """One sample."""

    value: float | None
    count: int | None
    word: str | None
    ok: bool | None
    at: datetime | None
    seen: datetime | None = column(tz="UTC")


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("value", np.ma.array([1.0, 2.0], mask=[0, 1]), [1, None]),
        ("count", np.ma.array([1, 2], mask=[0, 1]), [1, None]),
        ("word", np.ma.array(["a", "b"], mask=[0, 1]), ["a", None]),
        ("ok", np.ma.array([True, False], mask=[0, 1]), [True, None]),
        ("at", np.ma.array(["2024-01-01"] * 2, mask=[0, 1], dtype="M8[ns]"), ["2024-01-01", None]),
        ("value", [1.0, np.ma.masked], [1, None]),
        ("value", np.array([1, 2], dtype="float16"), [1, 2]),
        ("count", np.array([1, 2], dtype="float16"), [1, 2]),
        ("count", range(2), [0, 1]),
        ("word", ("a", "b"), ["a", "b"]),
        ("word", pd.Index(["a", "b"]), ["a", "b"]),
        ("word", pd.Categorical(["a", None]), ["a", None]),
        ("count", pd.Categorical([2, 1]), [2, 1]),
        ("count", pd.Categorical([2, None]), [2, None]),
        ("at", pd.Categorical(pd.to_datetime(["2024-01-01"] * 2)), ["2024-01-01"] * 2),
        (
            "seen",
            pd.Series(pd.to_datetime(["2024-01-01T02+02:00"])).astype("category"),
            ["2024-01-01"],
        ),
        ("value", pd.arrays.SparseArray([1.0, 2.0]), [1, 2]),
        ("at", np.array(["2024", "NaT"], dtype="M8[Y]"), ["2024-01-01", None]),
        ("at", np.array(["NaT", "NaT"], dtype="M8"), [None, None]),
        ("at", [np.datetime64("2024-01-01", "ns"), np.datetime64("NaT")], ["2024-01-01", None]),
    ],
)
def test_takes_every_kind_of_column(name, values, expected):
    """A masked value is missing; lists, ranges and any library's arrays give the same rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_table(Sample, {name: values}).column(name)
    np.testing.assert_array_equal(
        found, np.array(expected, dtype=Sample.columns[name].dtype), strict=True
    )


@pytest.mark.parametrize(
    ("name", "values", "rule", "rows"),
    [
        ("at", np.array([0, 2**62], dtype="M8[s]"), FAR, (1,)),
        ("at", np.array(["10000-01-01", "NaT"], dtype="M8[D]"), FAR, (0,)),
        ("at", np.array(["0001-01-01", "0000-12-31"], dtype="M8[us]"), FAR, (1,)),
        ("at", [np.datetime64(2**62, "s"), None], FAR, (0,)),
        ("at", [np.datetime64("10000-01-01"), None], FAR, (0,)),
        ("at", [pd.Timestamp(np.datetime64("10000-01-01", "s")), None], FAR, (0,)),
        ("seen", [datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=WEST)], FAR, (1,)),
        ("seen", [datetime.min.replace(tzinfo=WEST), datetime.min.replace(tzinfo=EAST)], FAR, (1,)),
        ("at", [np.datetime64(1, "ns"), None], "is finer than a microsecond", (0,)),
        ("at", np.array([1, 1000], dtype="M8[ns]"), "is finer than a microsecond", (0,)),
        ("at", np.array([1, 2], dtype="m8[s]"), NAIVE, (0, 1)),
        ("value", np.array([1, 2], dtype="m8[ns]"), "is not a number", (0, 1)),
        ("count", [np.datetime64(1, "ns"), 1], "is not a whole number", (0,)),
        ("word", [["a"], ["b", "c"]], "is not text", (0, 1)),
        ("value", [[1.0], [2.0]], "is not a number", (0, 1)),
        ("word", [b"a", "b"], "is not text", (0,)),
    ],
)
def test_refuses_a_value_that_a_column_cannot_hold(name, values, rule, rows):
    """Moments beyond Python's years, spans of time, nested lists: with the rows at fault."""
    with pytest.raises(DataError) as caught:
        read_table(Sample, {name: values})
    (violation,) = caught.value.violations
    assert (violation.column, violation.rule, violation.rows) == (name, rule, rows)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (np.ones((2, 3)), r"value \(ndarray of the dtype float64 and the shape \(2, 3\)\)"),
        (np.array(1.0), r"value \(ndarray of the dtype float64 and the shape \(\)\)"),
        ((number for number in [1.0]), r"value \(generator\)"),
        ({1.0}, r"value \(set\)"),
        ({0: 1.0}, r"value \(dict\)"),
        (1.0, r"value \(float\)"),
        ("ab", r"value \(str\)"),
        (np.array([(1, 2)], dtype="i8,i8"), r"value \(ndarray of the dtype \[\('f0', .*"),
        (pa.array([1.0]), r"value \(DoubleArray\)"),
    ],
)
def test_names_what_is_no_column(values, named):
    """With its type, and with what to give instead."""
    with pytest.raises(DataError, match=f"{named}. Give each as a list, or as an array of one"):
        read_table(Sample, {"word": ["a"], "value": values})


@pytest.mark.skipif(np.dtype("longdouble").itemsize == 8, reason="It is float64 here.")
def test_refuses_floats_that_would_lose_digits():
    """As a record does with such a value."""
    with pytest.raises(DataError, match=r"value: is not a number in 1 row"):
        read_table(Sample, {"value": np.array([1], dtype="longdouble")})


def test_columns_are_equally_long():
    """Those of the schema; what else is there is not looked at."""
    with pytest.raises(DataError, match=r"lengths are \{'count': 1, 'value': 2\}"):
        read_table(Sample, {"value": [1.0, 2.0], "count": [1]})
    assert len(read_table(Sample, {"value": [1.0, 2.0], "stranger": [1]})) == 2
    assert len(read_table(Sample, {"stranger": [1, 2, 3]})) == 3


def test_columns_in_levels_are_not_columns_of_the_schema():
    """A frame with two rows of names has none of one name."""
    for name, row in (("value", [1.0, 2.0]), ("word", ["p", "q"])):
        levels = pd.MultiIndex.from_product([[name], ["a", "b"]])
        frame = pd.DataFrame([row], columns=levels)
        assert missing(read_table(Sample, frame).column(name)).all()
        assert Sample.validate(frame)[name].isna().all()


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        (
            "at",
            pd.DatetimeIndex(["2013-12-23T18:15+01:00"], dtype="datetime64[s, UTC]"),
            "2013-12-23T17:15:00+00:00",
        ),
        ("seen", np.array(["2013-12-23T17:15"], dtype="M8[s]"), "2013-12-23T17:15:00"),
        (
            "seen",
            pd.DatetimeIndex([1], dtype="datetime64[ns, UTC]"),
            "1970-01-01T00:00:00.000000001+00:00",
        ),
    ],
)
def test_shows_a_moment_with_its_zone(name, values, found):
    """The value in a message shows whether it has one, whatever unit pandas holds it in."""
    with pytest.raises(DataError) as caught:
        read_table(Sample, {name: values})
    (violation,) = caught.value.violations
    assert violation.found == (repr(found),)
