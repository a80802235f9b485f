"""What tests of the registry share: MLflow on SQLite, and a server of it on PostgreSQL."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker

#: For how long a server may start, in s.
_PATIENCE = 180


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where bundles are cached, in this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mlkit" / "bundles"


@pytest.fixture(scope="module")
def uri(database: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of an empty database."""
    return f"sqlite:///{shutil.copy(database, tmp_path_factory.mktemp('mlflow'))}"


@pytest.fixture(scope="module")
def tracker(uri: str) -> Tracker:
    """Return the runs of a new database."""
    return Tracker(uri)


@pytest.fixture(scope="module")
def registry(tracker: Tracker) -> Registry:
    """Return the versions of a new database."""
    return Registry(tracker)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of an MLflow server on PostgreSQL, started here; CI must have both."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    pg_ctl = shutil.which("pg_ctl") or next((str(b / "pg_ctl") for b in reversed(binaries)), None)
    absent = [name for name in ("flask", "psycopg") if find_spec(name) is None]
    if pg_ctl is None or absent:
        what = "PostgreSQL (apt-get install postgresql)" if pg_ctl is None else ", ".join(absent)
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"Not installed: {what}.")
    folder = tmp_path_factory.mktemp("server")
    with ExitStack() as stack:
        database = stack.enter_context(_postgresql(Path(pg_ctl).resolve().parent))
        yield stack.enter_context(_mlflow(folder, database))


@contextmanager
def _postgresql(binaries: Path) -> Iterator[str]:
    """Run PostgreSQL for one user on the loopback; yield SQLAlchemy's address of it."""
    # It refuses to run as root, and its user must reach the folder.
    runuser = shutil.which("runuser") or "/usr/sbin/runuser"
    user = (runuser, "-u", "postgres", "--") if os.geteuid() == 0 else ()
    made = subprocess.run([*user, "mktemp", "-d"], capture_output=True, text=True, check=True)
    data, port = made.stdout.strip(), _free_port()
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={data}"
    control = [*user, str(binaries / "pg_ctl"), "-D", f"{data}/data", "-w"]
    initdb = [*user, str(binaries / "initdb"), "-D", f"{data}/data", "-U", "mlflow", "-A", "trust"]
    try:
        subprocess.run(initdb, cwd="/", capture_output=True, check=True)
        start = [*control, "-l", f"{data}/log", "-o", options, "start"]
        subprocess.run(start, cwd="/", stdout=subprocess.DEVNULL, check=True)
        try:
            yield f"postgresql+psycopg://mlflow@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run(
                [*control, "-m", "fast", "stop"], cwd="/", capture_output=True, check=True
            )
    finally:
        subprocess.run([*user, "rm", "-rf", data], cwd="/", check=True)


@contextmanager
def _mlflow(folder: Path, database: str) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--backend-store-uri", database]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    # Its eight processes for jobs of its own take longer to start than all else.
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment = {**os.environ, **quiet}
    with (folder / "log").open("w") as log:
        # Its workers end with it.
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(f"{address}/health", process, folder / "log")
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _wait(address: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urlopen(address, timeout=5).close()  # noqa: S310
        except (URLError, OSError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"MLflow's server did not start:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
