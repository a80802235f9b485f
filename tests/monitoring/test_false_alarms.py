"""What has not drifted is not called drift more often than the level says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "false_alarms.py"
N_WINDOWS = int(os.environ.get("SIMULATIONS", "20"))


@pytest.mark.slow
def test_false_alarms_are_no_more_than_chance_explains():
    """Of windows without drift, no more than the level and two standard errors look drifted."""
    command = [sys.executable, SCRIPT, "--windows", str(N_WINDOWS), "--drifted", "0"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
