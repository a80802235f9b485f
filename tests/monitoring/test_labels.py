"""Answers come late, twice, corrected and in any order: the last one given counts."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from forks_of_tests import program
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import Schema, column
from mlkit.core.column import Column
from mlkit.core.errors import DataError
from mlkit.core.receipts import Receipt, closed_segments, schema_file
from mlkit.history.reading import read_log, read_table
from mlkit.history.rotating import rotate
from mlkit.monitoring.labels import add_labels, count_labels, label_keys, labels_of
from mlkit.training.data import read_frame


class Visit(Schema):
    """Something with each way to name a record, and answers of each type."""

    shop: str = column(role="key")
    number: int = column(role="key")
    guest: str | None = column(role="key")
    came: datetime = column(role="event_time")
    booked: datetime | None = column(tz="America/New_York")
    price: float | None = column(ge=0)
    is_open: bool | None
    person: str | None = column(pii=True)
    stayed: float | None = column(role="outcome", ge=0, unit="min")
    stars: int | None = column(role="outcome", ge=1, le=5)
    returned: bool = column(role="target")
    left: datetime | None = column(role="outcome", tz="America/New_York")
    word: str | None = column(role="outcome")
    diagnosis: str | None = column(role="outcome", pii=True)


STAYED = Visit.columns["stayed"]
CAME = datetime(2024, 5, 1, 12)
#: An answer of each type.
GIVEN = {
    "stayed": 1.5,
    "stars": 4,
    "returned": True,
    "left": datetime.fromisoformat("2024-05-01T09:00:00-04:00"),
    "word": "fine",
}


def visit(number: int, **changes) -> dict:
    """Return what was asked for one visit."""
    return {
        "shop": "north",
        "number": number,
        "guest": None,
        "came": CAME + timedelta(days=number),
        "booked": "2024-04-01T08:00:00-04:00",
        "price": 0.1 * number,
        "is_open": True,
        "person": "P. Erson",
    } | changes


def write_log(log: Path, requests: dict[str, list[dict]], role: str = "champion") -> Path:
    """Write receipts as a service does."""
    path = schema_file(log, "s")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Visit.to_json(), encoding="utf-8")
    with (log / "1.jsonl").open("ab") as segment:
        for request, records in requests.items():
            receipt = Receipt(
                id=request,
                time=1.5,
                name="m",
                model="m/1",
                digest="d",
                schema="s",
                ms=0.25,
                records=[{k: v for k, v in each.items() if k != "person"} for each in records],
                label=[True] * len(records),
                role=role,
            )
            segment.write(msgspec.json.encode(receipt) + b"\n")
    return log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log of two requests of one record, and one of three."""
    requests = {"a": [visit(1)], "b": [visit(2)], "c": [visit(3), visit(4), visit(5)]}
    return write_log(tmp_path / "predictions", requests)


def answers(log: Path, name: str = "stayed") -> list:
    """Return the answers to a log's rows, None where there is none."""
    found = labels_of(log, read_table(log), Visit.columns[name])
    return [None if pd.isna(value) else value for value in found]


def test_an_answer_is_of_a_request(log):
    """By its id, and by the record's place in it, which is 0 where it is not said."""
    assert answers(log) == [None] * 5
    added = add_labels(log, pd.DataFrame({"id": ["a", "c", "z"], "stayed": [1, 2, 3]}), Visit)
    assert (added.by, added.n_rows, added.n_new, added.n_known) == (("id", "row"), 3, 3, 0)
    assert answers(log) == [1.0, None, 2.0, None, None]
    add_labels(log, pd.DataFrame({"id": ["c", "c"], "row": [2, 1], "stayed": [5.0, 4.0]}), Visit)
    assert answers(log) == [1.0, None, 2.0, 4.0, 5.0]
    assert label_keys(log) == ["id", "row"]


