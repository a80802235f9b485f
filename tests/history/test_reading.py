"""A log is one table, whatever files it lies in."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pandas as pd
import pytest
from logs_of_tests import altered, logged

from mlkit.core.errors import DataError
from mlkit.history.reading import find_receipts, read_log, read_table
from mlkit.history.rotating import rotate
from mlkit.serving.settings import Model


@pytest.fixture(params=["segments", "tables", "both"])
def folder(request, log, packed, records):
    """Return a log as lines, as Parquet, or half and half."""
    if request.param != "segments":
        rotate(log)
    if request.param == "both":
        logged(log, {"later": records[:1]}, Model(bundle=str(packed), name="plain"))
    return log


def test_what_is_asked_for_is_read(folder):
    """One name; what was answered from a moment on, and before another."""
    every = read_log(folder)
    assert set(every["name"]) == {"mixed", "plain"}
    plain = read_log(folder, name="plain")
    assert len(plain) == (every["name"] == "plain").sum()
    moments = every["time"].sort_values()
    middle = moments.iloc[len(moments) // 2].to_pydatetime()
    early, late = read_log(folder, until=middle), read_log(folder, since=middle)
    assert len(early) + len(late) == len(every)
    assert early["time"].max() < middle <= late["time"].min()
    naive = middle.astimezone(UTC).replace(tzinfo=None)
    assert len(read_log(folder, since=naive)) == len(late)
    assert read_log(folder, since=datetime.now(tz=UTC) + timedelta(days=1)).empty


def test_a_request_leads_to_the_bundles_that_answered(folder, packed, strict):
    """Each once, though it had many records."""
    found = find_receipts(folder, "many")
    assert sorted(found["name"] + " " + found["role"]) == [
        "mixed canary",
        "mixed champion",
        "mixed shadow",
        "plain champion",
    ]
    assert find_receipts(folder, "nobody").empty


def test_personal_data_are_not_there(packed, records, tmp_path):
    """Neither in the lines nor in the table."""
    bundle = altered(packed, tmp_path / "bundle", pii="tailnum")
    named = [{**record, "tailnum": "N1SECRET"} for record in records]
    logged(tmp_path / "log", {"r": named}, Model(bundle=str(bundle)))
    assert not [p for p in (tmp_path / "log").rglob("*.*") if b"N1SECRET" in p.read_bytes()]
    frame = read_log(tmp_path / "log")
    assert "input.tailnum" not in frame
    assert "input.carrier" in frame


def test_an_empty_log_has_no_rows_and_none_is_an_error(tmp_path):
    """With the folder's name."""
    assert read_log(tmp_path).empty
    with pytest.raises(DataError, match=r"There is no log in .*absent"):
        read_log(tmp_path / "absent")


def test_a_table_of_something_else_is_named(log):
    """It is whole, and no log."""
    pd.DataFrame({"a": [1]}).to_parquet(log / "other.parquet")
    for read in (read_log, partial(find_receipts, request="r")):
        with pytest.raises(DataError, match=r"other\.parquet holds no receipts\. Give the folder"):
            read(log)


def test_a_damaged_table_is_named(log):
    """Whatever it holds."""
    (log / "20260101T000000000000-0.0.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"-0\.0\.parquet is not a readable Parquet file"):
        read_log(log)


def test_columns_are_read_where_they_are_there(folder, tmp_path):
    """A column that no receipt has is left out, as a schema of before may lack it."""
    names = ["id", "input.carrier", "input.of_later"]
    assert read_table(folder, columns=names).column_names == ["id", "input.carrier"]
    assert read_table(tmp_path, columns=names).column_names == ["id"]
