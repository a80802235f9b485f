"""Record what made a model, so that it can be traced and made again."""

import hashlib
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_info

from mlkit.core.errors import listed
from mlkit.core.files import sha256
from mlkit.core.schema import Schema
from mlkit.training.data import SUFFIXES
from mlkit.training.frames import fingerprints
from mlkit.training.settings import Config, as_dict

#: Lock files that an environment can be made from, the preferred one first.
LOCKS = ("uv.lock", "requirements.txt")
#: Changed files that are named, at most.
_MOST_CHANGES = 20


def describe(
    config: Config, schema: type[Schema], validated: pd.DataFrame, sources: Mapping[str, Any]
) -> dict[str, Any]:
    """Return where a run's data, settings and code come from.

    Nothing in it tells the clock or the machine's folders, so that the same run
    done twice says the same.

    Parameters
    ----------
    config
        The run's settings.
    schema
        What the rows hold to.
    validated
        The rows that it was given.
    sources
        As they were when it began.
    """
    return {
        "config": settings_of(config),
        "data": {
            "n_rows": len(validated),
            "fingerprint": fingerprint(validated),
            "columns": column_prints(validated),
            "schema": hashlib.sha256(schema.to_json().encode()).hexdigest(),
            "time_range": time_range(schema, validated),
        },
        **sources,
        "python": platform.python_version(),
        "threads": {pool["user_api"]: pool["num_threads"] for pool in threadpool_info()},
        "seed": config.seed,
    }


def settings_of(config: Config) -> dict[str, Any]:
    """Return the settings that say what is made, as plain values for JSON."""
    # The others do not; an address may hold a password.
    elsewhere = (
        *("bundles", "reports", "logging", "tracking", "tuning"),
        *("monitoring", "retraining"),
    )
    return {key: value for key, value in as_dict(config).items() if key not in elsewhere}


def gaps(lineage: Mapping[str, Any]) -> str:
    """Say what is lacking to build the same again: a commit, all changes in it, a lock file.

    Where nothing is, nothing is said.
    """
    code = lineage.get("code") or {}
    found = []
    if not code.get("commit"):
        found.append("its code was in no commit: put the project under git, and commit it")
    elif code.get("dirty"):
        changes = listed(code.get("changes") or ["unknown"])
        found.append(f"these files were not committed: {changes}. Commit or ignore them")
    if not lineage.get("lock"):
        found.append("there was no lock file: make one (uv lock), and commit it")
    return "; ".join(found)


def fingerprint(validated: pd.DataFrame) -> str:
    """Return the SHA-256 of a validated frame's columns and rows, in their order."""
    lines = [f"{name}:{found}" for name, found in column_prints(validated).items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def column_prints(validated: pd.DataFrame) -> dict[str, str]:
    """Return the SHA-256 of the values of each column, in the rows' order."""
    return {
        str(name): hashlib.sha256(
            np.ascontiguousarray(fingerprints(validated[[name]])).astype("<u8").tobytes()
        ).hexdigest()
        for name in validated.columns
    }


def time_range(schema: type[Schema], validated: pd.DataFrame) -> list[str]:
    """Return the first and the last event time of a validated frame; empty without any."""
    column = schema.event_time()
    if column is None:
        return []
    times = validated[column].dropna()
    return [times.min().isoformat(), times.max().isoformat()] if len(times) else []


def sources(folder: Path) -> dict[str, Any]:
    """Return the commit of the project in `folder`, and the lock files that git has of it."""
    tracked = (_git(folder, "ls-files", "--", *LOCKS) or "").splitlines()
    return {
        "code": code(folder),
        "lock": {name: sha256(folder / name) for name in tracked if (folder / name).is_file()},
    }


def code(folder: Path) -> dict[str, Any]:
    """Return the commit of the project in `folder`, and what was changed since.

    What git cannot tell counts as changed. Tables do not, unless they lie in `src`: new rows
    come without a commit, and which ones a run had its fingerprint says.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    # A user's own settings may hide new files.
    status = _git(folder, "status", "--porcelain", "-z", "--untracked-files=all")
    if commit is None or status is None:
        return {"commit": commit, "dirty": True}
    changes = [path for path in _changed(status) if not _is_table(PurePosixPath(path))]
    found = {"commit": commit, "dirty": bool(changes)}
    return {**found, "changes": changes[:_MOST_CHANGES]} if changes else found


def _changed(status: str) -> Iterator[str]:
    entries = iter(status.split("\0"))
    for entry in filter(None, entries):
        if entry[0] in "RC":
            # Where it was before comes next.
            next(entries)
        yield entry[3:]


def _is_table(path: PurePosixPath) -> bool:
    return path.name.lower().endswith(SUFFIXES) and "src" not in path.parts[:-1]


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.rstrip()
