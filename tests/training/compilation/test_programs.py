"""Whatever is written out of the operations that compile, the graph computes as pandas does."""

import os
import re
import warnings
from pathlib import Path

import pytest
from programs.rows import sample
from programs.running import differences
from programs.writing import write

BATCH = 20
QUICK, SOME, ALL = 100, 400, 2_000
#: `make simulate` runs them all.
LAST = ALL if "SIMULATIONS" in os.environ else SOME


@pytest.fixture(scope="module")
def frames():
    """Return tame rows and wild ones."""
    return [sample(seed, wild=seed > 1) for seed in (1, 2, 3)]


def differ(first: int, last: int, frames) -> str:
    """Return what differs in the programs of these seeds, as readable code."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for begin in range(first, last, BATCH):
            found += differences([write(seed) for seed in range(begin, begin + BATCH)], frames)
    return "\n".join(map(str, found[:5]))


def test_some_programs_compute_alike(frames):
    """No feature of a random program differs, of one row or of many."""
    assert differ(0, QUICK, frames) == ""


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, LAST, 100))
def test_many_programs_compute_alike(first, frames):
    """No feature of 400 random programs differs, of one row or of many; of 2,000 when asked."""
    assert differ(first, first + 100, frames) == ""


def test_every_operation_of_the_documentation_is_tried():
    """The table of what compiles lists what the programs use, and nothing else."""
    text = (Path(__file__).parents[3] / "docs" / "reference" / "operations.md").read_text("utf-8")
    rows = [line.replace("\\|", "¦") for line in text.splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall("`([^`]+)`", row.split("|")[1])}
    used = {name for seed in range(ALL) for name in write(seed).used}
    assert {name.replace("¦", "|") for name in listed} == used


def test_no_program_is_written_twice():
    """Two thousand programs are as many different ones."""
    assert len({write(seed).body for seed in range(ALL)}) == ALL
