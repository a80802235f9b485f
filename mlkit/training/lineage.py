"""Record what made a model, so that it can be traced and made again."""

import hashlib
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_info

from mlkit.core.files import sha256
from mlkit.core.schema import Schema
from mlkit.training.config import Config, as_dict
from mlkit.training.frames import fingerprints

_LOCKS = ("uv.lock", "requirements.txt", "poetry.lock")
#: Changed files that are named, at most.
_MOST_CHANGES = 20


def describe(
    config: Config, schema: type[Schema], validated: pd.DataFrame, folder: Path | None = None
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
    folder
        The project's folder; by default the current one.
    """
    folder = folder or Path.cwd()
    # These do not say what is made; an address may hold a password.
    elsewhere = ("bundles", "reports", "logging", "tracking", "tuning")
    settings = {key: value for key, value in as_dict(config).items() if key not in elsewhere}
    return {
        "config": settings,
        "data": {
            "n_rows": len(validated),
            "fingerprint": fingerprint(validated),
            "columns": column_prints(validated),
            "schema": hashlib.sha256(schema.to_json().encode()).hexdigest(),
            "time_range": _time_range(schema, validated),
        },
        "code": code(folder),
        "lock": {name: sha256(folder / name) for name in _LOCKS if (folder / name).is_file()},
        "python": platform.python_version(),
        "threads": {pool["user_api"]: pool["num_threads"] for pool in threadpool_info()},
        "seed": config.seed,
    }


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


def _time_range(schema: type[Schema], validated: pd.DataFrame) -> list[str]:
    column = schema.event_time()
    if column is None or not len(validated):
        return []
    times = validated[column]
    return [times.min().isoformat(), times.max().isoformat()]


def code(folder: Path) -> dict[str, Any]:
    """Return the commit of the project in `folder`, and what was changed since."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "dirty": True}
    changes = [line[3:] for line in (_git(folder, "status", "--porcelain") or "").splitlines()]
    found = {"commit": commit, "dirty": bool(changes)}
    return {**found, "changes": changes[:_MOST_CHANGES]} if changes else found


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.rstrip()
