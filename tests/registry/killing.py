"""Kill processes at their writes, and look at what they leave; test_faults.py runs this.

`python killing.py FOLDER BUNDLE STRIDE` kills at every STRIDE-th write and prints, as JSON,
how many were killed by scenario, and what was found wrong. It is a program of its own
because it forks: it has one thread, and no database is open where it forks.
"""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from forks_of_tests import forked, import_late
from registry_of_tests import NAME, record, settings, variant
from writes_of_tests import Writes, restore

from mlkit.core.bundle import Bundle
from mlkit.core.errors import RegistryError
from mlkit.registry import journal, outbox, promotion
from mlkit.registry.fetching import fetch, pull
from mlkit.registry.recording import outbox_of
from mlkit.registry.references import Reference
from mlkit.registry.registry import CHALLENGER, CHAMPION, Registry
from mlkit.registry.tracking import RUN_ID, Tracker, sync

URI = "sqlite:///mlruns.db"
#: Every how many of the writes that make a database, relative to those of the other scenarios.
_MAKING = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What was there, the commands, the champions before and after them, and the bundles then."""

    begin: Callable[[], object]
    commands: Callable[[], None]
    before: int | None
    after: int | None
    digests: tuple[str, ...]


def commands(bundle: Path, number: int) -> None:
    """Do as train, register, promote and pull do; the gates are taken to pass."""
    config = settings(Path.cwd(), URI)
    record(config, Bundle.open(bundle))
    sync(URI, outbox_of(config))
    registry = Registry(Tracker(URI))
    version = registry.register(Bundle.open(bundle))
    registry.set_alias(version, CHALLENGER)
    reference = Reference(name=NAME, version=number)
    promotion.promote(registry, reference, config, data="data.csv", why="It is better.")
    pull(registry, registry.get(Reference(name=NAME, alias=CHAMPION)), Path("pulled"))


def roll_back() -> None:
    """Do as rollback does, for a user who looks first whether it is done."""
    registry = Registry(Tracker(URI))
    if registry.get(Reference(name=NAME, alias=CHAMPION)).number != 1:
        journal.rollback(registry, NAME, why="It was not better.")
    pull(registry, registry.get(Reference(name=NAME, alias=CHAMPION)), Path("pulled"))


def look(scenario: Scenario) -> None:
    """Hold what a killed process left to what must hold at any moment."""
    folder = outbox_of(settings(Path.cwd(), URI))
    for waiting in outbox.pending(folder):
        Bundle.open(waiting / outbox.ARTIFACTS / "bundle")
    with sqlite3.connect("mlruns.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    registry = Registry(Tracker(URI))
    # What the killed process left in the cache must not be taken for whole.
    for version in registry.versions(NAME):
        assert fetch(registry, version).manifest.digest == version.digest
    allowed = {scenario.before, scenario.after}
    try:
        pointed = registry.get(Reference(name=NAME, alias=CHAMPION)).number
    except RegistryError:
        pointed = None
    assert pointed in allowed
    history = journal.history(registry, NAME)
    assert (history[-1].version if history else None) in allowed
    champion = journal.settle(registry, NAME)
    assert (champion.number if champion else None) in allowed
    assert pointed is None or champion is not None


def finish(scenario: Scenario) -> None:
    """Run the commands again, and hold the end to what it is without a kill."""
    scenario.commands()
    registry = Registry(Tracker(URI))
    versions = registry.versions(NAME)
    assert tuple(version.digest for version in reversed(versions)) == scenario.digests
    assert [version.number for version in versions] == list(range(len(versions), 0, -1))
    shutil.rmtree("cache", ignore_errors=True)
    for version in versions:
        assert fetch(registry, version).manifest.digest == version.digest
    champion = registry.get(Reference(name=NAME, alias=CHAMPION))
    assert champion.number == journal.history(registry, NAME)[-1].version == scenario.after
    assert Bundle.open("pulled").manifest.digest == champion.digest
    runs = registry.tracker.search(NAME, {"mlkit.kind": "train"})
    ids = [run.data.tags[RUN_ID] for run in runs]
    assert len(ids) == len(set(ids))
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert outbox.pending(outbox_of(settings(Path.cwd(), URI))) == []


def kill_all(place: Path, saved: Path, scenario: Scenario, stride: int) -> tuple[int, list[str]]:
    """Kill the commands at every `stride`-th write; return how often, and what was wrong."""
    kills, wrong = 0, []

    def killed() -> None:
        Writes(1 + kills * stride)
        scenario.commands()

    def examined() -> None:
        look(scenario)
        finish(scenario)

    while True:
        restore(saved, place)
        status = forked(killed)
        if not os.WIFSIGNALED(status):
            return kills, [*wrong, "a run without a kill"] if status else wrong
        if forked(examined):
            wrong.append(f"killed at write {1 + kills * stride}")
        kills += 1


def main(folder: Path, packed: Path, stride: int) -> None:
    """Kill in every scenario, each beginning from where the one before ends."""
    place = folder / "project"
    place.mkdir()
    os.chdir(place)
    os.environ["XDG_CACHE_HOME"] = str(place / "cache")
    # The gates take minutes, and write nothing.
    promotion.workflow = SimpleNamespace(evaluate=lambda *_: SimpleNamespace(passed=True))
    import_late()
    bundles = [variant(packed, folder) for _ in range(2)]
    digests = tuple(bundle.manifest.digest for bundle in bundles)

    def first() -> None:
        commands(bundles[0].path, 1)

    def second() -> None:
        commands(bundles[1].path, 2)

    scenarios = {
        "database": Scenario(
            begin=lambda: None, commands=first, before=None, after=1, digests=digests[:1]
        ),
        "first": Scenario(
            begin=lambda: Tracker(URI), commands=first, before=None, after=1, digests=digests[:1]
        ),
        "second": Scenario(begin=first, commands=second, before=1, after=2, digests=digests),
        "rollback": Scenario(begin=second, commands=roll_back, before=2, after=1, digests=digests),
    }
    found = {}
    for name, scenario in scenarios.items():
        assert forked(scenario.begin) == 0
        saved = folder / name
        shutil.copytree(place, saved)
        every = stride * (_MAKING if name == "database" else 1)
        found[name] = kill_all(place, saved, scenario, every)
        restore(saved, place)
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
