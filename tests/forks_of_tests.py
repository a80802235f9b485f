"""Processes that are forked from one that has imported everything: cheap, and truly apart.

For programs of their own, since what forks must have one thread, and no database open.
"""

import importlib
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from projects import ROOT, run

#: Imported late by what is tested; here once for all children.
_LATE = (
    "alembic.command",
    "mlflow.artifacts",
    "mlflow.models",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlkit.registry.pyfunc",
)


def program(path: Path, *arguments: object, cwd: Path) -> tuple[Any, str]:
    """Run a program that forks; return what it prints last, from JSON, and its stderr."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = run(sys.executable, path, *arguments, cwd=cwd, PYTHONPATH=paths, OMP_NUM_THREADS="1")
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def import_late() -> None:
    """Import what children would import, each for itself."""
    for name in _LATE:
        importlib.import_module(name)


def forked(work: Callable[[], object]) -> int:
    """Do something in a process of its own; return its status as `os.wait` tells it."""
    return os.waitpid(_fork(work), 0)[1]


def crowd(works: Iterable[Callable[[], object]]) -> list[Any]:
    """Do all at once, each in a process of its own; return what each returns or raises."""
    start, go = os.pipe()
    children = []
    for work in works:
        reader, writer = os.pipe()

        def answer(work=work, writer=writer) -> None:
            os.close(go)
            # Nothing comes; it ends for all at the same moment.
            os.read(start, 1)
            try:
                found = work()
            except Exception as error:  # noqa: BLE001
                found = f"{type(error).__name__}: {error}"
            os.write(writer, json.dumps(found).encode())

        children.append((_fork(answer), reader))
        os.close(writer)
    os.close(go)
    found = []
    for child, reader in children:
        with os.fdopen(reader) as answers:
            found.append(json.loads(answers.read() or "null"))
        os.waitpid(child, 0)
    return found


def _fork(work: Callable[[], object]) -> int:
    assert threading.active_count() == 1
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
