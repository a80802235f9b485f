"""Measure what the prediction log adds to a request, and hold it to its bound.

Exits with 1 if the bound is missed. README.md says what is compared.

    python benchmarks/log.py
"""

import argparse
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from reporting import ENVIRONMENT, machine, say
from tracking import ROOT, render, run

MOST_SHARE = 0.05
CONNECTIONS = 4
#: Each a service's log settings.
SIDES: dict[str, dict] = {
    "none": {"folder": None},
    "flush_seconds: 1": {"flush_seconds": 1},
    "flush_seconds: 0": {"flush_seconds": 0},
}
#: The sides that the bound holds for: what each receipt costs that is written before its
#: answer is said beside them.
BOUND = "flush_seconds: 1"
PACKAGES = ("uvicorn", "starlette", "msgspec", "onnxruntime")


class Side:
    """A service that runs, and connections to it."""

    def __init__(self, process: subprocess.Popen, port: int, record: bytes) -> None:
        self._process = process
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        head = f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: {len(record)}\r\n"
        self._request = f"{head}content-type: application/json\r\n\r\n".encode() + record
        self.n_requests = 0
        self.seconds = 0.0
        self.cpu = 0.0

    def ask(self, seconds: float) -> None:
        """Keep a request on the way on each connection."""
        before, start = self._cpu(), perf_counter()
        while (took := perf_counter() - start) < seconds:
            for connection in self._sockets:
                connection.sendall(self._request)
            for connection in self._sockets:
                self._receive(connection)
            self.n_requests += CONNECTIONS
        self.seconds += took
        self.cpu += self._cpu() - before

    def _receive(self, connection: socket.socket) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"The service answered {answer!r}")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)

    def _cpu(self) -> float:
        """Return how long the service has used a processor, in s."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def started(folder: Path, bundle: Path, record: bytes, log: dict) -> Iterator[Side]:
    """Start a service in a folder of its own."""
    folder.mkdir()
    settings = {"port": 0, "access_log": False, "log": log}
    (folder / "serving.yaml").write_text(json.dumps(settings))
    command = (sys.executable, "-m", "mlkit", "serve", bundle, "--config", "serving.yaml")
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        port = int(line.split(" at ")[1].split()[0].rpartition(":")[2])
        yield Side(process, port, record)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def trained(folder: Path) -> tuple[Path, Path]:
    """Train the template's project; return its bundle and its record."""
    render(folder)
    run(sys.executable, "-m", "mlkit", "train", "tracking.uri=null", cwd=folder)
    return folder / "bundles" / "flight-delay", folder / "data" / "flight.json"


def main() -> None:
    """Measure the sides in short turns, print the table, and judge it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="turns of each side")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a turn")
    parser.add_argument("--bundle", type=Path, help="a bundle (default: one is trained)")
    parser.add_argument("--record", type=Path, help="a record that it takes, as JSON")
    arguments = parser.parse_args()
    with TemporaryDirectory() as place, ExitStack() as stack:
        bundle, record = arguments.bundle, arguments.record
        if bundle is None:
            bundle, record = trained(Path(place) / "flight-delay")
        sides = {
            name: stack.enter_context(
                started(Path(place) / f"{number}", bundle.resolve(), record.read_bytes(), log)
            )
            for number, (name, log) in enumerate(SIDES.items())
        }
        for side in sides.values():
            side.ask(1.0)
            side.n_requests, side.seconds, side.cpu = 0, 0.0, 0.0
        for number in range(arguments.rounds):
            for side in sides.values():
                side.ask(arguments.seconds)
            say(f"round {number + 1}")
    costs = {name: side.cpu / side.n_requests * 1e6 for name, side in sides.items()}
    print(f"{machine(PACKAGES)}\n\n| log | requests/s | µs of processor a request | more |")
    print("|---|--:|--:|--:|")
    for name, side in sides.items():
        more = costs[name] / costs["none"] - 1
        rate = side.n_requests / side.seconds
        print(f"| {name} | {rate:,.0f} | {costs[name]:.1f} | {more:.1%} |")
    share = costs[BOUND] / costs["none"] - 1
    passed = share <= MOST_SHARE
    verdict = "holds" if passed else "MISSED"
    print(f"\nThe log adds {share:.1%} to a request, at most {MOST_SHARE:.0%}: {verdict}")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
