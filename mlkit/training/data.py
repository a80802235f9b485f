"""Read tables from files, and say clearly what is wrong with one."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from mlkit.core.column import Column
from mlkit.core.errors import DataError, first_line, listed
from mlkit.core.schema import Schema

_TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
#: What parts cells in files that are called CSV, and are not.
_SEPARATORS = (";", "\t", "|")
#: Types whose values Arrow gives to pandas as they are.
_PLAIN = (
    pt.is_integer,
    pt.is_floating,
    pt.is_boolean,
    pt.is_timestamp,
    pt.is_string,
    pt.is_large_string,
)
#: Columns that are read at once, to use more than one core.
_AT_ONCE = 4
SUFFIXES = (".parquet", ".pq", ".csv", ".csv.gz")


def read_frame(path: str | Path, schema: type[Schema] | None = None) -> pd.DataFrame:
    """Read a Parquet or CSV file as it stands; validation comes after.

    Parameters
    ----------
    path
        A file that ends in .parquet, .pq, .csv or .csv.gz.
    schema
        Where given, a CSV's text becomes what the schema says (so that the
        code `007` stays text), and what does not parse stays text for the
        validation to name. Without it, types are guessed, and numbers with a
        leading zero stay text. In a CSV an empty cell is missing, and so are
        `NA`, `NaN`, `null` and what else pandas reads so.

    Raises
    ------
    DataError
        If there is no such file, it is of another kind, damaged, or has no rows.
    """
    path = _readable(path)
    frame = _read_csv(path, schema) if is_csv(path) else _read_parquet(path)
    if frame.empty:
        raise DataError(f"{path} has {len(frame.columns)} columns and no rows. Export it again.")
    return frame


def read_columns(path: str | Path, schema: type[Schema]) -> pa.Table | pd.DataFrame:
    """Read the schema's columns of a file as Arrow where they are plain; else see `read_frame`.

    Arrow takes a third of the memory that a frame takes on the way.
    """
    path = _readable(path)
    if is_csv(path):
        return read_frame(path, schema)
    try:
        # Read all at once, columns take twice the memory for a while.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            found = file.schema_arrow
            names = [name for name in schema.columns if name in found.names]
            if not names or not _is_plain(found, names):
                return read_frame(path)
            columns: dict[str, pa.ChunkedArray] = {}
            for start in range(0, len(names), _AT_ONCE):
                some = file.read(columns=names[start : start + _AT_ONCE])
                columns |= {name: some[name] for name in names[start : start + _AT_ONCE]}
            table = pa.table(columns)
            n_rows = file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if not n_rows:
        raise DataError(f"{path} has {len(found.names)} columns and no rows. Export it again.")
    return table


def is_csv(path: Path) -> bool:
    """Whether a file is read and written as CSV, by its name."""
    return path.name.lower().endswith((".csv", ".csv.gz"))


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
        # A named index is a column to everybody but pandas.
        frame = frame.reset_index() if frame.index.names != [None] else frame
    except (pa.ArrowException, OSError, ValueError) as error:
        # A ValueError is of a date that Python has no year for.
        raise _unreadable(path, error) from None
    return frame


def _readable(path: str | Path) -> Path:
    """Return the path of a file that is there, and of a kind that is read."""
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder. Name one file.")
    if not path.is_file():
        raise DataError(f"There is no file {path}. Check the path; it is taken from {Path.cwd()}.")
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{path} is neither Parquet nor CSV. Write it as one: {listed(SUFFIXES)}.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes). Export it again.")
    return path


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} is not a readable Parquet file: {first_line(error)}")


def _is_plain(found: pa.Schema, names: Sequence[str]) -> bool:
    """Whether columns mean the same to Arrow and to pandas, and all names are columns."""
    indexes = (found.pandas_metadata or {}).get("index_columns", [])
    # A named range is an index that pandas alone reads.
    if any(isinstance(index, dict) and index.get("name") for index in indexes):
        return False
    types = [found.field(name).type for name in names if found.names.count(name) == 1]
    return len(types) == len(names) and all(any(is_it(t) for is_it in _PLAIN) for t in types)


def _read_csv(path: Path, schema: type[Schema] | None) -> pd.DataFrame:
    try:
        _check_header(path)
        frame = pd.read_csv(path, dtype=None if schema is None else str, low_memory=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, OSError) as error:
        raise DataError(f"{path} is not a readable CSV file: {first_line(error)}") from None
    if not isinstance(frame.index, pd.RangeIndex):
        # pandas would take the first column for an index, and move all names by one.
        raise DataError(
            f"{path} has {len(frame.columns)} names in its first line, and more cells in the next. "
            "Export it again."
        )
    if schema is None:
        return _with_codes(frame, path).apply(_guess_moments)
    for column in schema.columns.values():
        if column.name in frame:
            frame[column.name] = _parse(frame[column.name], column)
    return frame


def _check_header(path: Path) -> None:
    """Refuse a table that commas do not part, or in which a name could mean two columns."""
    header = list(pd.read_csv(path, header=None, nrows=1, dtype=str).iloc[0].dropna())
    # pandas would call the second one by another name.
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise DataError(f"{path} has more than one column called {listed(doubled)}. Rename them.")
    found = [separator for separator in _SEPARATORS if separator in "".join(header)]
    if len(header) == 1 and found:
        raise DataError(
            f"{path} has one column, called {header[0][:80]!r}: its cells are parted by "
            f"{found[0]!r}. Export it with commas, or convert it: "
            f"pandas.read_csv(FILE, sep={found[0]!r}).to_csv(FILE, index=False)."
        )


def _parse(text: pd.Series, column: Column) -> pd.Series:
    """Return what the text says in the column's kind; what says nothing stays text."""
    if column.kind in ("number", "integer"):
        values = pd.to_numeric(text, errors="coerce")
        if values.dtype.kind == "f":
            # pandas before 3 reads some numbers a last digit off.
            values = text.where(values.notna()).astype("float64")
    elif column.kind == "boolean":
        values = text.str.strip().str.lower().map(_TRUTHS)
    else:
        return text
    is_lost = values.isna() & text.notna()
    return values.astype(object).where(~is_lost, text) if is_lost.any() else values


def _with_codes(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the frame with the text of columns that pandas took the leading zeros of."""
    numbers = [*frame.select_dtypes("number").columns]
    text = pd.read_csv(path, usecols=numbers, dtype=str)
    codes = [name for name in numbers if text[name].str.fullmatch(r"0\d+").any()]
    frame[codes] = text[codes]
    return frame


def _guess_moments(values: pd.Series) -> pd.Series:
    if not pd.api.types.is_string_dtype(values.dtype) or values.isna().all():
        return values
    try:
        return pd.to_datetime(values, format="ISO8601")
    except (ValueError, TypeError):
        return values
