"""Hold a table of answers against the schema: which record each is of, and what it says."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import pyarrow as pa

from mlkit.core.column import Column
from mlkit.core.errors import DataError, listed
from mlkit.core.log import get_logger
from mlkit.core.schema import Schema
from mlkit.history.columns import INPUT, arrow_type
from mlkit.training.frames import digest, fingerprints, validate

log = get_logger(__name__)

#: What the columns of answers begin with, where they are stored.
ANSWER = "answer."
#: By which a record is known that was asked for, as in a log.
ID, ROW = Column(name="id", kind="string"), Column(name="row", kind="integer", ge=0)
_N_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A table of answers, one row for each record.

    Attributes
    ----------
    by, names
        The columns that name a record, and those that hold the answers.
    table
        The columns `id` and `row`, or `input.FIELD`, none of them missing; `answer.NAME`.
    digest
        SHA-256 of the names and the rows, whatever their order and the file's kind.
    n_rows
        Of the table as it was given.
    n_unanswered, n_unkeyed
        How many of them are left out: without an answer; with one, of an unknown record.
    """

    by: tuple[str, ...]
    names: tuple[str, ...]
    table: pa.Table
    digest: str
    n_rows: int
    n_unanswered: int
    n_unkeyed: int


def check_answers(frame: pd.DataFrame, schema: type[Schema]) -> Answers:
    """Return the answers in a frame.

    Parameters
    ----------
    frame
        It has the column `id` (of the request; also `row`, the record's place in it, 0 by
        default), or fields that were known before; a name that the schema has is a field.
        The answers are in columns of the role `target` or `outcome`.
    schema
        What the records are. Its personal data are not looked at.

    Raises
    ------
    DataError
        If such columns are absent, if values break the schema (all at once), or if a record
        has two answers.
    """
    keys, answers = _chosen(frame, schema)
    if ROW in keys:
        frame = frame.assign(row=_numbers(frame["row"]) if "row" in frame else 0)
    columns = {column.name: column for column in (*keys, *answers)}
    wanted: type[Schema] = type(schema.__name__, (Schema,), {"columns": columns})
    checked = validate(wanted, frame).reset_index(drop=True)
    by, names = ([column.name for column in each] for each in (keys, answers))
    is_answered = checked[names].notna().any(axis=1)
    is_known = checked[by].notna().all(axis=1)
    rows = _one_each(checked[is_answered & is_known], by, names)
    stored = {
        **{(c.name if c in (ID, ROW) else f"{INPUT}{c.name}"): c for c in keys},
        **{f"{ANSWER}{c.name}": c for c in answers},
    }
    arrays = [_array(rows[column.name], column) for column in stored.values()]
    rows = rows[sorted([*by, *names])]
    text = f"{[*stored]} {digest(fingerprints(rows))}"
    return Answers(
        by=tuple(by),
        names=tuple(names),
        table=pa.table(arrays, names=[*stored]),
        digest=hashlib.sha256(text.encode()).hexdigest(),
        n_rows=len(frame),
        n_unanswered=int((~is_answered).sum()),
        n_unkeyed=int((is_answered & ~is_known).sum()),
    )


def _chosen(frame: pd.DataFrame, schema: type[Schema]) -> tuple[list[Column], list[Column]]:
    """Return the columns that name a record, and those that hold the answers."""
    found = set(frame)
    columns = [c for c in schema.columns.values() if c.name in found and not c.pii]
    keys = [column for column in columns if column.known_before]
    if ID.name in found and ID.name not in schema.columns:
        keys = [ID, ROW]
    answers = [replace(column, nullable=True) for column in columns if not column.known_before]
    if not keys:
        fields = [c.name for c in schema.columns.values() if c.known_before and not c.pii]
        raise DataError(
            "The table does not say of which record each answer is: it has the columns "
            f"{listed(frame)}. Add the id of the request, or fields of {schema.__name__} that "
            f"were asked with, and are not personal data: {listed(fields, most=20)}."
        )
    if not answers:
        valid = [c.name for c in schema.columns.values() if not c.known_before and not c.pii]
        raise DataError(
            f"The table has no answers: its columns are {listed(frame)}. Add at least one that "
            f"is known only afterwards, and is not personal data: {listed(valid, most=20)}."
        )
    left_out = sorted(str(n) for n in found - {column.name for column in (*keys, *answers)})
    if left_out:
        log.info("columns_left_out", columns=left_out)
    return keys, answers


def _numbers(values: pd.Series) -> pd.Series:
    """Return text of whole numbers, which a CSV holds, as these; all else as it is."""
    try:
        return pd.to_numeric(values)
    except (ValueError, TypeError):
        return values


def _array(values: pd.Series, column: Column) -> pa.Array:
    if column.tz:
        # PyArrow would take them in a way that pandas 3.1 warns of.
        values = values.dt.tz_convert(None).to_numpy()
    return pa.array(values, type=arrow_type(column), from_pandas=True)


def _one_each(rows: pd.DataFrame, by: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """Return the rows with each record once; raise a DataError if answers to one differ."""
    if not rows.duplicated(by).any():
        return rows
    groups = rows.groupby([*by], sort=False)[[*names]]
    said = rows[[*names]]
    is_odd = ((said != groups.transform("first")) & said.notna()).any(axis=1)
    if is_odd.any():
        odd = rows.loc[is_odd, [*by]].drop_duplicates()
        shown = "; ".join(
            ", ".join(f"{name}={value}" for name, value in record.items())
            for record in odd.head(_N_SHOWN).to_dict("records")
        )
        raise DataError(
            f"Records with several answers in the table: {len(odd):,}. The first: {shown} (in the "
            f"rows {listed(odd.index)} again). Keep one of each, or add fields that tell records "
            "apart."
        )
    return groups.first().reset_index()
