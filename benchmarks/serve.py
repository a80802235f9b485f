"""Measure mlkit's service beside other servers of the same model, and hold it to its bounds.

Each server has one core, and what asks it the other. Exits with 1 if mlkit misses a bound, or
if the servers disagree. README.md says what is compared and what is left out.

    python benchmarks/serve.py
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from client import Load, ask, connect, load
from environments import interpreter
from predict import TOLERANCE, Check, short, trained
from reporting import machine, say
from servers import CLIENT_CORE, MLFLOW, SERVER_CORE, Server, Side, app, mlkit, mlserver, running

TABLE, ESTIMATOR = "flights", "hist_gradient_boosting"
CONNECTIONS = 4
#: Records whose answers are compared.
N_COMPARED = 500
PACKAGES = ("mlkit-ship", "starlette", "uvicorn", "uvloop")
#: What only parses and answers predicts nothing.
BARE, BARER = "bare Starlette", "bare Starlette with msgspec"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one server did when it was asked once."""

    rate: float  # requests/s
    p50: float  # ms
    p99: float  # ms
    ready: float  # s from the start of the process to its first answer
    resident: float  # MB, after the load


class Turns(list[Turn]):
    """What one server did, in the order in which all were asked."""

    def median(self, what: str) -> float:
        """Return the median of a figure."""
        return median(getattr(turn, what) for turn in self)

    def times(self, other: "Turns") -> float:
        """Return the median of how many times another's rate, turn by turn."""
        return median(mine.rate / its.rate for mine, its in zip(self, other, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What all servers are asked.

    Attributes
    ----------
    model
        The folder of the model.
    records
        That are sent in turns.
    folder
        Where servers write.
    """

    model: Path
    records: list[dict[str, Any]]
    folder: Path

    def run(self, side: Side, name: str = "server") -> Any:
        """Start a server; see `running`."""
        return running(side, self.model, self.folder / name, side.asked(self.records[0]))

    def load(self, side: Side, server: Server, seconds: float) -> Load:
        """Ask for all records in turns."""
        requests = [side.asked(record) for record in self.records]
        return load(server.port, requests, seconds=seconds, connections=CONNECTIONS)


def sides(model: Path) -> dict[str, Side]:
    """Return what is compared; mlkit as it is by default comes first."""
    dtypes = json.loads((model / "dtypes.json").read_text())
    return {
        "mlkit serve": mlkit(),
        "mlkit serve, no access log": mlkit(has_access_log=False),
        "mlflow models serve": MLFLOW,
        "MLServer": mlserver(dtypes),
        "FastAPI and the pipeline": app("pipeline", "mlflow"),
        BARE: app("bare", "serve"),
        BARER: app("barer", "serve"),
    }


def compare(found: dict[str, Side], work: Work) -> float:
    """Return how far probabilities of two servers are apart at most."""
    predicted = []
    for name, side in found.items():
        if name in (BARE, BARER):
            continue
        with work.run(side) as server, connect(server.port) as connection:
            records = work.records[:N_COMPARED]
            answers = [ask(connection, side.asked(record)) for record in records]
        predicted.append([side.probability(answer) for answer in answers])
        say(f"{name}: {len(answers)} answers")
    return float(np.ptp(np.array(predicted), axis=0).max())


def measure(
    found: dict[str, Side], work: Work, rounds: int, turns: int, seconds: float
) -> dict[str, Turns]:
    """Start all servers, so many times, and ask one after the other, so many times.

    All run, and one is asked: whatever else the machine does meets all.
    """
    did = {name: Turns() for name in found}
    for _ in range(rounds):
        with ExitStack() as stack:
            servers = {
                name: stack.enter_context(work.run(side, f"server-{number}"))
                for number, (name, side) in enumerate(found.items())
            }
            for turn in range(-1, turns):
                for name, server in servers.items():
                    took = work.load(found[name], server, seconds)
                    if turn < 0:
                        continue
                    did[name].append(
                        Turn(
                            rate=took.rate,
                            p50=took.percentile(50),
                            p99=took.percentile(99),
                            ready=server.seconds,
                            resident=server.resident(),
                        )
                    )
        for name, each in did.items():
            rate, p99 = each.median("rate"), each.median("p99")
            say(f"{name}: {rate:,.0f} requests/s, p99 {p99:.2f} ms")
    return did


def cost_of_log(work: Work, pairs: int, seconds: float) -> float:
    """Return the share of its requests/s that the prediction log costs mlkit.

    Two servers run, and are asked one after the other: whatever else the machine does
    meets both.
    """
    logs, quiet = mlkit(), mlkit(has_log=False)
    with ExitStack() as stack:
        with_log = stack.enter_context(work.run(logs, "log"))
        without = stack.enter_context(work.run(quiet, "quiet"))
        ratios = []
        for number in range(-1, pairs):
            rates = {}
            order = [(logs, with_log), (quiet, without)]
            for side, server in order[:: 1 if number % 2 else -1]:
                rates[server.port] = work.load(side, server, seconds).rate
            if number >= 0:
                ratios.append(rates[with_log.port] / rates[without.port])
    say(f"with the log, of the rate without: {', '.join(f'{ratio:.3f}' for ratio in ratios)}")
    return 1 - median(ratios)


def checks(found: dict[str, Turns], log: float, apart: float) -> Iterator[Check]:
    """Hold mlkit, as it is by default, to its bounds."""
    mlkit_ = found["mlkit serve"]
    for name, at_least in (
        ("mlflow models serve", 40),
        ("MLServer", 25),
        ("FastAPI and the pipeline", 25),
        (BARE, 0.5),
    ):
        yield Check(f"times the rate of {name}", mlkit_.times(found[name]), at_least=at_least)
    yield Check("ms, p99", mlkit_.median("p99"), at_most=3)
    yield Check("s from start to ready", mlkit_.median("ready"), at_most=1)
    yield Check("MB of resident memory", mlkit_.median("resident"), at_most=120)
    yield Check("of the rate for the prediction log", log, at_most=0.05)
    yield Check("apart from another side", apart, at_most=TOLERANCE)


def report(found: dict[str, Turns]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| server | requests/s | of mlkit's | p50 | p99 | start to ready | resident |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    first = next(iter(found.values()))
    lines += [
        f"| {name} | {did.median('rate'):,.0f} | {did.times(first):.3f} "
        f"| {did.median('p50'):.2f} ms | {did.median('p99'):.2f} ms "
        f"| {did.median('ready'):.2f} s | {did.median('resident'):.0f} MB |"
        for name, did in found.items()
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure, print the table, and return 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--keep", type=Path, help="folder of data and model, kept for next time")
    options = parser.parse_args()
    if not {SERVER_CORE, CLIENT_CORE} <= os.sched_getaffinity(0):
        parser.error("what serves and what asks need a core each; this process may use but one")
    rounds, turns, pairs, seconds = (1, 3, 3, 1.0) if options.quick else (3, 7, 15, 2.0)
    with TemporaryDirectory() as temporary:
        work = prepared(options.keep or Path(temporary), Path(temporary) / "servers")
        found = sides(work.model)
        apart = compare(found, work)
        figures = measure(found, work, rounds, turns, seconds)
        log = cost_of_log(work, pairs, seconds)
    print(f"{report(figures)}\n")
    print(f"The prediction log costs {log:.1%} of the rate. The sides are {apart:.1g} apart.")
    print(f"{machine(PACKAGES)}.")
    faults = [check for check in checks(figures, log, apart) if not check.holds()]
    for fault in faults:
        print(f"Missed: {short(fault.figure)} {fault.what}, {fault.bound()}.")
    return 1 if faults else 0


def prepared(folder: Path, servers: Path) -> Work:
    """Train the model, unless it is there, and make the environments."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / f"{TABLE}-{ESTIMATOR}"
    trained(TABLE, ESTIMATOR, model)
    interpreter("serve")
    interpreter("mlflow")
    lines = (model / "records.jsonl").read_text().splitlines()
    return Work(model=model, records=[json.loads(line) for line in lines], folder=servers)


if __name__ == "__main__":
    sys.exit(main())
