"""Keep the answers that come after the predictions, and find those of a log's rows.

They lie beside a log's receipts, in the folder `labels`: a Parquet file for each table that
was given, NUMBER.DIGEST.parquet, with what was new in it. Nothing in it is ever changed.
"""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlkit.core.column import Column
from mlkit.core.errors import DataError, first_line, listed
from mlkit.core.files import written_file
from mlkit.core.receipts import TABLE
from mlkit.core.schema import Schema
from mlkit.history.columns import arrow_type
from mlkit.history.reading import UNSHADOWED, read_table
from mlkit.monitoring.answers import ANSWER, ID, ROW, Answers, check_answers
from mlkit.monitoring.matching import matches
from mlkit.training.frames import as_series

_FOLDER = "labels"
_FILES = f"{'[0-9]' * 8}.*{TABLE}"
#: The number of the file that a label is of.
_GIVEN = "given"
#: The names and types of the columns that name a record.
_Key = tuple[tuple[str, pa.DataType], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What a table of answers brought.

    Attributes
    ----------
    by, answers
        The columns that name a record, and those that hold the answers.
    n_rows
        Of the table.
    n_new, n_changed
        How many gave the first answer to a record, and another than before.
    n_unanswered, n_unkeyed
        How many were left out: without an answer; with one, where a column of `by` is missing.
    n_unmatched
        How many of the others are of no record in the log, so far.
    """

    by: tuple[str, ...]
    answers: tuple[str, ...]
    n_rows: int
    n_new: int
    n_changed: int
    n_unanswered: int
    n_unkeyed: int
    n_unmatched: int

    @property
    def n_known(self) -> int:
        """How many said what was known already."""
        others = (self.n_new, self.n_changed, self.n_unanswered, self.n_unkeyed)
        return self.n_rows - sum(others)

    def summary(self) -> str:
        """Return it as lines."""
        text = (
            f"Answers ({listed(self.answers)}) by {listed(self.by)}; rows read: {self.n_rows:,}, "
            f"new: {self.n_new:,}, corrected: {self.n_changed:,}, known already: {self.n_known:,}."
        )
        if self.n_unmatched:
            text += f"\nOf no record in the log so far: {self.n_unmatched:,}."
        if self.n_unanswered:
            text += f"\nLeft out for want of an answer: {self.n_unanswered:,}."
        if self.n_unkeyed:
            text += (
                f"\nLeft out, since a value that names the record is missing: {self.n_unkeyed:,}. "
                "Give the table without a column that is often missing."
            )
        return text


def add_labels(log: Path, frame: pd.DataFrame, schema: type[Schema]) -> Added:
    """Keep the answers in a frame that are new, or correct earlier ones.

    A table that was given before, in any order of its rows, does nothing. A kill at any
    moment leaves all of it or nothing; several processes may do it at once.

    Parameters
    ----------
    log
        The folder that a service writes.
    frame
        See `check_answers`.
    schema
        What the records are.

    Raises
    ------
    DataError
        If there is no log, or the frame is no table of answers.
    """
    if not log.is_dir():
        raise DataError(f"There is no log in {log}. Give the folder that the service writes to.")
    answers = check_answers(frame, schema)
    is_new = is_changed = np.zeros(len(answers.table), dtype=bool)
    with _alone(log / _FOLDER) as folder:
        files = _files(log)
        if not any(path.name.endswith(f".{answers.digest}{TABLE}") for path in files):
            is_new, is_changed = _compared(log, answers, schema)
            number = int(files[-1].name.partition(".")[0]) + 1 if files else 0
            path = folder / f"{number:08d}.{answers.digest}{TABLE}"
            with written_file(path) as draft:
                pq.write_table(answers.table.filter(pa.array(is_new | is_changed)), draft)
    keys = [name for name in answers.table.column_names if not name.startswith(ANSWER)]
    matched = matches(read_table(log, UNSHADOWED, keys), answers.table, keys)
    return Added(
        by=answers.by,
        answers=answers.names,
        n_rows=answers.n_rows,
        n_new=int((is_new & ~is_changed).sum()),
        n_changed=int(is_changed.sum()),
        n_unanswered=answers.n_unanswered,
        n_unkeyed=answers.n_unkeyed,
        n_unmatched=len(answers.table) - len(np.unique(matched[matched >= 0])),
    )


def labels_of(log: Path, table: pa.Table, column: Column) -> pd.Series:
    """Return the answer to each row of a log, missing where there is none yet.

    An answer by the request's id goes before one by fields; of several, the last one counts.

    Parameters
    ----------
    log
        The folder that a service writes.
    table
        Rows of it, as `read_table` returns them, with the columns of `label_keys`.
    column
        A target or an outcome.

    Returns
    -------
    pandas.Series
        Shape (n_rows,), in the type of a column that may be missing; see `Schema.validate`.

    Raises
    ------
    DataError
        If answers cannot be read, or are not of the column's kind.
    """
    column = replace(column, nullable=True)
    place, given = (np.full(len(table), -1, dtype="int64") for _ in range(2))
    values: list[pa.Array] = []
    offset = 0
    sets = _sets(log, column)
    n_given = len(_files(log))
    for key, labels in sets.items():
        by = [name for name, _ in key]
        found = matches(table, labels, by)
        order = labels[_GIVEN].to_numpy()
        if ID.name in by:
            order = order + n_given
        hits = np.flatnonzero(found >= 0)
        hits = hits[order[found[hits]] > given[hits]]
        place[hits] = found[hits] + offset
        given[hits] = order[found[hits]]
        values += labels[f"{ANSWER}{column.name}"].chunks
        offset += len(labels)
    answers = _taken(pa.chunked_array(values, type=arrow_type(column)), place)
    if column.kind == "boolean":
        answers = answers.cast(pa.float64())
    return as_series(column, answers.to_numpy().astype(column.dtype)).rename(column.name)


def label_keys(log: Path) -> list[str]:
    """Return the columns of a log by which answers are given: all that `labels_of` looks at."""
    fields = {name for path in _files(log) for name in _schema(path).names}
    keys = {name for name in fields if not name.startswith(ANSWER)}
    return sorted({ID.name, ROW.name} | keys)


def count_labels(log: Path, columns: Sequence[Column]) -> tuple[int, list[int]]:
    """Return how many records of a log there are, and how many have an answer in each column.

    A record that a shadow scored, too, is counted once.
    """
    table = read_table(log, UNSHADOWED, label_keys(log))
    return len(table), [int(labels_of(log, table, each).notna().sum()) for each in columns]


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """Make the folder, and wait until nobody else writes there."""
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for draft in folder.glob(f".*{TABLE}.*"):
            # Its process was killed: who lives has the lock.
            draft.unlink()
        yield folder


def _files(log: Path) -> list[Path]:
    """Return the files of labels, in the order in which they were given."""
    return sorted((log / _FOLDER).glob(_FILES))


def _compared(log: Path, answers: Answers, schema: type[Schema]) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows have an answer that is the first to its record, and which another."""
    is_new, is_changed = (np.zeros(len(answers.table), dtype=bool) for _ in range(2))
    stored = [f"{ANSWER}{name}" for name in answers.names]
    key = tuple((f.name, f.type) for f in answers.table.schema if f.name not in stored)
    for name in answers.names:
        column = replace(schema.columns[name], nullable=True)
        said = answers.table[f"{ANSWER}{name}"]
        is_said = said.is_valid().to_numpy()
        labels = _sets(log, column).get(key)
        if labels is None:
            is_new |= is_said
            continue
        place = matches(answers.table, labels, [name for name, _ in key])
        was = _taken(labels[f"{ANSWER}{name}"], place)
        is_new |= is_said & (place < 0)
        is_changed |= pc.fill_null(pc.not_equal(said, was), fill_value=False).to_numpy()
    return is_new, is_changed


def _sets(log: Path, column: Column) -> dict[_Key, pa.Table]:
    """Return all answers that were ever given to a column, in their order, by their keys."""
    name = f"{ANSWER}{column.name}"
    found: dict[_Key, list[pa.Table]] = {}
    for number, path in enumerate(_files(log)):
        schema = _schema(path)
        if name not in schema.names:
            continue
        key = tuple((f.name, f.type) for f in schema if not f.name.startswith(ANSWER))
        table = _read(path, [*(name for name, _ in key), name], column)
        given = pa.array(np.full(len(table), number))
        found.setdefault(key, []).append(table.append_column(_GIVEN, given))
    return {key: pa.concat_tables(tables) for key, tables in found.items()}


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet file: {first_line(error)}") from None


def _read(path: Path, columns: Sequence[str], column: Column) -> pa.Table:
    """Return the rows of a file that have the answer, which stands last, in its type."""
    try:
        table = pq.read_table(path, columns=[*columns], partitioning=None)
        table = table.filter(pc.is_valid(table[columns[-1]]))
        answers = table[columns[-1]].cast(arrow_type(column))
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path} holds no answers of the kind that {column.name} has ({column.kind}): "
            f"{first_line(error)}. Move it away, and give these answers again."
        ) from None
    return table.set_column(len(columns) - 1, columns[-1], answers)


def _taken(values: pa.ChunkedArray, place: np.ndarray) -> pa.ChunkedArray:
    """Return the values at some places, missing at -1."""
    return values.take(pa.array(place, mask=place < 0))
