"""Read what a model was asked: from a prediction log, or from a table of records."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError, DataError
from mlkit.core.log import get_logger
from mlkit.core.moments import in_utc
from mlkit.core.rows import ColumnRows
from mlkit.core.schema import Schema, check_name
from mlkit.history.columns import INPUT, PROBABILITY
from mlkit.history.reading import UNSHADOWED, read_table, within
from mlkit.monitoring.labels import labels_of
from mlkit.monitoring.records import Breach, Records
from mlkit.scoring.prediction import Predictor
from mlkit.training.data import read_columns
from mlkit.training.target import Target, target_of

log = get_logger(__name__)

#: Rows that are scored at once; see the benchmarks.
_AT_ONCE = 20_000


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Records that a model was asked, what it said, and what came true.

    Attributes
    ----------
    bundle
        The model's.
    records
        Under the schema's names.
    source
        Where they are from, in words.
    times
        Datetime64[us] (n_rows,), in UTC, by which they are put into windows; None without.
    between
        The first moment of which there may be records, and the one after the last; None
        without times.
    scores
        As `Runtime.scores` gives them; NaN where a record breaks the schema.
    codes
        The answers, as `Target.codes` gives them, in float64; NaN where they are not known.
    ms
        How long a request took, at its first record, NaN at others; empty where that is not
        known.
    """

    bundle: Bundle
    records: Records
    source: str
    times: np.ndarray | None
    between: tuple[np.datetime64, np.datetime64] | None
    scores: np.ndarray = field(repr=False)
    codes: np.ndarray = field(repr=False)
    ms: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.records)

    def column(self, name: str) -> tuple[np.ndarray, list[Breach]]:
        """Return a column's checked values, and what it breaks; broken values are missing."""
        return self.records.checked(self.bundle.schema.columns[name])


