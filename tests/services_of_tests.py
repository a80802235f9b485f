"""Start a service as its users do: by its command, in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

#: For how long a service may start or stop, in s.
PATIENCE = 60


@dataclass
class Running:
    """A service that runs."""

    address: str
    process: subprocess.Popen
    errors: Path
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.address, timeout=PATIENCE)

    def stop(self) -> int:
        """End it as an orchestrator does; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def told(self) -> str:
        """Return what it logged."""
        return self.errors.read_text(encoding="utf-8")


@contextmanager
def serving(folder: Path, *arguments: object, **settings: Any) -> Iterator[Running]:
    """Run `mlkit serve` in `folder` on a free port, with settings as of conf/serving.yaml."""
    path = folder / "serving.yaml"
    path.write_text(yaml.safe_dump({"port": 0, **settings}), encoding="utf-8")
    command = [sys.executable, "-m", "mlkit", "serve", "--config", path, *arguments]
    errors = folder / "service.err"
    with errors.open("w") as stream:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    try:
        line = process.stdout.readline()
        if " at http" not in line:
            code = process.wait(PATIENCE)
            raise RuntimeError(f"No service, but exit code {code}:\n{line}{errors.read_text()}")
        running = Running(line.split(" at ")[1].split()[0], process, errors)
        with running.client:
            yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stdout.close()


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something holds, and not for ever."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end


def children(parent: int, word: bytes) -> set[int]:
    """Return the processes that one started, and that have a word in their command."""
    found = {int(path.name) for path in Path("/proc").glob("[0-9]*")}
    return {pid for pid in found if _status(pid)[1] == str(parent) and word in _command(pid)}


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended may be kept for whoever should ask for its code."""
    return _status(pid)[0] not in ("", "Z")


def _status(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["", ""]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
