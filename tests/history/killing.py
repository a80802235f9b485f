"""Kill rotation at each of its steps, and read what it leaves; test_rotating.py runs this.

`python killing.py LOG` prints, as JSON, at how many steps it was killed, and after which of
them what was read was not what had been written.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pyarrow.parquet as pq
from forks_of_tests import crowd, forked

from mlkit.history.reading import read_log
from mlkit.history.rotating import rotate

_STEPS = {"os.rename", "os.remove"}


class Killed:
    """Count the steps of this process from now on, and kill it before number `at`."""

    def __init__(self, at: int) -> None:
        self.at, self.number = at, 0
        sys.addaudithook(self.audit)
        for place, name in ((os, "fsync"), (pq.ParquetWriter, "write_table")):
            setattr(place, name, self.wrapped(getattr(place, name)))
        pq.ParquetWriter.close = self.wrapped(pq.ParquetWriter.close)

    def step(self) -> None:
        """Count one step, which is about to happen."""
        self.number += 1
        if self.number == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, arguments: tuple) -> None:
        """Count what Python does to files."""
        opened = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if opened or event in _STEPS:
            self.step()

    def wrapped(self, call):
        """Count what no audit hook is told of."""

        def counted(*arguments, **options):
            self.step()
            return call(*arguments, **options)

        return counted


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
