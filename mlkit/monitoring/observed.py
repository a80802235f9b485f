"""Read what a model was asked: from a prediction log, or from a table of records."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mlkit.core.arrays import check_array, read_array
from mlkit.core.bundle import Bundle
from mlkit.core.column import Column
from mlkit.core.errors import ConfigError, DataError
from mlkit.core.log import get_logger
from mlkit.core.records import broken_rule, plain
from mlkit.core.rows import ABSENT
from mlkit.core.schema import check_name
from mlkit.history.columns import INPUT, PROBABILITY
from mlkit.history.reading import read_table
from mlkit.monitoring.labels import labels_of
from mlkit.scoring.prediction import Predictor
from mlkit.training.data import read_arrow
from mlkit.training.target import Target

log = get_logger(__name__)

#: Rows that are scored at once; see the benchmarks.
_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A rule that some of a column's values break."""

    column: str
    rule: str
    is_broken: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Records that a model was asked, what it said, and what came true.

    Attributes
    ----------
    bundle
        The model's.
    table
        The records, under the schema's names.
    source
        Where they are from, in words.
    times
        Datetime64[us] (n_rows,), in UTC, by which they are put into windows; None without.
    scores
        As `Runtime.scores` gives them; NaN where a record breaks the schema.
    codes
        The answers, as `Target.codes` gives them, in float64; NaN where they are not known.
    ms
        How long a request took, at its first record, NaN at others; empty where that is not
        known.
    """

    bundle: Bundle
    table: pa.Table
    source: str
    times: np.ndarray | None
    scores: np.ndarray = field(repr=False)
    codes: np.ndarray = field(repr=False)
    ms: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> tuple[np.ndarray, list[Breach]]:
        """Return a column's checked values, and what it breaks; broken values are missing."""
        return checked(self.bundle.schema.columns[name], self.table)


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
    # What a shadow was asked, the champion was asked as well.
    found = read_table(folder, (pc.field("name") == name) & (pc.field("role") != "shadow"))
    if not len(found):
        raise DataError(
            f"The log in {folder} has no receipts of {name}. Serve it under that name, or give "
            "another --log."
        )
    moments = found["time"] if time is None else _chosen(bundle, found, f"{INPUT}{time}")
    found, times = _within(found, _instants(moments), since, until)
    target = _target(bundle)
    answers = labels_of(folder, found, bundle.schema.columns[target.column])
    names = [column for column in found.column_names if column.startswith(INPUT)]
    records = found.select(names).rename_columns([n.removeprefix(INPUT) for n in names])
    is_own = found["digest"].to_numpy() == bundle.manifest.digest
    scores = _logged(bundle, found, is_own)
    if predictor is not None and not is_own.all():
        others = np.flatnonzero(~is_own)
        scores[others] = _scored(predictor, records.take(others))
    ms = np.where(found["row"].to_numpy() == 0, found["ms"].to_numpy(), np.nan)
    return Observed(
        bundle=bundle,
        table=records,
        source=f"{len(found):,} predictions of {name} in {folder}",
        times=times,
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
    table = read_arrow(path, schema)
    column = time or schema.event_time()
    times = None
    if column is not None and column in table.column_names:
        times = _instants(_chosen(bundle, table, column))
    elif since or until or time:
        raise ConfigError(f"{path} has no column {column} to tell time by.")
    table, times = _within(table, times, since, until)
    target = _target(bundle)
    answers = pd.Series(np.full(len(table), np.nan))
    if target.column in table.column_names:
        values, _ = checked(schema.columns[target.column], table)
        answers = pd.Series(values)
    return Observed(
        bundle=bundle,
        table=table,
        source=f"{len(table):,} records of {path}",
        times=times,
        scores=_scored(predictor, table),
        codes=_codes(bundle, target, answers),
        ms=np.empty(0),
    )


def _chosen(bundle: Bundle, table: pa.Table, name: str) -> pa.ChunkedArray:
    column = bundle.schema.columns[check_name(bundle.schema, name.removeprefix(INPUT))]
    if column.kind != "datetime" or name not in table.column_names:
        raise ConfigError(f"monitoring.time is {column.name}, which is no datetime of the records.")
    return table[name]


def _instants(values: pa.ChunkedArray) -> np.ndarray:
    found: np.ndarray = pd.to_datetime(values.to_pandas(), utc=True).to_numpy("datetime64[us]")
    return found


def _within(
    table: pa.Table, times: np.ndarray | None, since: datetime | None, until: datetime | None
) -> tuple[pa.Table, np.ndarray | None]:
    if times is None:
        return table, None
    is_kept = ~np.isnat(times)
    if not is_kept.all():
        log.warning("untimed_rows_dropped", n_rows=int((~is_kept).sum()))
    if since is not None:
        is_kept &= times >= _moment(since)
    if until is not None:
        is_kept &= times < _moment(until)
    if not is_kept.any():
        raise DataError("No record is of that time. Look at --since and --until.")
    return (table, times) if is_kept.all() else (table.filter(is_kept), times[is_kept])


def _moment(moment: datetime) -> np.datetime64:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return np.datetime64(aware.astimezone(UTC).replace(tzinfo=None), "us")


def _target(bundle: Bundle) -> Target:
    fields = dict(bundle.manifest.target)
    # Only training needs what wrong decisions cost.
    costs = {"costs": None}
    return Target(**{**fields, **costs, **{k: tuple(fields[k]) for k in ("edges", "labels")}})


def _codes(bundle: Bundle, target: Target, answers: pd.Series) -> np.ndarray:
    found = target.values(answers.to_frame(target.column))
    classes = tuple(bundle.manifest.classes)
    codes = np.full(len(found), np.nan)
    is_known = found.isin(classes) if classes else found.notna()
    codes[is_known] = target.codes(found[is_known], classes)
    return codes


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


def _scored(predictor: Predictor, table: pa.Table) -> np.ndarray:
    """Score the records that hold to the schema."""
    bundle = predictor.bundle
    known = [column for column in bundle.schema.columns.values() if column.known_before]
    shape = (len(table), len(bundle.manifest.classes))
    scores = np.full(shape if bundle.manifest.task == "multiclass" else len(table), np.nan)
    for start in range(0, len(table), _AT_ONCE):
        part = table.slice(start, _AT_ONCE)
        is_whole = np.ones(len(part), dtype=bool)
        columns = {}
        for column in known:
            values, breaches = checked(column, part)
            columns[column.name] = values
            for breach in breaches:
                is_whole &= ~breach.is_broken
        if is_whole.any():
            rows = {name: _typed(bundle, name, v[is_whole]) for name, v in columns.items()}
            found = predictor.predict(rows)
            many = found.probabilities if found.probabilities is not None else found.probability
            scores[start + np.flatnonzero(is_whole)] = found.label if many is None else many
    return scores


def _typed(bundle: Bundle, name: str, values: np.ndarray) -> Any:
    tz = bundle.schema.columns[name].tz
    return pd.Series(values).dt.tz_localize("UTC") if tz else values


def checked(column: Column, table: pa.Table) -> tuple[np.ndarray, list[Breach]]:
    """Return a table's column as `Observed.column` does."""
    if column.name not in table.column_names:
        values = np.full(len(table), None).astype(replace(column, nullable=True).dtype)
        if column.nullable:
            return values, []
        is_broken = np.ones(len(table), dtype=bool)
        return values, [Breach(column=column.name, rule=ABSENT, is_broken=is_broken)]
    found, aware = read_array(table[column.name].to_pandas())
    values, violations = check_array(column, found, aware=aware)
    if not violations:
        return values, []
    series = table[column.name].to_pandas()
    rules = np.array([broken_rule(column, plain(v, column)) or "" for v in series], dtype=object)
    breaches = [
        Breach(column=column.name, rule=rule, is_broken=rules == rule)
        for rule in dict.fromkeys(rules)
        if rule
    ]
    kept = series.astype(object).where(rules == "", None)
    values, _ = check_array(replace(column, nullable=True), read_array(kept)[0], aware=aware)
    return values, breaches
