"""Segments become Parquet, and no reader sees a receipt twice, or not at all."""

import fcntl
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from forks_of_tests import program
from logs_of_tests import ROW, logged

from mlkit.core.errors import DataError
from mlkit.core.receipts import closed_segments
from mlkit.history.reading import read_log
from mlkit.history.rotating import rotate
from mlkit.serving.settings import Model


def names(log: Path) -> list[str]:
    """Return the kinds of files in a log."""
    return sorted(path.suffix for path in log.iterdir() if path.is_file())


def ordered(log: Path) -> pd.DataFrame:
    """Return a log in an order of its own."""
    return read_log(log).sort_values(ROW, ignore_index=True)


def test_rotation_changes_nothing_that_is_read(log):
    """The same rows, columns and values before and after; a table each name and schema."""
    before = ordered(log)
    assert rotate(log) == 1
    assert names(log) == ["", ".parquet", ".parquet"]
    pd.testing.assert_frame_equal(ordered(log), before, check_like=True)
    for path in log.glob("*.parquet"):
        table = pq.read_table(path)
        assert len(set(table["name"].to_pylist())) == len(set(table["schema"].to_pylist())) == 1
    assert rotate(log) == 0


def test_a_line_that_was_cut_short_is_left_out(log):
    """As one that a process was killed at; all before it stay."""
    before = ordered(log)
    (segment,) = closed_segments(log)
    with segment.open("ab") as file:
        file.write(b'{"id": "torn", "time"')
    pd.testing.assert_frame_equal(ordered(log), before)
    rotate(log)
    pd.testing.assert_frame_equal(ordered(log), before, check_like=True)


def test_a_line_that_is_no_receipt_is_told_and_left_out(log, caplog):
    """As one that a disk spoilt."""
    before = ordered(log)
    (segment,) = closed_segments(log)
    segment.write_bytes(b"\0\0\0\n" + segment.read_bytes())
    pd.testing.assert_frame_equal(ordered(log), before)
    assert "receipt_unreadable" in caplog.text


def test_without_its_schema_a_segment_stays_as_it_is(log):
    """Nothing is lost; whoever reads is told what is absent, and where to find it."""
    before = ordered(log)
    schemas = shutil.move(log / "schemas", log.parent)
    assert rotate(log) == 0
    assert names(log) == ["", ".jsonl"]
    with pytest.raises(DataError, match=r"schemas/\w+\.json cannot be read.*copy schema\.json of"):
        read_log(log)
    shutil.move(schemas, log)
    pd.testing.assert_frame_equal(ordered(log), before)


def test_a_segment_that_is_written_is_left_alone(log):
    """While its process lives; it is read nevertheless."""
    (segment,) = closed_segments(log)
    with segment.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert rotate(log) == 0
        assert len(read_log(log))
    assert rotate(log) == 1


@pytest.mark.slow
def test_rotation_may_be_killed_at_any_step(log):
    """A reader then finds each receipt once, and the next rotation ends what was begun."""
    found, errors = program(Path(__file__).with_name("killing.py"), log, cwd=log.parent)
    assert found["killed"] >= 8, errors
    assert found["wrong"] == [], errors


@pytest.mark.slow
def test_a_log_is_whole_while_it_is_rotated(packed, records, tmp_path):
    """Whoever reads meanwhile finds each receipt once."""
    log = tmp_path / "predictions"
    model = Model(bundle=str(packed))
    for number in range(60):
        logged(tmp_path / f"{number}", {f"r{number}": records[:2]}, model)
    shutil.copytree(tmp_path / "0" / "schemas", log / "schemas")
    for path in tmp_path.glob("[0-9]*/*.jsonl"):
        path.rename(log / path.name)
    found, errors = program(Path(__file__).with_name("reading_along.py"), log, cwd=tmp_path)
    assert found == {"rotated": 60, "odd": []}, errors