@pytest.mark.parametrize(
    "by",
    [
        ["number"],
        ["shop", "number"],
        ["came"],
        ["shop", "came"],
        ["price"],
        ["shop", "number", "came", "booked", "price", "is_open"],
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_answer_is_of_fields(log, by, suffix):
    """By all that the table has of them, in each type, whatever file they come in."""
    path = log.parent / f"visits.{suffix}"
    frame = pd.DataFrame([visit(number, stayed=number / 4) for number in (5, 1, 3)])
    frame["booked"] = pd.to_datetime(frame["booked"], utc=True)
    getattr(frame[[*by, "stayed"]], f"to_{suffix}")(path, index=False)
    assert add_labels(log, read_frame(path, Visit), Visit).by == tuple(by)
    assert answers(log) == [0.25, None, 0.75, None, 1.25]
    fields = [f"input.{name}" for name in by]
    assert label_keys(log) == sorted(["id", "row", *fields])
    few = read_table(log, columns=label_keys(log))
    assert labels_of(log, few, STAYED).dropna().tolist() == [0.25, 0.75, 1.25]


def test_an_answer_has_its_columns_type(log):
    """That of a validated column in which a value may be missing, on any rows of the log."""
    add_labels(log, pd.DataFrame({"id": ["b"], **{n: [v] for n, v in GIVEN.items()}}), Visit)
    optional = type("Visit", (Visit,), {"__annotations__": {"returned": bool | None}})
    nothing = pd.DataFrame([visit(n, returned=None) for n in range(5)])
    expected = optional.validate(nothing)
    for name, value in GIVEN.items():
        expected.loc[1, name] = value
        found = labels_of(log, read_table(log), Visit.columns[name])
        pd.testing.assert_series_equal(found, expected[name])
        empty = labels_of(log, read_table(log).slice(0, 0), Visit.columns[name])
        pd.testing.assert_series_equal(empty, expected[name].iloc[:0])


def test_the_last_answer_counts_and_a_table_counts_once(log):
    """A correction stays, though the table before it is given again, in whatever form."""
    first = pd.DataFrame({"id": ["a", "b"], "stayed": [1.0, 2.0], "note": ["x", "y"]})
    second = pd.DataFrame({"id": ["b", "a"], "stayed": [20.0, 1.0]})
    assert add_labels(log, first, Visit).n_new == 2
    added = add_labels(log, second, Visit)
    assert (added.n_new, added.n_changed, added.n_known) == (0, 1, 1)
    stored = [pq.read_table(path).num_rows for path in sorted(log.glob("labels/*.parquet"))]
    assert stored == [2, 1]
    path = log.parent / "again.csv"
    first.iloc[::-1].drop(columns="note").to_csv(path, index=False)
    for frame in (first, read_frame(path, Visit), second):
        added = add_labels(log, frame, Visit)
        assert (added.n_new, added.n_changed, added.n_known) == (0, 0, 2)
    assert answers(log)[:2] == [1.0, 20.0]
    assert len([*log.glob("labels/*.parquet")]) == 2


def test_what_is_said_twice_in_a_table_is_said_once(log):
    """Also in parts, in each type, by each kind of key; one that differs is found there."""
    frame = pd.DataFrame([visit(1, **GIVEN), visit(2), visit(1, word="fine"), visit(1, **GIVEN)])
    frame["booked"] = pd.to_datetime(frame["booked"], utc=True)
    frame = frame.drop(columns=["guest"])
    frame["left"] = pd.to_datetime(frame["left"], utc=True)
    added = add_labels(log, frame, Visit)
    assert (added.n_new, added.n_known, added.n_unanswered) == (1, 2, 1)
    assert {name: answers(log, name)[0] for name in GIVEN} == GIVEN
    for name, other in {"stars": 1, "returned": False, "word": "bad"}.items():
        with pytest.raises(DataError, match=r"several answers.*: 1\..*shop=north, number=1, "):
            add_labels(log, frame.assign(**{name: [*frame[name][:3], other]}), Visit)


def test_each_answer_of_a_record_comes_in_its_own_time(log):
    """One that is missing takes nothing away from an earlier one, and is none."""
    add_labels(log, pd.DataFrame({"id": ["a"], "stayed": [1.0], "stars": [None]}), Visit)
    added = add_labels(
        log,
        pd.DataFrame({"id": ["a", "b"], "stayed": [np.nan, np.nan], "stars": [3, None]}),
        Visit,
    )
    assert (added.n_new, added.n_unanswered) == (1, 1)
    assert (answers(log)[0], answers(log, "stars")[0]) == (1.0, 3.0)


def test_an_id_goes_before_fields_and_later_before_earlier_fields(log):
    """Whichever came first, where a record has answers by several keys."""
    add_labels(log, pd.DataFrame({"id": ["a"], "stayed": [1.0]}), Visit)
    add_labels(log, pd.DataFrame({"number": [1, 2], "stayed": [10.0, 20.0]}), Visit)
    add_labels(log, pd.DataFrame({"came": [CAME + timedelta(days=2)], "stayed": [30.0]}), Visit)
    assert answers(log)[:2] == [1.0, 30.0]
    add_labels(log, pd.DataFrame({"number": [2], "stayed": [40.0]}), Visit)
    assert answers(log)[:2] == [1.0, 40.0]


def test_missing_keys_match_nothing(log):
    """Neither in the answers, where they are counted, nor in the log."""
    write_log(log, {"d": [visit(6, guest="ann")]})
    frame = pd.DataFrame({"guest": [None, "ann"], "stayed": [1.0, 2.0]})
    added = add_labels(log, frame, Visit)
    assert (added.n_new, added.n_unkeyed) == (1, 1)
    assert "Left out, since a value that names the record is missing: 1." in added.summary()
    assert answers(log) == [None] * 5 + [2.0]
    table = read_table(log).drop_columns(["input.guest"])
    assert labels_of(log, table, STAYED).isna().all()


def test_all_rows_of_a_key_get_its_answer(log):
    """An id that was sent twice, a record that was asked for again, a shadow's row."""
    write_log(log, {"a": [visit(1)], "again": [visit(1)]})
    write_log(log, {"a": [visit(1)]}, role="shadow")
    add_labels(log, pd.DataFrame({"id": ["a"], "stayed": [1.0]}), Visit)
    assert answers(log) == [1.0, None, None, None, None, 1.0, None, 1.0]
    add_labels(log, pd.DataFrame({"number": [1], "stayed": [2.0]}), Visit)
    assert answers(log) == [1.0, None, None, None, None, 1.0, 2.0, 1.0]
    assert count_labels(log, [STAYED, Visit.columns["word"]]) == (7, [3, 0])


def test_the_labels_disturb_no_reader_and_no_rotation(log):
    """The log is read and rotated as before, and answers are found in either form."""
    before, segments = read_log(log), closed_segments(log)
    add_labels(log, pd.DataFrame({"id": ["a"], "stayed": [1.0]}), Visit)
    pd.testing.assert_frame_equal(read_log(log), before)
    assert closed_segments(log) == segments
    assert rotate(log) == 1
    pd.testing.assert_frame_equal(read_log(log), before)
    assert answers(log)[0] == 1.0
    assert len([*log.glob("labels/*.parquet")]) == 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"stayed": [1.0]}, r"does not say of which record.*Visit.*shop, number, guest, came"),
        ({"person": ["x"], "stayed": [1.0]}, "does not say of which record"),
        ({"id": ["a"], "price": [1.0]}, r"no answers.*stayed, stars, returned, left, word\."),
        ({"id": ["a"], "diagnosis": ["x"]}, "no answers: its columns are id, diagnosis"),
        ({"id": [None], "stayed": [1.0]}, "id: is missing in 1 row"),
        ({"id": ["a"], "row": ["one"], "stayed": [1.0]}, "row: is not a whole number"),
        ({"id": ["a"], "row": [-1], "stayed": [1.0]}, "row: is not at least 0"),
        ({"number": [None], "stayed": [1.0]}, "number: is missing in 1 row"),
        (
            {"id": [1, "b"], "stayed": [-1.0, 1.0], "stars": [9, 2.5]},
            r"id: is not text.*stayed: is not at least 0.*stars: is not at most 5.*stars: is not a",
        ),
        (
            {"id": ["a", "b", "a", "b", "a"], "stayed": [1.0, 2.0, 3.0, 2.0, 1.0]},
            r"several answers in the table: 1\. The first: id=a, row=0 \(in the rows 2 again\)",
        ),
    ],
)
def test_a_table_that_is_no_table_of_answers_is_refused(log, columns, message):
    """With all that is wrong with it, and nothing is kept."""
    with pytest.raises(DataError) as caught:
        add_labels(log, pd.DataFrame(columns), Visit)
    assert caught.match(message)
    assert answers(log) == [None] * 5


