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
from mlkit.training.config import Config, as_dict
from mlkit.training.frames import fingerprints

_LOCKS = ("uv.lock", "requirements.txt", "poetry.lock")


def describe(config: Config, validated: pd.DataFrame, folder: Path | None = None) -> dict[str, Any]:
    """Return where a run's data, settings and code come from.

    Nothing in it tells the clock or the machine's folders, so that the same run
    done twice says the same.

    Parameters
    ----------
    config
        The run's settings.
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
        },
        "code": _code(folder),
        "lock": {name: sha256(folder / name) for name in _LOCKS if (folder / name).is_file()},
        "python": platform.python_version(),
        "threads": {pool["user_api"]: pool["num_threads"] for pool in threadpool_info()},
        "seed": config.seed,
    }


def fingerprint(validated: pd.DataFrame) -> str:
    """Return the SHA-256 of a validated frame's columns and rows, in their order."""
    rows = np.ascontiguousarray(fingerprints(validated)).astype("<u8")
    digest = hashlib.sha256(",".join(map(str, validated.columns)).encode())
    digest.update(rows.tobytes())
    return digest.hexdigest()


def _code(folder: Path) -> dict[str, Any]:
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "dirty": True}
    return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain"))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
