"""Make the environments that prediction and serving are measured in, each with what its users have.

They lie in `.peers/` and are kept. Those of mlkit are made anew with each run,
from a wheel of this tree.
"""

import subprocess
import sys
from functools import cache
from pathlib import Path

from reporting import ENVIRONMENT, say

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks" / ".peers"
PINS = ROOT / "requirements"
#: What is installed beside mlkit, and with which of its extras.
MLKIT = {
    "plain": ("", []),
    "frames": ("", ["pandas", "pyarrow"]),
    "train": ("[train]", ["lightgbm"]),
    "serve": ("[serve]", []),
}


@cache
def interpreter(name: str) -> Path:
    """Make an environment, and return its Python.

    `plain` is a plain install of mlkit, `frames` has pandas beside it, `train`
    and `serve` the extra, and `mlflow` what serves the pipeline, and what it needs to
    be read back there. `evidently` has nothing of mlkit.
    """
    say(f"Setting up: {name}")
    python = FOLDER / name / "bin" / "python"
    if name == "mlflow":
        uv("venv", "--allow-existing", "--python", sys.executable, FOLDER / name)
        uv("pip", "sync", "--python", python, "--require-hashes", PINS / "bench.txt")
        uv("pip", "install", "--python", python, "--no-deps", wheel())
    elif name == "evidently":
        uv("venv", "--allow-existing", "--python", sys.executable, FOLDER / name)
        uv("pip", "sync", "--python", python, "--require-hashes", PINS / "bench-monitor.txt")
    else:
        extra, beside = MLKIT[name]
        uv("venv", "--clear", "--python", sys.executable, FOLDER / name)
        pinned = ["--constraint", PINS / "dev.txt", f"{wheel()}{extra}", *beside]
        uv("pip", "install", "--python", python, *pinned)
    return python


@cache
def wheel() -> Path:
    """Build mlkit as its users get it."""
    built = FOLDER / "dist"
    uv("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "-o", built, ROOT)
    return max(built.glob("*.whl"), key=lambda path: path.stat().st_mtime)


def size(name: str) -> float:
    """Return what the packages of an environment take on the disk, compiled, in MB."""
    packages = interpreter(name).parent.parent / "lib"
    return sum(path.lstat().st_blocks * 512 for path in packages.rglob("*")) / 1e6


def uv(*command: str | Path) -> None:
    """Call the development environment's uv."""
    environment = ENVIRONMENT | {"UV_COMPILE_BYTECODE": "1"}
    words = [sys.executable, "-m", "uv", command[0], "--quiet", *command[1:]]
    subprocess.run(list(map(str, words)), env=environment, check=True, stdout=sys.stderr)
