"""The year of a model is lived through: the example that serves, labels, watches and retrains."""

import os
import re
import subprocess
import sys

import pytest
from projects import ROOT

#: The last month; make simulate-retraining lives on until the answers of one have come.
LAST = 5 if int(os.environ.get("SIMULATIONS", "0")) >= 1000 else 4


@pytest.mark.slow
def test_the_year_is_lived_through(tmp_path):
    """Each month is predicted, watched and decided on; answers a month late retrain the model."""
    command = [sys.executable, ROOT / "examples" / "year.py", tmp_path / "project"]
    done = subprocess.run(
        [*command, "--every", "8", "--last", str(LAST)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    april, *later = (line for line in done.stdout.splitlines() if line.startswith("{"))
    assert "Drift (alarm, 2013-04)" in april
    assert "0 rows with answers have come since flight-delay/1 was trained" in april
    assert not [line for line in later if "rows with answers have come" in line]
    assert len(re.findall(r"^\| 2013-0\d \|", done.stdout, re.M)) == 2 * (1 + len(later))
