"""A point of the ML Test Score is earned by what runs, and lost with it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from projects import render

from mlkit.cli import main
from mlkit.core.errors import ConfigError
from mlkit.doctor.diagnosing import diagnose
from mlkit.doctor.points import POINTS
from mlkit.doctor.project import Project, read_project
from mlkit.doctor.scoring import score

#: What an untouched project does not do by itself.
LEFT = {"data-3", "model-2"}
MODEL, CHECK, RETRAIN = (
    "tests/test_model.py",
    ".github/workflows/check.yaml",
    ".github/workflows/retrain.yaml",
)
TESTED = {point.name for point in POINTS if point.section in ("data", "infra")} - LEFT

WATCHED = {"monitor-2", "monitor-3", "monitor-7", "monitor-6"}


def unearned(project: Project) -> set[str]:
    """Return the points that an untouched project has and this one has not."""
    return {point.name for point in score(project).points if not point.earned} - LEFT


def lost(folder: Path) -> set[str]:
    """Return the same of the project in a folder."""
    return unearned(read_project(folder))


def change(file: Path, pattern: str, by: str) -> None:
    """Replace what a pattern finds in a file, which must be there."""
    text, count = re.subn(pattern, by, file.read_text(), flags=re.M)
    assert count, f"{file} has no {pattern}"
    file.write_text(text)


def test_there_are_seven_of_each_section():
    """As in the paper, each with a number."""
    names = [f"{s}-{n}" for s in ("data", "model", "infra", "monitor") for n in range(1, 8)]
    assert [point.name for point in POINTS] == names


def test_an_untouched_project_has_six_in_each_section(copied):
    """The score is the smallest of the sums."""
    found = score(read_project(copied))
    assert found.sections() == {"data": 6, "model": 6, "infra": 7, "monitor": 7}
    assert found.total == 6
    assert {point.name for point in found.points if not point.earned} == LEFT


@pytest.mark.parametrize(
    ("file", "pattern", "by", "expected"),
    [
        (MODEL, r'"infra-2"', '"x"', {"infra-2"}),
        (MODEL, r"^@.*model-5.*\n", "", {"model-5", "model-6", "model-7"}),
        ("conf/evaluation/default.yaml", r"^.*slice: origin.*\n", "", {"model-6"}),
        ("conf/evaluation/default.yaml", r"^.*disparity.*\n", "", {"model-7"}),
        ("conf/evaluation/default.yaml", r"^.*: simple.*\n", "", {"model-5"}),
        ("conf/monitoring/default.yaml", r"latency_ms: 1000", "latency_ms: null", {"monitor-6"}),
        ("conf/monitoring/default.yaml", r"quality: 0.1 *$", "quality: null", {"monitor-7"}),
        ("conf/monitoring/default.yaml", r"violations: 0.01", "violations: null", {"monitor-2"}),
        ("conf/monitoring/default.yaml", r"psi: 0.25", "psi: null", {"monitor-3"}),
        ("conf/retraining/default.yaml", "schedule: monthly", "schedule: never", {"monitor-4"}),
        (RETRAIN, "make monitor", "make setup", WATCHED),
        (RETRAIN, "retraining.tune=true", "", {"model-3"}),
        (RETRAIN, "^    name: M", "    if: ${{ false }}\n    name: M", {*WATCHED, "model-3",
            "monitor-4"}),
        (RETRAIN, "^      - name: Mo", "      - if: false\n        name: Mo", WATCHED),
        (RETRAIN, "make retrain", "# make retrain", {"model-3", "monitor-4"}),
        (RETRAIN, "make retrain", "echo make retrain", {"model-3", "monitor-4"}),
        (RETRAIN, r"^  schedule:\n.*\n", "", {*WATCHED, "model-3", "monitor-4"}),
        (CHECK, "make check", "make setup", {"model-1"}),
        (CHECK, "make check", "true  # make check", {"model-1"}),
        (CHECK, "make check", "pre-commit install", {"model-1"}),
        (CHECK, "  pull_request:\n", "", {"model-1"}),
        ("Makefile", "mlkit tune|mlkit retrain", "true", {"model-3", "monitor-4"}),
        (".github/dependabot.yml", "ecosystem: uv", "ecosystem: npm", {"monitor-1"}),
        (".github/dependabot.yml", "^  - package-eco(.*): uv", r"  # - package-eco\1: uv",
            {"monitor-1"}),
        ("conf/config.yaml", "^seed: 0", "sead: 0", {"model-5", "model-6", "model-7", "infra-4",
            "monitor-4", "monitor-6", *WATCHED}),
    ],
)  # fmt: skip
def test_what_is_taken_away_costs_its_points(copied, file, pattern, by, expected):
    """A marker, a gate, a limit, a step of a workflow, what a target of make runs: and no other."""
    change(copied / file, pattern, by)
    assert lost(copied) == expected


def test_settings_that_are_no_text_earn_nothing(copied):
    """As those that cannot be read otherwise."""
    (copied / "conf" / "config.yaml").write_bytes(b"seed: \xff")
    settings = {"model-5", "model-6", "model-7", "infra-4", "monitor-4", "monitor-6"}
    assert lost(copied) == {*settings, *WATCHED}


@pytest.mark.parametrize(
    ("file", "pattern", "by"),
    [
        ("Makefile", r"\$\(RUN\) pytest", "true"),
        ("Makefile", r"\$\(RUN\) pytest", "uv --quiet pip install pytest"),
        (CHECK, r"^on:\n(  .*\n)+", "on: workflow_dispatch\n"),
    ],
)
def test_tests_that_no_workflow_runs_earn_nothing(copied, file, pattern, by):
    """Neither those of data nor any other; to install pytest is not to run it, nor is a button."""
    change(copied / file, pattern, by)
    # A release, which runs them as well, is made of what was tested before.
    (copied / ".github" / "workflows" / "release.yaml").unlink()
    assert lost(copied) >= TESTED | {"model-1", "model-4", "monitor-5"}


@pytest.mark.parametrize(
    ("rules", "is_run"),
    [
        ("all: check test\n", True),
        ("all another: all\n\tmake test check\n", True),
        ("all:\n\ttrue\nreports/all.html: data\n\tmake check test\n", False),
    ],
)
def test_targets_are_followed_as_make_does(copied, rules, is_run):
    """To what they need and to what they make, and never to the recipe of another."""
    with (copied / "Makefile").open("a") as makefile:
        makefile.write(rules)
    change(copied / CHECK, "make check", "make all")
    change(copied / CHECK, "make test", "true")
    assert ("model-1" in lost(copied)) != is_run


def test_a_test_that_does_not_pass_earns_nothing(copied):
    """Of what ran only what passed counts: not what failed, was skipped, or did not run."""
    project = read_project(copied)
    passed = {test.id: "passed" for test in project.tests}
    assert unearned(replace(project, outcomes=passed)) == set()
    for test in project.tests:
        others = {name: outcome for name, outcome in passed.items() if name != test.id}
        for outcomes in (others, others | {test.id: "failed"}, others | {test.id: "skipped"}):
            assert unearned(replace(project, outcomes=outcomes)) == set(test.names), test.id


def test_a_pipeline_of_gitlab_is_read(tmp_path):
    """What it runs on merge requests and by the clock counts as on GitHub."""
    project = render(tmp_path / "p", ci="gitlab")
    # Nothing of GitLab's own tells of newer packages.
    assert lost(project) == {"monitor-1"}
    change(project / ".gitlab-ci.yml", "merge_request_event", "push")
    assert lost(project) == {"monitor-1", "model-1"}
    change(project / ".gitlab-ci.yml", '== "schedule"', '== "web"')
    scheduled = {"model-3", "monitor-4", *WATCHED}
    assert lost(project) == {"monitor-1", "model-1", *scheduled}


@pytest.mark.parametrize(
    ("pattern", "by"),
    [
        ("^retrain:", ".retrain:"),
        ("^retrain:", "retrain:\n  when: manual"),
        (
            '- if: (.*) == "schedule"\n  timeout',
            r'- if: \1 == "schedule"\n      when: manual\n  timeout',
        ),
    ],
)
def test_a_job_of_gitlab_that_does_not_begin_by_itself_earns_nothing(tmp_path, pattern, by):
    """What is for others to extend, and what waits for somebody."""
    project = render(tmp_path / "p", ci="gitlab")
    change(project / ".gitlab-ci.yml", pattern, by)
    assert lost(project) == {"monitor-1", "model-3", "monitor-4", *WATCHED}


def test_the_command_tells_and_can_refuse(copied, capsys):
    """All 28 in both formats; below --fail-under it exits with 1."""
    assert main(["doctor", str(copied)]) == 0
    text = capsys.readouterr().out
    assert len(re.findall(r"^  [+-]  \w+-\d", text, re.M)) == 28
    assert "ML Test Score: 6, the smallest of the four" in text
    assert main(["doctor", str(copied), "--format", "json", "--fail-under", "6"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["score"]["total"] == 6
    assert [point["name"] for point in told["score"]["points"]] == [p.name for p in POINTS]
    assert main(["doctor", str(copied), "--fail-under", "7"]) == 1
    assert "the score is 6, at least 7" in capsys.readouterr().err


def test_what_is_no_project_is_refused(tmp_path):
    """Before its tests would run; and a workflow that is no YAML is named."""
    with pytest.raises(ConfigError, match=r"is no project: it has no pyproject\.toml"):
        diagnose(tmp_path / "nowhere", run=True)
    with pytest.raises(ConfigError, match=r"is no project: it has no pyproject\.toml"):
        read_project(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".gitlab-ci.yml").write_text("{")
    with pytest.raises(ConfigError, match=r"\.gitlab-ci\.yml cannot be read"):
        read_project(tmp_path)
