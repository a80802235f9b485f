"""Prometheus' own judge of metrics and of rules."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def promtool(*arguments: str | Path, given: str | None = None) -> None:
    """Have promtool check something, of which it must have nothing to say; CI must have it."""
    found = shutil.which("promtool")
    if found is None:
        what = "Not installed: promtool (apt-get install prometheus)."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(what)
    done = subprocess.run(
        [found, *arguments], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
