"""Kill a retraining at its writes, and do it again; test_kills.py runs this.

`python killing.py FOLDER MOST` kills at most so many times in each scenario, and prints, as
JSON, at how many writes, and what was found wrong. It is a program of its own because it
forks: it has one thread, and no database is open where it forks.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from forks_of_tests import forked, import_late
from retraining_of_tests import make_project, orders, outcome, registry, retrain
from writes_of_tests import Writes, restore

from mlkit.core.files import sha256
from mlkit.retraining.steps import STEP
from mlkit.retraining.work import read_json

#: Of these, MLflow makes most; of those in the folder of the state, none is left out.
_OWN = ".mlkit/retraining"


def chosen(writes: list[str], most: int) -> list[int]:
    """Return the numbers of the writes to be killed at: those of the state, and some between."""
    own = [number for number, what in enumerate(writes, start=1) if _OWN in what]
    others = [number for number in range(1, len(writes) + 1) if number not in own]
    n_own = min(len(own), most * 2 // 3)
    return sorted({*spread(own, n_own), *spread(others, most - n_own)})


def spread(numbers: list[int], most: int) -> list[int]:
    """Return so many of the numbers, evenly, the first and the last among them."""
    last = len(numbers) - 1
    return [numbers[round(place * last / max(most - 1, 1))] for place in range(most)]


def look() -> None:
    """Hold what a killed process left to what must hold at any moment."""
    for place in Path(_OWN).glob("[!.]*/[!.]*"):
        for name, digest in read_json(place / STEP)["outputs"].items():
            assert sha256(place / name) == digest, place
    aliases = [alias for each in registry().versions("tiny") for alias in each.aliases]
    assert aliases.count("champion") <= 1


def kill_all(
    place: Path, saved: Path, command: Callable[[], object], most: int
) -> tuple[int, list[str]]:
    """Kill the command at some of its writes; return how often, and what was wrong."""
    told, expected = saved.with_name("writes"), saved.with_name("expected")
    restore(saved, place)

    def undisturbed() -> None:
        Writes(0, told)
        command()

    def noted() -> None:
        expected.write_text(json.dumps(outcome(), sort_keys=True))

    told.unlink(missing_ok=True)
    assert forked(undisturbed) == 0
    assert forked(noted) == 0
    kills, wrong = 0, []
    writes = told.read_text().splitlines()
    for at in chosen(writes, most):

        def killed(at: int = at) -> None:
            Writes(at)
            command()

        def examined() -> None:
            look()
            if not (outcome()["finished"] and "promote" in outcome()["keys"]):
                command()
            assert json.dumps(outcome(), sort_keys=True) == expected.read_text()

        restore(saved, place)
        if not os.WIFSIGNALED(forked(killed)):
            wrong.append(f"not killed at write {at} ({writes[at - 1]})")
        elif forked(examined):
            wrong.append(f"killed at write {at} ({writes[at - 1]})")
        kills += 1
    return kills, wrong


def main(folder: Path, most: int) -> None:
    """Kill a first retraining, and one beside a champion."""
    place = folder / "project"
    make_project(place, orders(60))
    os.chdir(place)
    os.environ["XDG_CACHE_HOME"] = str(place / "cache")
    import_late()

    def first() -> None:
        assert retrain(30) == 0

    def second() -> None:
        assert retrain(60) == 0

    found = {}
    begin: Callable[[], object] = registry
    for name, command in (("first", first), ("second", second)):
        assert forked(begin) == 0
        saved = folder / name
        shutil.copytree(place, saved, symlinks=True)
        found[name] = kill_all(place, saved, command, most)
        restore(saved, place)
        begin = command
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
