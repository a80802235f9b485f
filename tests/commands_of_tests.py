"""Run `mlkit` and `pytest` in copies of one process that has imported what they import.

Imports take a command longer than most of what it is told to do. A stand-in of its name
hands arguments, folder, environment and streams to the prepared process, which forks for
each. Other tests start the commands themselves. `mlkit serve`, which is stopped by
signals, is never a copy.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mlkit.cli import main
from mlkit.registry.connection import warm_up

_COMMANDS: dict[str, Callable[[], int]] = {"mlkit": main, "pytest": pytest.main}
_PREPARED = (
    "mlkit.cli.commands",
    "mlkit.scoring.compiled",
    "mlkit.training.workflow",
    "mlkit.training.report.page",
    "matplotlib.backends.backend_svg",
    "mlflow.store.tracking.sqlalchemy_store",
)
_STAND_IN = """#!{python} -IS
import json, os, socket, sys

if sys.argv[1:2] == ["serve"]:
    os.execv({command!r}, sys.argv)
called = {{"command": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ)}}
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    socket.send_fds(connection, [b"\\n"], [0, 1, 2])
    connection.sendall(json.dumps(called).encode())
    connection.shutdown(socket.SHUT_WR)
    sys.exit(int(connection.makefile().read() or 70))
"""


@contextmanager
def prepared_commands(folder: Path) -> Iterator[Path]:
    """Prepare a process, and return the folder of the stand-ins that ask it."""
    address = folder / "asked"
    for name in _COMMANDS:
        command = str(Path(sys.executable).with_name(name))
        text = _STAND_IN.format(python=sys.executable, address=str(address), command=command)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    arguments = [sys.executable, __file__, str(address)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"prepared\n"
            yield folder
        finally:
            process.terminate()


def _serve(address: str) -> None:
    # MLflow, with the settings that mlkit gives it; a server has no database to be made.
    warm_up("http://127.0.0.1")
    for module in _PREPARED:
        import_module(module)
    # Of several threads, a copy has but the one that forks.
    assert threading.active_count() == 1
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("prepared", flush=True)  # noqa: T201
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(connection)
            connection.close()
            _bury()


def _bury() -> None:
    """Let go of the copies that have ended."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                return
        except ChildProcessError:
            return


def _answer(connection: socket.socket) -> None:
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    code = 70
    try:
        code = _run(**json.loads(connection.makefile("rb").read()))
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(code).encode())
        os._exit(0)


def _run(command: list[str], folder: str, environment: dict[str, Any]) -> int:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    places = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [str(Path(place).absolute()) for place in places if place]
    # What is imported already cannot be rewritten, which pytest would warn of.
    os.environ["PYTEST_ADDOPTS"] = "--assert=plain"
    sys.argv = command
    return int(_COMMANDS[Path(command[0]).name]())


if __name__ == "__main__":
    _serve(sys.argv[1])
