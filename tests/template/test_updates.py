"""`copier update` brings what is new, and keeps what was written."""

import os
import sys
from itertools import cycle, product
from pathlib import Path

import pytest
import yaml
from owned_of_tests import OWN_DATA, own_data
from projects import clone_here, commit_all, run

pytestmark = pytest.mark.slow

#: What was in the repository at these commits stands for releases: the first template, one
#: that served, and one that watched and retrained.
EARLIER = {"v0.1.0": "d8e6342", "v0.5.0": "c83c51c", "v0.9.0": "637b3fa"}
LATEST = "v1.0.0"
#: Answers at the start, and those that are given when the project is updated.
ANSWERS = {
    "as they come": ({}, {}),
    "a regression, elsewhere": (
        {"task": "regression", "tracking_uri": "none"},
        {"ci": "none"},
    ),
    "data of one's own": (
        {"project_name": "Own thing", "task": "multiclass", "data": "/data/own.csv"},
        {"owner": "@mine/models"},
    ),
    "no more than lite, at GitLab": (
        {"description": 'A "late" flight: 100 %', "package_name": "late"},
        {"size": "lite", "ci": "gitlab"},
    ),
}
#: Each release from each answers in the full run; in short each of both at least once.
IN_FULL = "SIMULATIONS" in os.environ
CASES = [*product(EARLIER, ANSWERS)] if IN_FULL else [*zip(cycle(EARLIER), ANSWERS, strict=False)]
#: A line that only the user wrote.
MINE = "# mine: kept through every update\n"
#: Files that the user writes a line into, and before what; nothing: at the end. The last one is
#: the template's own.
EDITED = {
    "src/{package}/features.py": "",
    "src/{package}/__init__.py": "",
    "conf/model/hist_gradient_boosting.yaml": "encoder:",
    "README.md": "`make train` prints metrics",
    "Makefile": ".tools/bin/uv:",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone of the template with a tag for each release."""
    clone = clone_here(tmp_path_factory.mktemp("releases") / "mlkit")
    for tag, commit in EARLIER.items():
        run("git", "tag", "--force", tag, commit, cwd=clone)
    run("git", "tag", "--force", LATEST, "HEAD", cwd=clone)
    return clone


def copier(command: str, *arguments: object, cwd: Path, **answers: str) -> None:
    """Run Copier without a question, and without trust."""
    data = [part for item in answers.items() for part in ("--data", "=".join(item))]
    options = ["--defaults", "--quiet", *data]
    run(sys.executable, "-m", "copier", command, *options, *arguments, cwd=cwd)


def started(template: Path, project: Path, tag: str, answers: dict[str, str]) -> Path:
    """Return a project as it was generated from a release, committed."""
    copier("copy", "--vcs-ref", tag, template, project, cwd=template, **answers)
    run("git", "init", "--quiet", cwd=project)
    commit_all(project)
    return project


def answered(project: Path) -> dict[str, str]:
    """Return the answers that a project holds now."""
    held = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {key: value for key, value in held.items() if not key.startswith("_")}


def files(project: Path) -> dict[str, bytes]:
    """Return what a project consists of."""
    found = (file for file in project.rglob("*") if file.is_file())
    held = {file.relative_to(project).as_posix(): file.read_bytes() for file in found}
    return {name: text for name, text in held.items() if not name.startswith(".git/")}


def fresh(template: Path, folder: Path, project: Path) -> dict[str, bytes]:
    """Return what a new project of the latest release holds, by a project's own answers."""
    copier("copy", "--vcs-ref", LATEST, template, folder, cwd=template, **answered(project))
    return files(folder)


@pytest.mark.parametrize(("tag", "answers"), CASES)
def test_an_updated_project_is_a_new_one_and_what_was_written(template, tmp_path, tag, answers):
    """File by file: the latest template's, but for lines, files and removals of the user's."""
    first, later = ANSWERS[answers]
    project = started(template, tmp_path / "p", tag, first)
    package = answered(project)["package_name"]
    model = "ridge" if answered(project)["task"] == "regression" else "logistic"
    edited = {name.format(package=package): place for name, place in EDITED.items()}
    for name, place in edited.items():
        text = (project / name).read_text(encoding="utf-8")
        before, found, after = text.partition(place) if place else (text, "", "")
        (project / name).write_text(before + MINE + found + after, encoding="utf-8")
    (project / f"src/{package}/ideas.py").write_text('"""Ideas."""\n')
    (project / f"conf/model/{model}.yaml").unlink()
    commit_all(project)

    copier("update", "--vcs-ref", LATEST, cwd=project, **later)
    expected = fresh(template, tmp_path / "fresh", project)
    del expected[f"conf/model/{model}.yaml"]
    expected[f"src/{package}/ideas.py"] = b'"""Ideas."""\n'
    found = files(project)
    assert all(found[name].count(MINE.encode()) == 1 for name in edited)
    assert {name: text.replace(MINE.encode(), b"") for name, text in found.items()} == expected


@pytest.mark.parametrize("tag", EARLIER if IN_FULL else ["v0.9.0"])
def test_what_both_changed_is_marked_where_it_is(template, tmp_path, tag):
    """Both lines stand between git's marks; no other file is touched, none is left beside."""
    project = started(template, tmp_path / "p", tag, {})
    makefile = project / "Makefile"
    makefile.write_text(makefile.read_text().replace("run --no-sync pytest", "run pytest --quiet"))
    commit_all(project)
    copier("update", "--vcs-ref", LATEST, cwd=project)
    marked = makefile.read_text()
    before, _, theirs = marked.split("<<<<<<< before")[1].partition("=======")
    assert "run pytest --quiet" in before
    assert "$(RUN) pytest" in theirs.partition(">>>>>>> after")[0]
    expected, found = fresh(template, tmp_path / "fresh", project), files(project)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == ["Makefile"]


def test_a_lite_project_becomes_a_full_one_by_answering_again(template, tmp_path):
    """It then holds what a full one does, and what was written."""
    project = started(template, tmp_path / "p", LATEST, {"size": "lite"})
    features = project / "src" / "flight_delay" / "features.py"
    features.write_text(features.read_text() + MINE)
    commit_all(project)
    lite = files(project)
    copier("update", "--vcs-ref", LATEST, cwd=project, size="full", tracking_uri="none")
    expected = fresh(template, tmp_path / "fresh", project)
    assert lite.keys() < expected.keys()
    expected["src/flight_delay/features.py"] += MINE.encode()
    assert files(project) == expected


@pytest.mark.skipif(not IN_FULL, reason="in make simulate-template; new ones pass in test_matrix")
@pytest.mark.parametrize("answers", ANSWERS)
def test_an_updated_project_passes_its_tests(template, tmp_path, commands, answers):
    """From the first release on; the tests are then those of the latest."""
    first, later = ANSWERS[answers]
    if "data" in first:
        own_data(tmp_path / "pbc.parquet")
        first = {**first, "data": str(tmp_path / "pbc.parquet")}
    project = started(template, tmp_path / "p", "v0.1.0", first)
    if "data" in first:
        infer = ("schema", "infer", first["data"], "--target", OWN_DATA["pbc.parquet"][0])
        run(commands / "mlkit", *infer, cwd=project, PYTHONPATH=str(project / "src"))
        commit_all(project)
    copier("update", "--vcs-ref", LATEST, cwd=project, **later)
    quiet = ("-q", "-p", "no:cacheprovider")
    done = run(commands / "pytest", *quiet, cwd=project, PYTHONPATH=str(project / "src"))
    assert " passed" in done.stdout
