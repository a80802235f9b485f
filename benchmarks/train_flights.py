"""Measure mlkit beside plain scikit-learn on 327,346 flights, and hold it to its bounds.

Each side works in a process of its own, in turns, on the same file. Exits with
1 if mlkit exceeds a bound, or if the two do not find the same. README.md says
what is compared and what is left out.

    python benchmarks/train_flights.py
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from reporting import ENVIRONMENT, machine, say

HERE = Path(__file__).parent
SIDES = ("mlkit", "bare")
#: Draws of the bootstrap in each comparison; the bounds hold for the first.
N_RESAMPLES = (0, 100)
#: The most that mlkit may take, as a multiple of what the bare script takes.
BOUNDS = {"wall": 1.10, "peak": 1.25}
N_ROWS = 327_346
LOWEST_AUC = 0.72
TOLERANCE = 1e-9
PACKAGES = ("mlkit-ship", "scikit-learn", "pandas", "numpy", "pyarrow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one process took: wall and CPU time of its work in s, peak memory in MiB."""

    wall: float
    cpu: float
    peak: float
    found: dict


def measure(side: str, flights: Path, n_resamples: int) -> Run:
    """Run one side in a fresh process."""
    command = [sys.executable, HERE / f"flights_{side}.py", flights, str(n_resamples)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"flights_{side}.py failed with exit code {process.returncode}.")
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    found = json.loads(output)
    wall, cpu = found.pop("wall"), found.pop("cpu")
    return Run(wall=wall, cpu=cpu, peak=usage.ru_maxrss * unit / 2**20, found=found)


def compare(flights: Path, n_resamples: int, repeats: int) -> dict[str, list[Run]]:
    """Run both sides in turns."""
    runs: dict[str, list[Run]] = {side: [] for side in SIDES}
    for repeat in range(1, repeats + 1):
        for side in SIDES:
            run = measure(side, flights, n_resamples)
            runs[side].append(run)
            say(
                f"{n_resamples} resamples, {repeat} of {repeats}, {side}: {run.wall:.1f} s, "
                f"{run.cpu:.1f} s of CPU, {run.peak:.0f} MiB"
            )
    return runs


def differences(runs: dict[str, list[Run]]) -> list[str]:
    """Return what the two sides did not find alike, or not as good as they must."""
    mlkit, bare = (runs[side][0].found for side in SIDES)
    faults = [
        f"{side} split {found['n_train']:,} + {found['n_holdout']:,} rows, not {N_ROWS:,}"
        for side, found in (("mlkit", mlkit), ("bare", bare))
        if found["n_train"] + found["n_holdout"] != N_ROWS
    ]
    for name, value in bare["scores"].items():
        apart = abs(mlkit["scores"][name] - value)
        if not apart <= TOLERANCE:
            faults.append(f"{name} differs by {apart:.3g}, more than {TOLERANCE:g}")
    for name, (low, high) in bare["intervals"].items():
        apart = max(abs(a - b) for a, b in zip(mlkit["intervals"][name], (low, high), strict=True))
        if not apart <= (high - low) / 2:
            faults.append(f"the intervals of {name} lie {apart:.3g} apart")
    if not mlkit["scores"]["roc_auc"] >= LOWEST_AUC:
        faults.append(f"roc_auc is {mlkit['scores']['roc_auc']:.4f}, below {LOWEST_AUC}")
    return faults


def ratios(runs: dict[str, list[Run]]) -> dict[str, float]:
    """Return the medians of mlkit as multiples of the bare script's."""
    return {what: middle(runs["mlkit"], what) / middle(runs["bare"], what) for what in BOUNDS}


def middle(runs: list[Run], what: str) -> float:
    """Return the median of what the runs took."""
    return median(getattr(run, what) for run in runs)


def table(results: dict[int, dict[str, list[Run]]]) -> str:
    """Return medians and ratios as a Markdown table."""
    lines = [
        "| work | side | wall | ratio | CPU | peak memory | ratio |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for n_resamples, runs in results.items():
        more = f", metrics, importance, {n_resamples} resamples"
        work = "fit" + (more if n_resamples else " and metrics")
        for side in SIDES:
            ratio = ratios(runs) if side == "mlkit" else dict.fromkeys(BOUNDS, 1.0)
            lines.append(
                f"| {work} | {side} | {middle(runs[side], 'wall'):.1f} s | {ratio['wall']:.2f} "
                f"| {middle(runs[side], 'cpu'):.1f} s | {middle(runs[side], 'peak'):.0f} MiB "
                f"| {ratio['peak']:.2f} |"
            )
    return "\n".join(lines)


def main() -> int:
    """Measure, print the table, and return 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side")
    repeats = parser.parse_args().repeats
    with TemporaryDirectory() as folder:
        flights = Path(folder) / "flights.parquet"
        # In a process of its own: the peak memory of a child starts at its parent's.
        prepare = HERE.parent / "examples" / "prepare_flights.py"
        say("Preparing the flights")
        subprocess.run([sys.executable, prepare, flights], check=True, stdout=sys.stderr)
        results = {n: compare(flights, n, repeats) for n in N_RESAMPLES}
    auc = {side: results[0][side][0].found["scores"]["roc_auc"] for side in SIDES}
    apart = abs(auc["mlkit"] - auc["bare"])
    print(f"{table(results)}\n\nMedians of {repeats}, in turns. {machine(PACKAGES)}.")
    print(f"ROC AUC {auc['mlkit']:.4f} on both sides, {apart:.1g} apart.")
    faults = [fault for runs in results.values() for fault in differences(runs)]
    faults += [
        f"{what} is {ratio:.3f} times the bare script's, more than {BOUNDS[what]:.2f}"
        for what, ratio in ratios(results[0]).items()
        if ratio > BOUNDS[what]
    ]
    for fault in faults:
        print(f"Missed: {fault}.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
