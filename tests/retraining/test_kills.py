"""A retraining that is killed at any moment comes to the same end when it is done again."""

import os
from pathlib import Path

import pytest
from forks_of_tests import program

#: How often each scenario is killed (make simulate-retraining: in full).
IN_FULL = int(os.environ.get("SIMULATIONS", "0")) >= 1000
MOST = 60 if IN_FULL else 3


@pytest.mark.slow
def test_a_kill_at_any_write_changes_nothing(tmp_path):
    """The outputs, the versions, the champion and the journal are those of an undisturbed run."""
    found, errors = program(Path(__file__).with_name("killing.py"), tmp_path, MOST, cwd=tmp_path)
    assert {name: wrong for name, (_, wrong) in found.items() if wrong} == {}, errors
    assert sum(kills for kills, _ in found.values()) == 2 * MOST
