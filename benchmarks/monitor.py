"""Measure monitoring of a wide table, and beside Evidently.

Exits with 1 if a bound is missed. README.md says what is compared.

    python benchmarks/monitor.py
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import monitor_data
import pyarrow.parquet as pq
from environments import interpreter
from monitor_parity import SIDE, SILENT
from reporting import ENVIRONMENT, machine, say

from mlkit.core.bundle import Bundle

ROOT = Path(__file__).resolve().parent.parent
MOST_SECONDS, MOST_MB = 60.0, 2_000.0
#: A process begins with the peak memory of the one that started it: this one is small.
LAUNCHER = """
import json, os, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
wall = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
mb = used.ru_maxrss * 1024 / 1e6
print(json.dumps([code, wall, used.ru_utime + used.ru_stime, mb]))
"""


def measured(command: list[str | Path]) -> tuple[float, float, float]:
    """Run a command, and return its wall and processor time in s, and its peak memory in MB."""
    words = [sys.executable, "-c", LAUNCHER, *map(str, command)]
    environment = ENVIRONMENT | SILENT | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    code, wall, processor, mb = json.loads(ran.stdout.splitlines()[-1])
    # 8 and 9 say that something drifted.
    if code not in (0, 8, 9):
        raise SystemExit(f"{command} failed with {code}.")
    return wall, processor, mb


def monitored(folder: Path, window: str) -> tuple[float, float, float]:
    """Run mlkit monitor on the table in a folder; see `measured`."""
    say(f"Monitoring by {window}: mlkit")
    command = [sys.executable, "-m", "mlkit", "monitor", folder / "bundle"]
    reports = ["--reports", folder / "reports"]
    return measured([*command, "--data", folder / "current.parquet", "--window", window, *reports])


def compared(folder: Path) -> tuple[float, float, float]:
    """Let Evidently compare the columns of the table in a folder; see `measured`."""
    python = interpreter("evidently")
    say("Comparing: Evidently")
    schema = Bundle.open(folder / "bundle").schema
    kinds = {
        name: "number" if column.kind in ("number", "integer") else "category"
        for name, column in schema.columns.items()
        if column.known_before and column.kind != "datetime"
    }
    tests = {"number": ("ks", "psi"), "category": ("chisquare", "psi")}
    asked = [(name, kind, method) for name, kind in kinds.items() for method in tests[kind]]
    (folder / "asked.json").write_text(json.dumps(asked))
    files = [folder / name for name in ("reference.parquet", "current.parquet", "asked.json")]
    return measured([python, SIDE, *files])


def main() -> int:
    """Measure, print the tables, and return 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rows-beside", type=int, default=100_000)
    parser.add_argument("--columns-beside", type=int, default=50)
    arguments = parser.parse_args()
    with TemporaryDirectory() as place:
        wide, beside = Path(place, "wide"), Path(place, "beside")
        say("Making tables, and training")
        monitor_data.make(wide, arguments.rows, arguments.columns)
        monitor_data.make(beside, arguments.rows_beside, arguments.columns_beside)
        alone = {"all": monitored(wide, "all"), "day": monitored(wide, "day")}
        ours, theirs = monitored(beside, "all"), compared(beside)
        n_bytes = (wide / "current.parquet").stat().st_size
        n_rows = pq.read_metadata(wide / "current.parquet").num_rows
    print(f"{n_rows:,} rows, {arguments.columns} columns, {n_bytes / 1e6:,.0f} MB of Parquet\n")
    print("| windows | wall | processor | peak memory |\n|---|--:|--:|--:|")
    for label, (wall, cpu, mb) in alone.items():
        print(f"| {label} | {wall:.1f} s | {cpu:.1f} s | {mb:,.0f} MB |")
    print(f"\n{arguments.rows_beside:,} rows, {arguments.columns_beside} columns, one window\n")
    print("| side | wall | processor | peak memory |\n|---|--:|--:|--:|")
    for label, (wall, cpu, mb) in {"mlkit monitor": ours, "Evidently": theirs}.items():
        print(f"| {label} | {wall:.1f} s | {cpu:.1f} s | {mb:,.0f} MB |")
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    print("| Evidently, times mlkit's | " + " | ".join(f"{r:.1f}" for r in ratios) + " |")
    load = os.getloadavg()[0]
    print(f"\nLoad {load:.1f}; {machine(['mlkit-ship', 'numpy', 'pandas', 'pyarrow'])}")
    missed = [
        f"{label}, {wall:.0f} s, {mb:,.0f} MB; at most {MOST_SECONDS:.0f} s, {MOST_MB:,.0f} MB"
        for label, (wall, _, mb) in alone.items()
        if wall > MOST_SECONDS or mb > MOST_MB
    ]
    print(*(f"Missed: {each}" for each in missed), sep="\n")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
