"""Measure what tracking on SQLite adds to a training run, and hold it to its bound.

Exits with 1 if the bound is missed. README.md says what is compared.

    python benchmarks/tracking.py
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from reporting import ENVIRONMENT, machine, say

ROOT = Path(__file__).resolve().parent.parent
#: Of a run that takes a minute, as `LONG` makes it.
MOST_SECONDS = 5.0
LONG = "evaluation.n_repeats=90"
SIDES = ("null", "sqlite:///mlruns.db")
PACKAGES = ("scikit-learn", "mlflow-skinny", "sqlalchemy")


def run(*command: object, cwd: Path) -> float:
    """Run a command, and return how long it took, in s."""
    paths = os.pathsep.join(["src", str(ROOT)])
    start = perf_counter()
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=ENVIRONMENT | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr}")
    return perf_counter() - start


def render(folder: Path) -> None:
    """Make the default project of this checkout, under git."""
    copier = (sys.executable, "-m", "copier", "copy", "--defaults", "--quiet")
    run(*copier, "--vcs-ref", "HEAD", ROOT, folder, cwd=ROOT)
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    author = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")
    run("git", *author, "commit", "--quiet", "--message", "Start", cwd=folder)


def train(folder: Path, uri: str) -> float:
    """Train once, and return how long it took, in s; every database is new."""
    for path in folder.glob("mlruns.db*"):
        path.unlink()
    command = (sys.executable, "-m", "mlkit", "train", LONG, f"tracking.uri={uri}")
    seconds = run(*command, cwd=folder)
    if (folder / "mlruns.db").exists() != (uri != "null"):
        raise SystemExit(f"tracking.uri={uri} was not followed.")
    return seconds


def main() -> None:
    """Measure both sides in turns, print the table, and judge it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side")
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {uri: [] for uri in SIDES}
    with TemporaryDirectory() as place:
        folder = Path(place) / "flight-delay"
        render(folder)
        train(folder, SIDES[1])  # Warms the files' cache.
        for number in range(arguments.repeats):
            for uri in SIDES:
                seconds[uri].append(train(folder, uri))
                say(f"run {number + 1}, tracking.uri={uri}: {seconds[uri][-1]:.1f} s")
    print(f"{machine(PACKAGES)}\n\n| tracking.uri | median, s | least, s | most, s |")
    print("|---|--:|--:|--:|")
    for uri, found in seconds.items():
        print(f"| {uri} | {median(found):.1f} | {min(found):.1f} | {max(found):.1f} |")
    added = median(seconds[SIDES[1]]) - median(seconds[SIDES[0]])
    passed = added <= MOST_SECONDS
    verdict = "holds" if passed else "MISSED"
    print(f"\nTracking adds {added:.1f} s, at most {MOST_SECONDS:.0f} s: {verdict}")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
