"""Run a service in several processes that share a port."""

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from mlkit.core.errors import MlkitError, relayed
from mlkit.core.log import configure_logging, get_logger
from mlkit.serving.gate import Gate

log = get_logger(__name__)
_spawn = multiprocessing.get_context("spawn")
#: How long one waits that takes the place of one that could not start, in s.
_PAUSE = 1.0
Build = Callable[[], Gate]
Run = Callable[[Gate, socket.socket, Callable[[], None]], None]


@dataclass
class Worker:
    """One process; through `report` it tells once that it is ready, or why it is not."""

    process: SpawnProcess
    report: Connection
    is_ready: bool = False


class Workers:
    """Processes that serve, and are replaced as soon as they die.

    uvicorn has such too. It kills a worker that does not answer it within seconds, as one
    that starts on a busy machine, and takes as long to see that one was killed.

    Parameters
    ----------
    build, run
        What each does: make the application, and serve it until SIGTERM; `run` calls its
        last argument once it does.
    bound
        The socket that they share.
    say
        Called once all are ready.
    """

    def __init__(
        self, build: Build, run: Run, bound: socket.socket, say: Callable[[], None]
    ) -> None:
        self._work = (build, run, bound)
        self._bound = bound
        self._say = say
        self._is_said = False
        self._workers: list[Worker] = []

    def run(self, number: int) -> None:
        """Run so many until SIGTERM or SIGINT.

        Raises
        ------
        MlkitError
            If one cannot start, before all could.
        """
        with _told() as told:
            try:
                self._workers += [self._started() for _ in range(number)]
                while told not in self._waited(told):
                    for worker in [*self._workers]:
                        self._look_after(worker)
            finally:
                self._stop(told)

    def _waited(self, told: socket.socket) -> list[object]:
        """Wait until a worker is ready or dies, or a signal comes."""
        reports = [worker.report for worker in self._workers if not worker.is_ready]
        return [*wait([told, *reports, *(w.process.sentinel for w in self._workers)])]

    def _started(self, pause: float = 0) -> Worker:
        report, reporting = _spawn.Pipe(duplex=False)
        process = _spawn.Process(target=_serve, args=(*self._work, reporting, pause))
        process.start()
        reporting.close()
        return Worker(process, report)

    def _look_after(self, worker: Worker) -> None:
        if not worker.is_ready and worker.report.poll():
            self._hear(worker)
        if worker.process.is_alive():
            return
        code = worker.process.exitcode
        if not self._is_said:
            raise MlkitError(f"A worker ended with the code {code} while it started; see the log.")
        worker.process.close()
        worker.report.close()
        another = self._started(0 if worker.is_ready else _PAUSE)
        self._workers[self._workers.index(worker)] = another
        log.warning("worker_replaced", code=code, pid=another.process.pid)

    def _hear(self, worker: Worker) -> None:
        try:
            failure = worker.report.recv()
        except EOFError:
            # It died, which is seen next.
            worker.process.join()
            return
        if failure is None:
            worker.is_ready = True
            if not self._is_said and all(each.is_ready for each in self._workers):
                self._is_said = True
                self._say()
        elif self._is_said:
            # The others answer on.
            log.error("worker_failed", reason=failure[1])
        else:
            raise relayed(*failure)

    def _stop(self, told: socket.socket) -> None:
        """Let all drain. Once none of them listens any more, connections are refused."""
        self._bound.close()
        for worker in self._workers:
            worker.process.terminate()
        # What told to stop is read; a second SIGINT means: at once.
        told.settimeout(0)
        with suppress(BlockingIOError):
            told.recv(64)
        while left := [w.process for w in self._workers if w.process.is_alive()]:
            if told in wait([told, *(process.sentinel for process in left)]):
                number = told.recv(1)[0]
                for process in left:
                    os.kill(process.ident or 0, number)


@contextmanager
def _told() -> Iterator[socket.socket]:
    """Yield what has a byte to read for each SIGTERM or SIGINT that came."""
    told, telling = socket.socketpair()
    telling.settimeout(0)
    numbers = (signal.SIGTERM, signal.SIGINT)
    with told, telling:
        before = [signal.signal(number, lambda *_: None) for number in numbers]
        descriptor = signal.set_wakeup_fd(telling.fileno())
        try:
            yield told
        finally:
            signal.set_wakeup_fd(descriptor)
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def _serve(build: Build, run: Run, bound: socket.socket, report: Connection, pause: float) -> None:
    """Serve, in a process of its own; tell first that it is ready, or why it is not."""
    time.sleep(pause)
    configure_logging()
    try:
        app = build()
    except Exception as error:  # noqa: BLE001
        code = error.exit_code if isinstance(error, MlkitError) else MlkitError.exit_code
        text = str(error) if isinstance(error, MlkitError) else f"{type(error).__name__}: {error}"
        report.send((code, text))
        return

    def begun() -> None:
        report.send(None)
        report.close()

    run(app, bound, begun)