def test_what_cannot_be_read_is_told(log):
    """A log that is not there, a file that is no Parquet, answers that changed their kind."""
    frame = pd.DataFrame({"id": ["a"], "word": ["fine"]})
    with pytest.raises(DataError, match=r"There is no log in .*nowhere"):
        add_labels(log.with_name("nowhere"), frame, Visit)
    assert not log.with_name("nowhere").exists()
    add_labels(log, frame, Visit)
    with pytest.raises(DataError, match="holds no answers of the kind that word has"):
        labels_of(log, read_table(log), Column(name="word", kind="number"))
    (path,) = log.glob("labels/*.parquet")
    shutil.copy(path, path.with_name("copy.parquet"))
    path.write_bytes(b"PAR1")
    with pytest.raises(DataError, match="is not a readable Parquet file"):
        answers(log, "word")


def test_a_field_that_is_called_id_is_a_field(tmp_path):
    """A name that the schema has means that column, not the request's."""

    class Order(Schema):
        id: str = column(role="key")
        paid: float | None = column(role="outcome")

    tmp_path.joinpath("log").mkdir()
    frame = pd.DataFrame({"id": ["a"], "paid": [1.0]})
    assert add_labels(tmp_path / "log", frame, Order).by == ("id",)
    table = pa.table({"id": ["a", "r"], "row": [0, 0], "input.id": ["b", "a"]})
    assert labels_of(tmp_path / "log", table, Order.columns["paid"]).tolist()[1:] == [1.0]
    assert labels_of(tmp_path / "log", table, Order.columns["paid"]).isna()[0]


