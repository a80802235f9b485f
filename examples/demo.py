"""Walk the whole way once: from the template to a scored flight.

Needs only Python, git and make; `make demo` calls it with the path of uv. What it
makes lies in `.demo/` and is made anew each time.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / ".demo"
PROJECT = DEMO / "flight-delay"
COMMANDS = ".venv/bin/mlkit"
BUNDLE = "bundles/flight-delay"
START = time.monotonic()


def main(uv: str) -> None:
    """Generate, train, pack and score, and say where everything lies."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    step("1/5  Copier, in an environment of its own")
    python = DEMO / "copier" / "bin" / "python"
    run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, DEMO / "copier")
    locked = ROOT / "requirements" / "demo.txt"
    run(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, locked)

    step("2/5  A project from the template, its nine questions answered by their defaults")
    copier = [python, "-m", "copier", "copy", "--defaults", "--quiet", "--vcs-ref", "HEAD"]
    if is_dirty():
        # Uncommitted changes have no commit to install from.
        copier += [
            "--data",
            f"mlkit_requirement=mlkit-ship[train,tune,registry,serve,monitor] @ file://{ROOT}",
        ]
    run(*copier, ROOT, PROJECT)
    run("git", "init", "--quiet", cwd=PROJECT)

    step("3/5  Its environment, with the very mlkit that it came from")
    run("make", "--no-print-directory", "setup", f"UV={uv}", cwd=PROJECT)
    commit()

    step("4/5  Train, judge on flights held out in time, pack")
    run(COMMANDS, "train", cwd=PROJECT)

    step("5/5  Score one flight, then a whole file")
    run(COMMANDS, "predict", BUNDLE, "data/flight.json", cwd=PROJECT)
    run(COMMANDS, "predict", BUNDLE, "data/flights.parquet", "scored.parquet", cwd=PROJECT)

    here = os.path.relpath(PROJECT)
    step("Done")
    print(
        f"""
The project    {here}
  its record   {here}/src/flight_delay/schema.py
  its features {here}/src/flight_delay/features.py
  its settings {here}/conf
  the bundle   {here}/{BUNDLE} (README.md is its card)
  the scores   {here}/scored.parquet

Try next
  cd {here}
  {COMMANDS} train model=logistic seed=7     another model, for one run
  {COMMANDS} check-data                      hold the data against the schema
  {COMMANDS} serve bundles/flight-delay      answer over HTTP
  make test                                      data, features and model, tested
"""
    )


def step(title: str) -> None:
    """Print a heading with the seconds gone by."""
    print(f"\n[{time.monotonic() - START:4.0f} s] {title}", flush=True)


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command, and end with it if it fails."""
    # Another environment's variables would lead uv astray.
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"demo: {' '.join(map(str, command))} failed ({done.returncode}).")


def is_dirty() -> bool:
    """Whether the template's repository has changes that no commit holds."""
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return bool(status.stdout.strip())


def commit() -> None:
    """Commit the new project, so that its model's lineage names a commit."""
    identity = ["-c", "user.name=demo", "-c", "user.email=demo@localhost"]
    run("git", "add", "--all", cwd=PROJECT)
    run("git", *identity, "commit", "--quiet", "-m", "Start from the template", cwd=PROJECT)


if __name__ == "__main__":
    main(*sys.argv[1:])
