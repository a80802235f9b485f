"""Measure mlkit's predictions beside scikit-learn's and MLflow's, and hold it to its bounds.

Each side predicts with the same fitted pipeline, in processes and in an
environment of its own, in turns. Exits with 1 if mlkit misses a bound, or if
the sides disagree. README.md says what is compared and what is left out.

    python benchmarks/predict.py
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from environments import interpreter, size
from predict_fit import ESTIMATORS, TABLES
from reporting import ENVIRONMENT, machine, say

HERE = Path(__file__).resolve().parent
SIDES = ("mlkit", "pipeline", "mlflow")
SOURCES = {
    "flights": HERE.parent / "examples" / "prepare_flights.py",
    "synthetic": HERE / "synthetic.py",
}
#: Timed single predictions in each round, at least; with 0, only the cold start is.
ROUNDS = (1_000, 200, 200, 0, 0)
BATCHES = 3
TOLERANCE = 1e-5
PACKAGES = ("mlkit-ship", "scikit-learn", "pandas", "numpy", "lightgbm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one side took with one model: medians over its processes."""

    p50: float  # µs for one record
    p99: float  # µs for one record
    batch: float  # s for 300,000 rows
    cold: float  # s from the start of the process to its first prediction
    resident: float  # MB
    probabilities: np.ndarray


class Model(NamedTuple):
    """One estimator on one table, and what each side took with it."""

    table: str
    estimator: str
    runtime: str
    sides: dict[str, Figures]


class Check(NamedTuple):
    """A figure of mlkit and its bound."""

    what: str
    figure: float
    at_most: float = np.inf
    at_least: float = -np.inf

    def holds(self) -> bool:
        """Whether the figure is within its bound."""
        return self.at_least <= self.figure <= self.at_most

    def bound(self) -> str:
        """Return the bound in words."""
        return (
            f"at most {self.at_most:g}" if self.at_most < np.inf else f"at least {self.at_least:g}"
        )


def run(python: str | Path, script: str, *arguments: Any) -> dict[str, Any]:
    """Run a script of this folder, and return what it printed, with its cold start."""
    command = [str(word) for word in (python, HERE / script, *arguments)]
    # The peers' telemetry would measure the network.
    environment = ENVIRONMENT | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    start = monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    if "answered" in found:
        # One clock for all processes of a machine.
        found["cold"] = found.pop("answered") - start
    return found


def model(table: str, estimator: str, folder: Path, *, quick: bool) -> Model:
    """Measure every side with one model."""
    work = folder / f"{table}-{estimator}"
    runtime = trained(table, estimator, work)
    rounds, batches = ((100,), 1) if quick else (ROUNDS, BATCHES)
    tasks = [("records", at_least) for at_least in rounds] + [("batch",)] * batches
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for task in tasks:
        for side in SIDES:
            found = run(python_of(side, runtime, task[0]), "predict_side.py", side, work, *task)
            runs[side].append(found)
            told = [
                f"{what} {found[what]:.4g}" for what in ("p50", "cold", "batch") if what in found
            ]
            say(f"{table}, {estimator}, {side}: {', '.join(told)}")
    return Model(table, estimator, runtime, {side: figures(runs[side]) for side in SIDES})


def trained(table: str, estimator: str, work: Path) -> str:
    """Train and write a model for every side, unless it is there; return its bundle's runtime."""
    record = work / "trained.json"
    if not record.exists():
        say(f"{table}, {estimator}: training")
        work.mkdir(exist_ok=True)
        path = work.parent / f"{table}.parquet"
        if not path.exists():
            subprocess.run([sys.executable, SOURCES[table], path], check=True, stdout=sys.stderr)
        found = run(sys.executable, "predict_fit.py", table, estimator, path, work)
        run(interpreter("mlflow"), "predict_side.py", "mlflow", work, "save")
        record.write_text(json.dumps(found))
    return json.loads(record.read_text())["runtime"]


def python_of(side: str, runtime: str, task: str) -> Path:
    """Return the Python that a side runs on."""
    if side == "pipeline":
        return Path(sys.executable)
    if side == "mlflow":
        return interpreter("mlflow")
    if runtime == "python":
        return interpreter("train")
    return interpreter("plain" if task == "records" else "frames")


