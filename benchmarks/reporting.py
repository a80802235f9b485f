"""What the benchmarks share: how processes run, and what is said of the machine."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version

#: Idle OpenMP threads sleep instead of spinning: where another process holds a
#: core, spinning made one run of 22 s take 128 s.
ENVIRONMENT = os.environ | {"OMP_WAIT_POLICY": "passive"}


def machine(packages: Sequence[str]) -> str:
    """Return what the numbers were measured with."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}"
    )


def say(progress: str) -> None:
    """Show progress, apart from the result."""
    print(progress, file=sys.stderr, flush=True)
