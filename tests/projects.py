"""Render projects from the template of this checkout, and run commands in them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


def run(
    *command: object, cwd: Path, code: int | None = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command with this environment's tools first, and hold it to its exit code."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if code is not None:
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def render(folder: Path, **answers: str) -> Path:
    """Render the template of this checkout, uncommitted changes included."""
    data = [part for item in answers.items() for part in ("--data", "=".join(item))]
    run(
        *(sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", "--vcs-ref", "HEAD"),
        *data,
        *(ROOT, folder),
        cwd=ROOT,
    )
    return folder


def commit_all(folder: Path) -> None:
    """Commit whatever lies in a repository, on a machine that knows no author."""
    run("git", "add", "--all", cwd=folder)
    author = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    run("git", *author, "commit", "--quiet", "--allow-empty", "-m", "All of it", cwd=folder)


def clone_here(folder: Path) -> Path:
    """Return a clean clone of this checkout, with uncommitted changes as a commit."""
    run("git", "clone", "--quiet", ROOT, folder, cwd=ROOT)
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in tracked.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    commit_all(folder)
    return folder
