"""Let many processes do the same at once, with one tracking store; test_concurrency.py runs this.

`python crowding.py URI` prints, as JSON, what each of the processes returned or raised, by what
they did. It works in the current folder, which has `bundle-0` to `bundle-20`.
"""

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from forks_of_tests import crowd, forked, import_late
from registry_of_tests import NAME, record, settings

from mlkit.core.bundle import Bundle
from mlkit.registry import journal
from mlkit.registry.fetching import fetch
from mlkit.registry.recording import outbox_of
from mlkit.registry.references import Reference
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker, sync

N_VERSIONS, N_FEW = 20, 4


def register(uri: str, number: int) -> int:
    """Record and register a bundle of its own."""
    bundle = Bundle.open(f"bundle-{number}")
    record(settings(Path(f"project-{number}"), uri), bundle)
    return Registry(Tracker(uri)).register(bundle).number


def register_one(uri: str, number: int) -> int:
    """Register the bundle that all register; its run was sent before."""
    return Registry(Tracker(uri)).register(Bundle.open(f"bundle-{N_VERSIONS}")).number


def promote(uri: str, number: int) -> int:
    """Enter a promotion that began when there was no champion."""
    registry = Registry(Tracker(uri))
    version = registry.get(Reference(name=NAME, version=number + 1))
    entry = journal.enter(registry, version, kind="promote", why="", after=0)
    journal.settle(registry, NAME)
    return entry.version


def fetch_one(uri: str, number: int) -> str:
    """Fetch the version that all fetch."""
    registry = Registry(Tracker(uri))
    return fetch(registry, registry.get(Reference(name=NAME, version=1))).manifest.digest


def sync_all(uri: str, number: int) -> list[str]:
    """Send the runs that wait in the outbox of all."""
    return sync(uri, outbox_of(settings(Path("project"), uri)))


def keep_runs(unreachable: str) -> None:
    """Let runs wait: the last of them is of the bundle that all register."""
    config = settings(Path("project"), unreachable)
    for number in range(N_VERSIONS - N_FEW + 1, N_VERSIONS + 1):
        record(config, Bundle.open(f"bundle-{number}"))


_TASKS: dict[str, tuple[Callable, int]] = {
    "register": (register, N_VERSIONS),
    "promote": (promote, N_FEW),
    "fetch one": (fetch_one, N_FEW),
    "sync all": (sync_all, N_FEW),
    "register one": (register_one, N_FEW),
}

if __name__ == "__main__":
    uri = sys.argv[1]
    os.environ["XDG_CACHE_HOME"] = str(Path("cache").absolute())
    import_late()
    # No file can lie in a file.
    assert forked(lambda: keep_runs("sqlite:///bundle-0/manifest.json/mlruns.db")) == 0
    found = {
        name: crowd([partial(task, uri, number) for number in range(many)])
        for name, (task, many) in _TASKS.items()
    }
    print(json.dumps(found))  # noqa: T201
