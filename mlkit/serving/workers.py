"""Run a service in several processes that share a port."""

import json
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from mlkit.core.errors import MlkitError, relayed
from mlkit.core.log import configure_logging, get_logger
from mlkit.serving.gate import Gate

log = get_logger(__name__)
#: How long a worker may take to load its bundles, in s.
_PATIENCE = 600
_FAILURE = "failure.json"


class Workers(Multiprocess):
    """uvicorn's processes, which it replaces when they die.

    Parameters
    ----------
    config
        Its settings.
    bound
        The socket that they share.
    folder
        Where a worker that cannot start leaves the reason.
    say
        Called once all are ready.
    """

    def __init__(
        self, config: uvicorn.Config, bound: socket.socket, folder: Path, say: Callable[[], None]
    ) -> None:
        super().__init__(config, [bound])
        self._folder = folder
        self._say = say
        self._has_failed = False

    def run(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises
        ------
        MlkitError
            If a worker cannot start.
        """
        super().run()
        if not self._has_failed:
            return
        failure = self._folder / _FAILURE
        if failure.exists():
            raise relayed(**json.loads(failure.read_text(encoding="utf-8")))
        raise MlkitError("A worker could not start, so that all were stopped; the log says why.")

    def init_processes(self) -> None:
        """Start all, and wait for them."""
        super().init_processes()
        if all(each.wait_until_ready(_PATIENCE, self.should_exit) for each in self.processes):
            self._say()
        else:
            self.should_exit.set()
            self._has_failed = True

    def keep_subprocess_alive(self) -> None:
        """Replace those that died; stop all if one cannot start."""
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        self._has_failed = any(each.exitcode == STARTUP_FAILURE for each in self.processes)
        for process in self.processes:
            if process.pid not in before:
                log.warning("worker_replaced", pid=process.pid)

    def terminate_all(self) -> None:
        """Let all drain; once none listens any more, connections are refused."""
        for bound in self.sockets:
            bound.close()
        super().terminate_all()


def in_worker(build: "partial[Gate]", folder: Path) -> Gate:
    """Build the application in a process of its own; leave the reason if that fails."""
    configure_logging()
    try:
        return build()
    except Exception as error:  # noqa: BLE001
        code = error.exit_code if isinstance(error, MlkitError) else MlkitError.exit_code
        text = str(error) if isinstance(error, MlkitError) else f"{type(error).__name__}: {error}"
        failure = {"exit_code": code, "message": text}
        (folder / _FAILURE).write_text(json.dumps(failure), encoding="utf-8")
        raise SystemExit(STARTUP_FAILURE) from None
