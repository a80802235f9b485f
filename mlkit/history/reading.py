"""Read a log as a table, whatever a service does to it meanwhile."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import cache
from io import BufferedReader
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlkit.core.errors import DataError, first_line
from mlkit.core.moments import in_utc
from mlkit.core.receipts import SEGMENT, TABLE, read_receipts, schema_file
from mlkit.core.schema import Schema
from mlkit.history.columns import FIXED, MOMENT, batches

#: That a row is not of a shadow: what this was asked, the champion was asked as well.
UNSHADOWED = pc.field("role") != "shadow"


def read_log(
    folder: str | Path,
    *,
    name: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pd.DataFrame:
    """Return a log's receipts, one row for each record that was predicted.

    What a service has not turned into Parquet is read as well. Rows of one process are in
    their order.

    Parameters
    ----------
    folder
        The log.
    name
        Take only what was predicted under this name.
    since, until
        Take only what was answered from the one moment on, and before the other; without
        a time zone they are in UTC.

    Returns
    -------
    pandas.DataFrame
        `id`, `row` (the record's place in the request), `time` (UTC), `name`, `model`,
        `digest`, `schema`, `role`, `ms` (what the bundle took for all of the request), `label`,
        `probability`, `probability.CLASS` for a multiclass target, and `input.FIELD` in the
        schema's types.

    Raises
    ------
    DataError
        If there is no log, a file of it cannot be read, or a column is of several types.
    """
    where = within(since, until)
    if name is not None:
        where &= pc.field("name") == name
    frame: pd.DataFrame = read_table(Path(folder), where).to_pandas()
    return frame


def find_receipts(folder: Path, request: str) -> pd.DataFrame:
    """Return which bundles answered a request, as rows of `model`, `digest` and more."""
    columns = ["id", "time", "name", "model", "digest", "role"]
    found = read_table(folder, pc.field("id") == request, columns)
    frame: pd.DataFrame = found.to_pandas().drop_duplicates(ignore_index=True)
    return frame


def read_table(
    folder: Path, where: pc.Expression | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """Return what `read_log` does, as an Arrow table.

    Parameters
    ----------
    folder
        The log.
    where
        What must hold of the rows.
    columns
        What to read, where it is there; all by default.
    """
    if not folder.is_dir():
        raise DataError(f"There is no log in {folder}. Give the folder that the service writes to.")
    with ExitStack() as stack:
        tables, segments = _files(folder, stack)
        found = [_read_parquet(path, where, columns) for path in tables]
        for segment in segments:
            for _, batch in batches(read_receipts(segment), schemas(folder)):
                table = pa.Table.from_batches([batch])
                table = table if where is None else table.filter(where)
                found.append(table.select(_wanted(table.column_names, columns)))
    if not found:
        return FIXED.empty_table().select(_wanted(FIXED.names, columns))
    # The columns of those without a row that is wanted may be of other types.
    found = [table for table in found if len(table)] or found[:1]
    try:
        return pa.concat_tables(found, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(
            f"The receipts in {folder} make no one table: {first_line(error)}. "
            "Read those of one model (--name), or of a time in which they did not change."
        ) from None


def within(since: datetime | None, until: datetime | None) -> pc.Expression:
    """Return that a row was answered from the one moment on, and before the other."""
    is_within = pc.scalar(value=True)
    if since is not None:
        is_within &= pc.field("time") >= pa.scalar(in_utc(since), MOMENT)
    if until is not None:
        is_within &= pc.field("time") < pa.scalar(in_utc(until), MOMENT)
    return is_within


def schemas(folder: Path) -> Callable[[str], type[Schema]]:
    """Return what finds a log's schemas by their digests.

    It raises a DataError if one is not there.
    """

    @cache
    def find(digest: str) -> type[Schema]:
        path = schema_file(folder, digest)
        try:
            return Schema.from_json(path.read_bytes())
        except OSError as error:
            raise DataError(
                f"{path} cannot be read: {error.strerror}. It types the fields of receipts: "
                "copy schema.json of the bundle that answered there."
            ) from None

    return find


def _files(folder: Path, stack: ExitStack) -> tuple[list[Path], list[BufferedReader]]:
    """Return the tables that count, and the open segments.

    Of a folder that changes, a listing may lack both a segment and the tables that it became:
    one that is equal to the next lacks nothing, unless a segment is gone by then.
    """
    before: list[Path] | None = None
    while True:
        found = sorted(path for path in folder.glob("[!.]*") if path.suffix in (SEGMENT, TABLE))
        if found == before:
            with ExitStack() as opened:
                try:
                    paths = [path for path in found if path.suffix == SEGMENT]
                    segments = [opened.enter_context(path.open("rb")) for path in paths]
                except FileNotFoundError:
                    continue
                stack.push(opened.pop_all())
                stems = {path.stem for path in paths}
                tables = [path for path in found if path.suffix == TABLE]
                return [p for p in tables if p.name.partition(".")[0] not in stems], segments
        before = found


def _read_parquet(path: Path, where: pc.Expression, columns: Sequence[str] | None) -> pa.Table:
    try:
        names = pq.read_schema(path).names
        if not {*FIXED.names} <= {*names}:
            raise DataError(f"{path} holds no receipts. Give the folder that a service writes to.")
        return pq.read_table(path, columns=_wanted(names, columns), filters=where)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet file: {first_line(error)}") from None


def _wanted(names: Sequence[str], columns: Sequence[str] | None) -> list[str]:
    """Return which of a table's columns are asked for."""
    return [name for name in (names if columns is None else columns) if name in names]