def test_whole_numbers_and_zeros_are_compared_exactly(tmp_path):
    """Those that no float holds stay apart, and 0.0 is -0.0."""

    class Thing(Schema):
        serial: int
        level: float
        result: float | None = column(role="outcome")

    large = 2**60
    frame = pd.DataFrame({"serial": [large, large + 1], "result": [1.0, 2.0]})
    add_labels(tmp_path, frame, Thing)
    result = Thing.columns["result"]
    table = pa.table({"input.serial": [large + 2, large + 1, None, large]})
    assert labels_of(tmp_path, table, result).fillna(-1).tolist() == [-1, 2, -1, 1]
    add_labels(tmp_path, pd.DataFrame({"level": [-0.0], "result": [3.0]}), Thing)
    table = pa.table({"input.level": [0.0, 1.0, -0.0]})
    assert labels_of(tmp_path, table, result).fillna(-1).tolist() == [3, -1, 3]


KEYS = st.tuples(st.sampled_from("abcd"), st.integers(0, 1))
SAID = st.tuples(st.none() | st.integers(0, 2), st.none() | st.integers(1, 3))
TABLES = st.lists(st.dictionaries(KEYS, SAID, min_size=1, max_size=5), min_size=1, max_size=4)


def framed(rows: list) -> pd.DataFrame:
    """Return rows of a key and its answers as a table."""
    return pd.DataFrame(
        [(*key, *said) for key, said in rows], columns=["id", "row", "stayed", "stars"]
    ).astype({"stayed": "float64", "stars": "float64"})


def joined(tables: list[list]) -> list[tuple]:
    """Return what a log of all keys gets, when the tables are given one after the other."""
    keys = [(request, row) for request in "abcd" for row in (0, 1)]
    table = pa.table({"id": [key[0] for key in keys], "row": [key[1] for key in keys]})
    with TemporaryDirectory() as folder:
        for rows in tables:
            add_labels(Path(folder), framed(rows), Visit)
        found = [labels_of(Path(folder), table, Visit.columns[n]) for n in ("stayed", "stars")]
    return [*zip(*(each.fillna(-1).tolist() for each in found), strict=True)]


