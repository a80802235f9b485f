"""Kill a process at one of its writes, and put back what it had before."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import sqlalchemy

_WRITES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.chmod", "os.truncate"}


class Writes:
    """Count what this process writes from now on, and kill it before number `at`.

    With `told`, each write is named in that file, too.
    """

    def __init__(self, at: int, told: Path | None = None) -> None:
        self.at, self.number = at, 0
        self.told = None if told is None else os.open(told, os.O_WRONLY | os.O_CREAT)
        sys.addaudithook(self.audit)
        for name in ("fsync", "sendfile"):
            setattr(os, name, self.wrapped(getattr(os, name)))
        engine = sqlalchemy.engine.Engine
        sqlalchemy.event.listen(engine, "before_cursor_execute", self.execute)
        sqlalchemy.event.listen(engine, "commit", self.commit)
        self.wrote = False

    def step(self, what: str) -> None:
        """Count one write, which is about to happen."""
        self.number += 1
        if self.told is not None:
            os.write(self.told, f"{what}\n".encode())
        if self.number == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, arguments: tuple) -> None:
        """Count what Python does to files."""
        opened = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if opened or event in _WRITES:
            self.step(f"{event} {arguments[0]}")

    def wrapped(self, call: Callable) -> Callable:
        """Count what no audit hook is told of; before `sendfile`, a copy is an empty file."""

        def counted(*arguments):
            self.step(call.__name__)
            return call(*arguments)

        return counted

    def execute(self, connection, cursor, statement, parameters, context, executemany) -> None:
        """Count what changes a database."""
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "WITH")):
            self.wrote = True
            self.step("statement")

    def commit(self, connection) -> None:
        """Count what makes a change last."""
        if self.wrote:
            self.wrote = False
            self.step("commit")


def restore(saved: Path, place: Path) -> None:
    """Put a saved state in its place; MLflow notes full paths, so it is always the same."""
    for entry in place.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.copytree(saved, place, dirs_exist_ok=True)