def observe_log(
    bundle: Bundle,
    predictor: Predictor | None,
    folder: Path,
    *,
    time: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Observed:
    """Read what was asked under the bundle's name, from a prediction log.

    Records that another bundle answered are scored again by this one.

    Parameters
    ----------
    bundle
        What is watched.
    predictor
        Scores what other bundles answered; None: these have no scores.
    folder
        The log.
    time
        The column by which records are put into windows, and by which `since` and `until`
        go; None: when they were answered.
    since, until
        The first moment, and the one after the last.

    Raises
    ------
    DataError
        If there is no log, or nothing in it of that name and time.
    """
    name = bundle.manifest.name
    of_model = UNSHADOWED & (pc.field("name") == name)
    # By a column of their own, rows are chosen once that is checked.
    where = of_model & within(since, until) if time is None else of_model
    found = read_table(folder, where)
    if not len(found) and not len(read_table(folder, of_model, ["id"])):
        raise DataError(
            f"The log in {folder} has no receipts of {name}. Serve it under that name, or give "
            "another --log."
        )
    names = [column for column in found.column_names if column.startswith(INPUT)]
    columns = found.select(names).rename_columns([n.removeprefix(INPUT) for n in names])
    # Receipts have no personal data.
    records = Records(columns, hidden=frozenset(bundle.schema.pii()))
    times = _answered(found) if time is None else _times(records, bundle.schema, time)
    is_kept = _within(times, since, until)
    if not is_kept.all():
        found, records, times = found.filter(is_kept), records.rows(is_kept), times[is_kept]
    target = target_of(bundle)
    answers = labels_of(folder, found, bundle.schema.columns[target.column])
    is_own = found["digest"].to_numpy() == bundle.manifest.digest
    scores = _logged(bundle, found, is_own)
    if predictor is not None and not is_own.all():
        others = np.flatnonzero(~is_own)
        scores[others] = _scored(predictor, records.rows(others))
    ms = np.where(found["row"].to_numpy() == 0, found["ms"].to_numpy(), np.nan)
    return Observed(
        bundle=bundle,
        records=records,
        source=f"{len(found):,} predictions of {name} in {folder}",
        times=times,
        between=_between(times, since, until),
        scores=scores,
        codes=_codes(bundle, target, answers),
        ms=ms,
    )


def observe_table(
    predictor: Predictor,
    path: Path,
    *,
    time: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Observed:
    """Read records from a Parquet or CSV file, and score them.

    Parameters
    ----------
    predictor
        Has the bundle that is watched.
    path
        The file; answers may be in the target's column.
    time, since, until
        See `observe_log`; without a column it is the schema's event time, if there is one.
    """
    bundle = predictor.bundle
    schema = bundle.schema
    records = Records(read_columns(path, schema))
    column = time or schema.event_time()
    times = None
    if column is not None and column in records.names:
        times = _times(records, schema, column)
        is_kept = _within(times, since, until)
        if not is_kept.all():
            records, times = records.rows(is_kept), times[is_kept]
    elif column is None and (since or until):
        raise ConfigError(
            f"--since and --until need times, and {schema.__name__} has no event_time. Name a "
            "column as monitoring.time."
        )
    elif since or until or time:
        raise ConfigError(f"{path} has no column {column} to tell time by.")
    target = target_of(bundle)
    answers = pd.Series(np.full(len(records), np.nan))
    if target.column in records.names:
        values, _ = records.checked(schema.columns[target.column])
        answers = pd.Series(values)
    return Observed(
        bundle=bundle,
        records=records,
        source=f"{len(records):,} records of {path}",
        times=times,
        between=None if times is None else _between(times, since, until),
        scores=_scored(predictor, records),
        codes=_codes(bundle, target, answers),
        ms=np.empty(0),
    )


def _answered(found: pa.Table) -> np.ndarray:
    moments: np.ndarray = found["time"].to_pandas().to_numpy("datetime64[us]")
    return moments


def _times(records: Records, schema: type[Schema], name: str) -> np.ndarray:
    column = schema.columns[check_name(schema, name)]
    if column.kind != "datetime" or name not in records.names:
        raise ConfigError(f"monitoring.time is {name}, which is no datetime of the records.")
    return records.checked(column)[0].astype("datetime64[us]")


def _within(times: np.ndarray, since: datetime | None, until: datetime | None) -> np.ndarray:
    is_kept: np.ndarray = ~np.isnat(times)
    if not is_kept.all():
        log.warning("untimed_rows_dropped", n_rows=int((~is_kept).sum()))
    if since is not None:
        is_kept &= times >= _moment(since)
    if until is not None:
        is_kept &= times < _moment(until)
    if not is_kept.any():
        raise DataError("No record is of that time. Look at --since and --until.")
    return is_kept


def _between(
    times: np.ndarray, since: datetime | None, until: datetime | None
) -> tuple[np.datetime64, np.datetime64]:
    now = datetime.now(UTC)
    begin = times.min() if since is None else _moment(since)
    return begin, _moment(now if until is None else min(in_utc(until), now))


def _moment(moment: datetime) -> np.datetime64:
    return np.datetime64(in_utc(moment).replace(tzinfo=None), "us")


def _codes(bundle: Bundle, target: Target, answers: pd.Series) -> np.ndarray:
    found = target.values(answers.to_frame(target.column))
    return target.known_codes(found, tuple(bundle.manifest.classes))


def _logged(bundle: Bundle, found: pa.Table, is_own: np.ndarray) -> np.ndarray:
    """Return the scores of what the bundle itself answered, NaN elsewhere."""
    classes = bundle.manifest.classes
    if bundle.manifest.task == "multiclass":
        names = [f"{PROBABILITY}{label}" for label in classes]
    else:
        names = ["probability"] if classes else ["label"]
    columns = [
        pd.to_numeric(found[name].to_pandas(), errors="coerce").to_numpy("float64")
        if name in found.column_names
        else np.full(len(found), np.nan)
        for name in names
    ]
    scores = np.where(is_own[:, None], np.column_stack(columns), np.nan)
    return scores if bundle.manifest.task == "multiclass" else scores[:, 0]


def _scored(predictor: Predictor, records: Records) -> np.ndarray:
    """Score the records that hold to the schema."""
    bundle = predictor.bundle
    known = [column for column in bundle.schema.columns.values() if column.known_before]
    n_rows = len(records)
    shape = (n_rows, len(bundle.manifest.classes))
    scores = np.full(shape if bundle.manifest.task == "multiclass" else n_rows, np.nan)
    for start in range(0, n_rows, _AT_ONCE):
        part = records.rows(np.arange(start, min(start + _AT_ONCE, n_rows)))
        is_whole = np.ones(len(part), dtype=bool)
        columns = {}
        for column in known:
            values, breaches = part.checked(column)
            columns[column.name] = values
            for breach in breaches:
                is_whole &= ~breach.is_broken
        if is_whole.any():
            # Against the schema they were held above: once is enough.
            kept = ColumnRows(columns)[is_whole]
            scores[start + np.flatnonzero(is_whole)] = predictor.runtime.scores(kept)
    return scores