def figures(runs: list[dict[str, Any]]) -> Figures:
    """Return the medians of what each of a side's processes measured."""
    middle = {
        what: median(found[what] for found in runs if what in found)
        for what in ("p50", "p99", "batch", "cold")
    }
    # The first process has predicted the most records, and the last a batch.
    probabilities = np.array([*runs[0]["probabilities"], *runs[-1]["probabilities"]])
    return Figures(**middle, resident=runs[0]["resident"], probabilities=probabilities)


def apart(sides: dict[str, Figures]) -> float:
    """Return the largest difference between mlkit's probabilities and another side's."""
    others = np.stack([sides[side].probabilities for side in SIDES[1:]])
    return float(np.abs(others - sides["mlkit"].probabilities).max())


def checks(sides: dict[str, Figures]) -> Iterator[Check]:
    """Hold what mlkit took with one model to its bounds."""
    mlkit, pipeline, mlflow = (sides[side] for side in SIDES)
    yield Check("µs for one record", mlkit.p50, at_most=60)
    yield Check("times p50 for p99", mlkit.p99 / mlkit.p50, at_most=5)
    yield Check("times MLflow's speed on one record", mlflow.p50 / mlkit.p50, at_least=100)
    yield Check("times the pipeline's speed on one record", pipeline.p50 / mlkit.p50, at_least=80)
    yield Check("times the pipeline's time for a batch", mlkit.batch / pipeline.batch, at_most=1)
    yield Check("s of cold start", mlkit.cold, at_most=0.5)
    yield Check("times MLflow's cold start", mlkit.cold / mlflow.cold, at_most=1 / 8)
    yield Check("MB of resident memory", mlkit.resident, at_most=120)
    yield Check("apart from another side", apart(sides), at_most=TOLERANCE)


def missed(models: list[Model], sizes: dict[str, float]) -> list[str]:
    """Return what is beyond its bound, in words."""
    held = [(f"{m.table}, {m.estimator}", check) for m in models for check in checks(m.sides)]
    held += [
        (f"environment {name}", Check("MB on the disk", sizes[name], at_most=150))
        for name in sizes.keys() - {"mlflow"}
    ]
    return [
        f"{where}: {short(check.figure)} {check.what}, {check.bound()}"
        for where, check in held
        if not check.holds()
    ]


def short(figure: float) -> str:
    """Return a figure with four digits, or with all of a whole number's."""
    return f"{figure:.4g}" if figure < 100 else f"{figure:,.0f}"


def report(models: list[Model]) -> str:
    """Return the figures of one table's models as a Markdown table."""
    lines = [
        "| estimator | side | one record, p50 | p99 | of mlkit's p50 | 300,000 rows | of mlkit's "
        "| cold start | resident |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for m in models:
        mlkit = m.sides["mlkit"]
        lines += [
            f"| {m.estimator} | {side} | {took.p50:,.0f} µs | {took.p99:,.0f} µs "
            f"| {took.p50 / mlkit.p50:.1f} | {took.batch:.2f} s | {took.batch / mlkit.batch:.2f} "
            f"| {took.cold:.2f} s | {took.resident:.0f} MB |"
            for side, took in m.sides.items()
        ]
    return "\n".join(lines)


def main() -> int:
    """Measure, print the tables, and return 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--estimators", nargs="+", choices=ESTIMATORS, default=list(ESTIMATORS))
    parser.add_argument("--quick", action="store_true", help="few calls, in one round")
    parser.add_argument("--keep", type=Path, help="folder of data and models, kept for next time")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        models = [
            model(table, estimator, folder, quick=options.quick)
            for table in options.tables
            for estimator in options.estimators
        ]
    for table in options.tables:
        print(f"## {table}\n\n{report([m for m in models if m.table == table])}\n")
    used = {"train" if m.runtime == "python" else "plain" for m in models}
    sizes = {name: size(name) for name in (*sorted(used), "mlflow")}
    print("| environment | size on the disk |\n|---|--:|")
    print("\n".join(f"| {name} | {taken:.0f} MB |" for name, taken in sizes.items()) + "\n")
    unable = [f"{m.table} {m.estimator}" for m in models if m.runtime == "python"]
    if unable:
        print(f"No plain install loads these, so mlkit ran with [train]: {', '.join(unable)}.")
    print(f"The sides are {max(apart(m.sides) for m in models):.1g} apart. {machine(PACKAGES)}.")
    faults = missed(models, sizes)
    for fault in faults:
        print(f"Missed: {fault}.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
