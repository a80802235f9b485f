"""The page of the ML Test Score says what mlkit doctor finds of an untouched project."""

import argparse
import re

import pytest
from projects import ROOT

from mlkit.cli import build_parser
from mlkit.doctor.points import SECTIONS
from mlkit.doctor.project import read_project
from mlkit.doctor.scoring import Score, score
from mlkit.doctor.telling import HEADS

PAGE = (ROOT / "docs" / "reference" / "ml-test-score.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found(project) -> Score:
    """Return the score of an untouched project."""
    return score(read_project(project))


def rows(pattern: str) -> list[list[str]]:
    """Return the cells of the rows of which the first cell fits, without their marks of code."""
    lines = re.findall(rf"^\| ({pattern}) \| (.*) \|$", PAGE, re.M)
    return [
        [cell.replace("`", "") for cell in (first, *rest.split(" | "))] for first, rest in lines
    ]


def test_every_point_has_its_evidence(found):
    """In the order of the points, with the title and the evidence that doctor tells."""
    told = [[row[0], row[1], row[3]] for row in rows(r"`\w+-\d`")]
    assert told == [
        [point.name, point.title, point.text.replace("`", "") if point.earned else "none"]
        for point in found.points
    ]


def test_the_sums_are_those_of_the_project(found):
    """By section."""
    sums = found.sections()
    assert rows("|".join(HEADS.values())) == [
        [HEADS[section], f"{sums[section]} of 7"] for section in SECTIONS
    ]


def test_what_shows_a_point_can_be_called(project):
    """Each is a target of the project's Makefile, a command of mlkit, or uv's own."""
    (commands,) = (a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    for row in rows(r"`\w+-\d`"):
        tool, name = row[4].removeprefix("uv run ").split()[:2]
        if tool == "make":
            assert re.search(rf"^{name}:.*## ", makefile, re.M), row
        elif tool == "mlkit":
            assert name in commands.choices, row
        else:
            assert row[4] == "uv lock --upgrade --dry-run"
