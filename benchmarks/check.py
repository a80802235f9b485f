"""Measure how long `mlkit check` looks at 500 files, beside ruff and flake8.

The files are the first 500 of scikit-learn's package, by path. Each command looks at
all of them in a fresh process, with its own rules, in turns; what they look for differs,
so that the others only give the scale. Wall time is the fastest run: what a command
takes when nothing else does. CPU counts all processes, and is the steadier number on a
busy machine.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from environments import FOLDER, uv
from precision import sources
from reporting import ENVIRONMENT, machine, say

FLAKE8 = "flake8==7.3.0"
N_FILES = 500
#: What the issue of the standards asks for, in seconds.
BOUND = 2.0


def timed(command: Sequence[str | Path]) -> tuple[float, float]:
    """Return the wall and the CPU time of a command, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    words = list(map(str, command))
    done = subprocess.run(words, check=False, env=ENVIRONMENT, capture_output=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Something is found: 1. What fails says otherwise.
    assert done.returncode in (0, 1), done.stderr.decode()
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def flake8() -> Path:
    """Make an environment with flake8, and return its Python."""
    python = FOLDER / "flake8" / "bin" / "python"
    if not python.is_file():
        uv("venv", "--python", sys.executable, FOLDER / "flake8")
        uv("pip", "install", "--python", python, FLAKE8)
    return python


def main() -> int:
    """Print a table, and return 1 if mlkit takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    package = sources("scikit-learn") / "sklearn"
    files = sorted(package.rglob("*.py"))[:N_FILES]
    n_jobs = str(os.cpu_count())
    commands: dict[str, list[str | Path]] = {
        "mlkit check": [sys.executable, "-m", "mlkit", "check", "--format", "json"],
        "ruff check": [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache"],
        "flake8": [flake8(), "-m", "flake8", "--isolated", "--jobs", n_jobs],
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for repeat in range(arguments.repeats):
        for name, command in commands.items():
            say(f"Run {repeat + 1} of {arguments.repeats}: {name}")
            taken[name].append(timed([*command, *files]))
    n_lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    print(f"{len(files)} files, {n_lines:,} lines; {machine(['ruff'])}, {FLAKE8}\n")
    print("| | wall, fastest | CPU, median | times mlkit's CPU |\n|---|---:|---:|---:|")
    own = median(cpu for _, cpu in taken["mlkit check"])
    for name, runs in taken.items():
        wall, cpu = min(wall for wall, _ in runs), median(cpu for _, cpu in runs)
        print(f"| {name} | {wall:.2f} s | {cpu:.2f} s | {cpu / own:.2f} |")
    return int(min(wall for wall, _ in taken["mlkit check"]) >= BOUND)


if __name__ == "__main__":
    sys.exit(main())
