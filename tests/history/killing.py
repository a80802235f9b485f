"""Kill rotation at each of its steps, and read what it leaves; test_rotating.py runs this.

`python killing.py LOG` prints, as JSON, at how many steps it was killed, and after which of
them what was read was not what had been written.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from forks_of_tests import crowd, forked
from kills_of_tests import Killed

from mlkit.history.reading import read_log
from mlkit.history.rotating import rotate


def rows(log: Path) -> list[list]:
    """Return what a log holds, read by a process of its own: PyArrow's threads are not forked."""

    def read() -> list[list]:
        frame = read_log(log)[["name", "role", "id", "row", "probability", "input.carrier"]]
        return sorted(frame.to_numpy().tolist())

    return crowd([read])[0]


def interrupted(log: Path, at: int) -> None:
    """Rotate until the step."""
    Killed(at)
    rotate(log)


def main(source: Path) -> None:
    """Kill at the first step, then at the second, until there is none left."""
    expected = rows(source)
    wrong, at = [], 0
    while True:
        at += 1
        log = source.with_name(f"killed-{at}")
        shutil.copytree(source, log)
        status = forked(lambda log=log, at=at: interrupted(log, at))
        if rows(log) != expected:
            wrong.append(f"read after {at}")
        if not os.WIFSIGNALED(status):
            break
        if forked(lambda log=log: rotate(log)) or rows(log) != expected:
            wrong.append(f"rotated after {at}")
        left = [p.name for p in log.iterdir() if p.suffix == ".jsonl" or p.name.startswith(".2")]
        wrong += [f"left after {at}: {name}" for name in left]
    print(json.dumps({"killed": at - 1, "wrong": wrong}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
