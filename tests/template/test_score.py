"""An untouched project earns six points in each section of the ML Test Score, by what runs."""

import json

import pytest
from projects import run

pytestmark = pytest.mark.slow


def test_an_untouched_project_earns_six_in_each_section(project, commands):
    """Its own marked tests run and pass, and its workflows run them: mlkit doctor --run."""
    command = (commands / "mlkit", "doctor", "--run", "--fail-under", 6, "--format", "json")
    done = run(*command, cwd=project, PYTHONPATH=str(project / "src"))
    found = json.loads(done.stdout)["score"]
    assert found["was_run"]
    assert found["sections"] == {"data": 6, "model": 6, "infra": 7, "monitor": 7}
