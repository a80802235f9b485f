"""Write down what becomes of each test: a plugin of pytest, for `mlkit doctor --run`."""

import json
import os
from pathlib import Path
from typing import Any

from mlkit.doctor.tests import OUTCOMES


def pytest_runtest_logreport(report: Any) -> None:
    """Note the outcome of a test, and of a fixture that did not come about."""
    if report.when == "call" or report.outcome != "passed":
        with Path(os.environ[OUTCOMES]).open("a", encoding="utf-8") as file:
            file.write(json.dumps([report.nodeid, report.outcome]) + "\n")