@given(TABLES, st.data())
def test_what_was_given_last_counts_in_any_sequence(tables, data):
    """Each table once, however often it comes; of each answer the last that is not missing."""
    order = data.draw(st.lists(st.sampled_from(tables), max_size=6))
    known: dict[tuple, list] = {}
    seen = []
    for table in order:
        said = {key: values for key, values in table.items() if values != (None, None)}
        if said in seen:
            continue
        seen.append(said)
        for key, values in said.items():
            before = known.get(key, [-1, -1])
            known[key] = [b if v is None else v for b, v in zip(before, values, strict=True)]
    expected = [tuple(known.get((r, row), (-1, -1))) for r in "abcd" for row in (0, 1)]
    assert joined([data.draw(st.permutations([*table.items()])) for table in order]) == expected


@settings(max_examples=30)
@given(st.dictionaries(KEYS, SAID, min_size=1), st.data())
def test_parts_in_any_order_make_the_whole(table, data):
    """A table in parts, some of them twice and in any order, is the table at once."""
    rows = [*table.items()]
    parts = data.draw(st.lists(st.lists(st.sampled_from(rows), min_size=1), max_size=4))
    order = data.draw(st.permutations([*parts, *([row] for row in rows), *parts[:1]]))
    assert joined(order) == joined([rows])


FIELDS = ("shop", "guest", "booked", "price", "is_open")
MOMENTS = [datetime(2024, 4, day, tzinfo=UTC) for day in (1, 2)]
ROWS = st.tuples(
    st.sampled_from("ab"),
    st.none() | st.sampled_from("ab"),
    st.none() | st.sampled_from(MOMENTS),
    st.none() | st.sampled_from([0.0, 0.1]),
    st.none() | st.booleans(),
)


@given(
    st.lists(ROWS, max_size=6),
    st.lists(ROWS, min_size=1, max_size=6),
    st.lists(st.sampled_from(FIELDS), min_size=1, unique=True),
)
def test_a_row_gets_the_answer_with_its_very_fields(asked, answered, by):
    """With all of them, none of which is missing; any other row gets none."""
    said = {}
    for row in answered:
        key = tuple(dict(zip(FIELDS, row, strict=True))[name] for name in by)
        said.setdefault(key, float(len(said)))
    frame = pd.DataFrame([[*key, value] for key, value in said.items()], columns=[*by, "stayed"])
    types = [pa.string(), pa.string(), pa.timestamp("us", "UTC"), pa.float64(), pa.bool_()]
    columns = [*zip(*asked, strict=True)] or [()] * len(FIELDS)
    table = pa.table(
        {
            f"input.{name}": pa.array(values, type=kind)
            for name, values, kind in zip(FIELDS, columns, types, strict=True)
        }
    )
    with TemporaryDirectory() as folder:
        add_labels(Path(folder), frame, Visit)
        found = labels_of(Path(folder), table, STAYED).fillna(-1).tolist()
    keys = [tuple(dict(zip(FIELDS, row, strict=True))[name] for name in by) for row in asked]
    assert found == [-1 if None in key else said.get(key, -1) for key in keys]


def test_kills_and_processes_at_once_lose_and_double_nothing(log, tmp_path):
    """After a kill at any step there is all of a table or nothing, and the next one succeeds."""
    shutil.rmtree(log)
    write_log(log, {"a": [visit(1)], "b": [visit(2)], "c": [visit(3)]})
    found, errors = program(Path(__file__).with_name("adding.py"), log, cwd=tmp_path)
    assert found["killed"] > 5
    assert found["odd"] == []
    # Of a, b and c, the first had its answer before.
    assert sum(found["new"]) == 2
    assert found["found"] == [97.0, 98.0, 99.0]
    assert errors == ""


def test_a_million_rows_are_joined_in_a_breath(tmp_path):
    """The join is of whole columns: a row takes no Python of its own."""
    n_rows = 1_000_000
    numbers = np.arange(n_rows)
    frame = pd.DataFrame({"number": numbers[::2], "stayed": numbers[::2] / 7})
    add_labels(tmp_path, frame, Visit)
    table = pa.table({"input.number": numbers[::-1]})
    found = labels_of(tmp_path, table, STAYED).to_numpy()
    expected = np.where(numbers % 2, np.nan, numbers / 7)[::-1]
    np.testing.assert_array_equal(found, expected)
