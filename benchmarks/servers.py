"""Start the servers that are measured: each in its own environment, on a core of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from client import PATIENCE, ask, connect, request
from environments import interpreter
from reporting import ENVIRONMENT

HERE = Path(__file__).resolve().parent
#: What asks must not take from what answers.
SERVER_CORE, CLIENT_CORE = 0, 1
_NUMBERS = ("FP64", None)
_KINDS = {"str": ("BYTES", "str"), "datetime64[us]": ("BYTES", "datetime")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One way to serve the model.

    Attributes
    ----------
    command
        Starts it: of the model's folder, a folder of its own, and the port.
    asked
        Returns the bytes of a request for a record.
    probability
        Returns what the body of an answer predicts.
    """

    command: Callable[[Path, Path, int], list[Any]]
    asked: Callable[[dict[str, Any]], bytes]
    probability: Callable[[bytes], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers.

    Attributes
    ----------
    port
        Where it listens.
    process
        That was started.
    seconds
        From its start to its first answer.
    """

    port: int
    process: subprocess.Popen[bytes]
    seconds: float

    def resident(self) -> float:
        """Return the memory that it and the processes it started hold, in MB."""
        return sum(_resident(pid) for pid in _tree(self.process.pid)) * 1024 / 1e6

    def open_files(self) -> int:
        """Return how many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


@contextmanager
def running(side: Side, model: Path, work: Path, first: bytes) -> Iterator[Server]:
    """Start a server on its core, wait until it answers, and stop it at the end."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    port = _free_port()
    command = [str(word) for word in side.command(model, work, port)]
    # One core, told to those libraries that count all; and no network but this machine's.
    environment = ENVIRONMENT | {
        "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with (work / "output.txt").open("wb") as output:
        os.sched_setaffinity(0, {SERVER_CORE})
        start = monotonic()
        process = subprocess.Popen(
            command,
            cwd=work,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.sched_setaffinity(0, {CLIENT_CORE})
    try:
        _wait(process, port, first, work / "output.txt")
        yield Server(port=port, process=process, seconds=monotonic() - start)
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], port: int, first: bytes, output: Path) -> None:
    deadline = monotonic() + 2 * PATIENCE
    while True:
        try:
            with connect(port) as connection:
                ask(connection, first)
            return
        except OSError as error:
            if process.poll() is not None or monotonic() > deadline:
                told = output.read_text(errors="replace")[-3000:]
                raise SystemExit(f"{process.args} does not answer: {error}\n{told}") from None
        sleep(0.002)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop what was started, with all that it started."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    except ProcessLookupError:
        process.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            yield from _tree(int(child))


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def mlkit(*, has_log: bool = True, has_access_log: bool = True) -> Side:
    """Return the side of mlkit: `mlkit serve` with these settings, and all others as they are."""

    def command(model: Path, work: Path, port: int) -> list[Any]:
        settings = {
            "models": [{"bundle": str(model / "bundle")}],
            "port": port,
            "access_log": has_access_log,
            "log": {"folder": str(work / "predictions") if has_log else None},
        }
        # JSON is YAML.
        (work / "serving.yaml").write_text(json.dumps(settings))
        return [interpreter("serve"), "-m", "mlkit", "serve", "--config", work / "serving.yaml"]

    return Side(command=command, asked=_plain, probability=_plainly)


def app(name: str, environment: str) -> Side:
    """Return an application of `serve_side.py`."""

    def command(model: Path, _: Path, port: int) -> list[Any]:
        return [interpreter(environment), HERE / "serve_side.py", name, model, port]

    return Side(command=command, asked=_plain, probability=_plainly)


def _plain(record: dict[str, Any]) -> bytes:
    return request("/predict", json.dumps(record, separators=(",", ":")).encode())


def _plainly(answer: bytes) -> float:
    found: float = json.loads(answer)["probability"]
    return found


def _mlflow_command(model: Path, _: Path, port: int) -> list[Any]:
    mlflow = interpreter("mlflow").parent / "mlflow"
    where = ["--host", "127.0.0.1", "--port", port, "--workers", 1]
    return [mlflow, "models", "serve", "-m", model / "mlflow", "--env-manager", "local", *where]


def _mlflow_asked(record: dict[str, Any]) -> bytes:
    split = {"columns": list(record), "data": [list(record.values())]}
    return request("/invocations", json.dumps({"dataframe_split": split}).encode())


def _mlflow_probability(answer: bytes) -> float:
    found: float = json.loads(answer)["predictions"][0][1]
    return found


def _mlserver_command(model: Path, work: Path, port: int) -> list[Any]:
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": _free_port(),
        "metrics_port": _free_port(),
        # No second process: it would only pass records on, on the same core.
        "parallel_workers": 0,
        "debug": False,
    }
    served = {
        "name": "flights",
        "implementation": "mlserver_mlflow.MLflowRuntime",
        "parameters": {"uri": str(model / "mlflow")},
    }
    (work / "settings.json").write_text(json.dumps(settings))
    (work / "model-settings.json").write_text(json.dumps(served))
    return [interpreter("mlflow").parent / "mlserver", "start", work]


def mlserver(dtypes: dict[str, str]) -> Side:
    """Return the side of MLServer, for columns of these dtypes."""
    kinds = {name: _KINDS.get(dtype, _NUMBERS) for name, dtype in dtypes.items()}

    def asked(record: dict[str, Any]) -> bytes:
        inputs = [
            {
                "name": name,
                "shape": [1, 1],
                "datatype": datatype,
                "data": [record[name]],
                **({"parameters": {"content_type": content}} if content else {}),
            }
            for name, (datatype, content) in kinds.items()
        ]
        body = {"parameters": {"content_type": "pd"}, "inputs": inputs}
        return request("/v2/models/flights/infer", json.dumps(body).encode())

    def probability(answer: bytes) -> float:
        (output,) = json.loads(answer)["outputs"]
        found: float = output["data"][1]
        return found

    return Side(command=_mlserver_command, asked=asked, probability=probability)


MLFLOW = Side(command=_mlflow_command, asked=_mlflow_asked, probability=_mlflow_probability)
