"""The workflows of a generated project are valid, safe, and do what make does."""

import re
from pathlib import Path

import pytest
import yaml
from projects import BIN, ROOT, render, run

PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")


@pytest.fixture(scope="module", params=["full", "lite"])
def github(request, tmp_path_factory) -> Path:
    """Return a project at GitHub, of each size."""
    return render(tmp_path_factory.mktemp("github") / "p", size=request.param)


@pytest.fixture(scope="module", params=["full", "lite"])
def gitlab(request, tmp_path_factory) -> Path:
    """Return a project at GitLab, of each size."""
    return render(tmp_path_factory.mktemp("gitlab") / "p", size=request.param, ci="gitlab")


def workflows(folder: Path) -> dict[str, dict]:
    """Return the workflows of a repository at GitHub, by the names of their files."""
    found = sorted((folder / ".github" / "workflows").glob("*.yaml"))
    return {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in found}


def steps(folder: Path) -> list[dict]:
    """Return every step of every job."""
    found = workflows(folder).values()
    return [step for each in found for job in each["jobs"].values() for step in job["steps"]]


def valid(schema: str, *files: Path, options: tuple[str, ...] = ()) -> None:
    """Hold files against a schema that check-jsonschema brings along."""
    run(BIN / "check-jsonschema", "--builtin-schema", schema, *options, *files, cwd=ROOT)


def test_the_files_for_github_follow_their_schemas(github):
    """Those of the workflows and of Dependabot."""
    valid("vendor.github-workflows", *sorted((github / ".github" / "workflows").iterdir()))
    if (github / ".github" / "dependabot.yml").exists():
        valid("vendor.dependabot", github / ".github" / "dependabot.yml")


def test_the_file_for_gitlab_follows_its_schema(gitlab):
    """As GitLab's own editor reads it."""
    options = ("--data-transform", "gitlab-ci")
    valid("vendor.gitlab-ci", gitlab / ".gitlab-ci.yml", options=options)


@pytest.mark.parametrize("folder", ["project", "here"])
def test_zizmor_finds_nothing(github, folder):
    """Not even what only its pedantic persona finds; nor in this repository."""
    place = github if folder == "project" else ROOT / ".github"
    done = run(BIN / "zizmor", "--offline", "--persona=pedantic", place, cwd=ROOT)
    assert "No findings to report" in done.stdout + done.stderr


def test_a_workflow_may_nothing_by_itself(github):
    """Each job says what it may, all but two that write may read alone; nothing else is pinned by name."""
    writing = set()
    for found in workflows(github).values():
        assert found["permissions"] == {}
        for name, job in found["jobs"].items():
            writing |= {name for right in job["permissions"].values() if right == "write"}
            # What may write runs nothing of the change.
            if name in writing:
                assert not [step for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert writing == ({"comment", "publish"} if len(workflows(github)) > 1 else {"comment"})
    assert all(PINNED.fullmatch(step["uses"]) for step in steps(github) if "uses" in step)


def test_what_comes_from_outside_reaches_a_shell_as_a_variable_only(github):
    """No expression is pasted into a command."""
    assert not [step for step in steps(github) if "${{" in step.get("run", "")]


def test_both_run_what_people_run(github, gitlab):
    """Their commands are targets of the Makefile, which a laptop has as well."""
    for project in (github, gitlab):
        targets = set(re.findall(r"^([a-z]+)::?", (project / "Makefile").read_text(), re.MULTILINE))
        text = (
            (gitlab / ".gitlab-ci.yml").read_text()
            if project is gitlab
            else "\n".join(step.get("run", "") for step in steps(github))
        )
        asked = {
            word
            for line in re.findall(r"\bmake ([a-z ]+)", text)
            for word in line.split()
            if word not in ("echo",)
        }
        assert {"check", "test", "compare", "data"} <= asked <= targets
        if (project / "deploy").exists():
            assert {"monitor", "retrain", "train"} <= asked
