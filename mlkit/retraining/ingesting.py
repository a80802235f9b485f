"""Bring together the rows to train on: those of a file, and those of the prediction log."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from mlkit.core.errors import ConfigError, DataError, listed
from mlkit.core.files import sha256
from mlkit.core.schema import Schema
from mlkit.history.columns import INPUT
from mlkit.history.reading import UNSHADOWED, read_table, within
from mlkit.monitoring.labels import labels_of
from mlkit.retraining.work import DATA, Work, write_json
from mlkit.training.data import read_frame
from mlkit.training.frames import fingerprints
from mlkit.training.settings import Config
from mlkit.training.trainer import Trainer
from mlkit.training.workflow import build_trainer

COUNTS = "ingest.json"


def ingest_inputs(work: Work) -> dict[str, Any]:
    """Return all that the rows depend on."""
    settings = work.config.retraining
    is_logged = settings.source == "log"
    return {
        "source": settings.source,
        "keep_days": settings.keep_days,
        "schema": build_trainer(work.config).schema.to_json(),
        "target": str(work.config.data.target),
        "data": digest_of(Path(work.config.data.path)),
        "name": work.config.name if is_logged else None,
        "log": files_of(log_of(work.config)) if is_logged else None,
        "until": work.until,
    }


def ingest(work: Work, draft: Path) -> str:
    """Write the rows, and how many they are by where they come from."""
    trainer = build_trainer(work.config)
    schema = trainer.schema
    raw = read_frame(work.config.data.path, schema)
    counts = {"n_file": len(raw), "n_log": 0, "n_too_late": 0, "n_too_old": 0}
    try:
        frame = schema.validate(raw)
    except DataError:
        # The next step names all that is wrong, in the file as it stands.
        data = draft / f"{DATA}{''.join(Path(work.config.data.path).suffixes[-2:])}"
        shutil.copyfile(work.config.data.path, data)
        counts["n_rows"] = len(raw)
    else:
        data = draft / f"{DATA}.parquet"
        if work.config.retraining.source == "log":
            logged = logged_rows(work, trainer, frame)
            counts["n_log"] = len(logged)
            frame = pd.concat([frame, logged], ignore_index=True) if len(logged) else frame
        frame = _trimmed(work, schema, frame, counts)
        frame.to_parquet(data, index=False)
        counts["n_rows"] = len(frame)
    write_json(draft / COUNTS, {**counts, "sha256": sha256(data)})
    return ""


def logged_rows(work: Work, trainer: Trainer, known: pd.DataFrame) -> pd.DataFrame:
    """Return the labelled rows of the prediction log that are not among those of the file.

    What a shadow said is left out: another bundle answered the same request.

    Raises
    ------
    ConfigError
        If there is no log, or its receipts lack what the schema demands.
    """
    schema, target = trainer.schema, trainer.schema.columns[trainer.target.column]
    log = log_of(work.config)
    if log is None:
        raise ConfigError(
            f"retraining.source is log, but there is no folder {work.config.monitoring.log} "
            "(monitoring.log). Serve with it, or set retraining.source=file."
        )
    columns = schema.columns.values()
    lacking = [c.name for c in columns if not c.nullable and c.pii and c.known_before]
    lacking += [c.name for c in columns if not c.nullable and not c.known_before and c != target]
    if lacking:
        raise ConfigError(
            f"retraining.source is log, but receipts do not have {listed(lacking)}, which "
            f"{schema.__name__} demands. Let it be missing there (such as str | None), or set "
            "retraining.source=file."
        )
    where = UNSHADOWED & (pc.field("name") == work.config.name)
    # By another column's time, rows are left out with those of the file.
    if work.config.monitoring.time is None:
        where &= within(None, work.until)
    table = read_table(log, where).sort_by([("time", "ascending"), ("id", "ascending")])
    answers = labels_of(log, table, target)
    names = {f"{INPUT}{name}": name for name in schema.names(known_before=True)}
    frame = table.to_pandas().rename(columns=names)
    frame = frame[[name for name in names.values() if name in frame]]
    frame[target.name] = answers.to_numpy()
    frame = schema.validate(frame[answers.notna().to_numpy()])
    judged = trainer.target.judged_columns(schema)
    is_known = np.isin(fingerprints(frame[judged]), fingerprints(known[judged]))
    return frame[~is_known].reset_index(drop=True)


def log_of(config: Config) -> Path | None:
    """Return the folder of receipts, if it is there."""
    folder = Path(config.monitoring.log)
    return folder if folder.is_dir() else None


def is_within(times: pd.Series, after: datetime | None, until: datetime | None) -> pd.Series:
    """Return which times lie after the one moment and before the other; the naive are in UTC."""
    if times.dt.tz is None:
        times = times.dt.tz_localize("UTC")
    found = times.notna()
    if after is not None:
        found &= times > after
    if until is not None:
        found &= times < until
    return found


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, None if there is none."""
    return sha256(path) if path.is_file() else None


def files_of(folder: Path | None) -> list[tuple[str, int]]:
    """Return the files of a log with their sizes: it only grows."""
    if folder is None:
        return []
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), path.stat().st_size) for path in paths]


def _trimmed(
    work: Work, schema: type[Schema], frame: pd.DataFrame, counts: dict[str, int]
) -> pd.DataFrame:
    """Leave out what is later than `until`, and more than `keep_days` before the newest row.

    A row without a time goes with either, as it may be one of them.
    """
    days, column = work.config.retraining.keep_days, schema.event_time()
    if column is None:
        if days is not None:
            raise ConfigError(
                f"retraining.keep_days is {days:g}, but no column of {schema.__name__} has the "
                "role event_time. Give one that role, or set keep_days to null."
            )
        return frame
    if work.until is not None:
        is_early = is_within(frame[column], None, work.until)
        counts["n_too_late"] = int((~is_early).sum())
        frame = frame[is_early]
    if days is not None and len(frame):
        is_new = frame[column] > frame[column].max() - timedelta(days=days)
        counts["n_too_old"] = int((~is_new).sum())
        frame = frame[is_new]
    return frame.reset_index(drop=True)
