"""The hooks stop what breaks a rule, through the real pre-commit, without a network."""

import re
from pathlib import Path

import pytest
from examples_of_tests import planted
from projects import BIN, commit_all, render, run

from mlkit.standards.ownership import owned
from mlkit.standards.rules import RULES

pytestmark = pytest.mark.slow

#: Where nothing answers: what asked for a package would fail.
NOWHERE = "http://127.0.0.1:9"
OFFLINE = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE),
    **dict.fromkeys(("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), NOWHERE),
    "PIP_NO_INDEX": "1",
    "UV_OFFLINE": "1",
}
AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@localhost")


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """Return what hooks run with: no network, and no environment that pre-commit made before."""
    return {**OFFLINE, "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("pre-commit"))}


@pytest.fixture(scope="module")
def hooked(tmp_path_factory, environment) -> Path:
    """Return a project in its first commit, with its hooks installed."""
    project = render(tmp_path_factory.mktemp("hooked") / "p")
    (project / ".venv").symlink_to(BIN.parent)
    run("git", "init", "--quiet", cwd=project)
    (project / ".git" / "info" / "exclude").write_text("/.venv\n")
    commit_all(project)
    run(".venv/bin/pre-commit", "install", cwd=project, **environment)
    return project


def hooks(project: Path) -> list[str]:
    """Return the names by which pre-commit knows a project's hooks."""
    return re.findall(r"- id: (\S+)", (project / ".pre-commit-config.yaml").read_text())


@pytest.fixture
def project(hooked) -> Path:
    """Return the project as it was rendered."""
    run("git", "reset", "--quiet", "--hard", cwd=hooked)
    run("git", "clean", "--quiet", "--force", "-d", cwd=hooked)
    return hooked


def test_an_untouched_project_passes(project, environment):
    """Every hook, on every file; nothing is changed."""
    done = run(".venv/bin/pre-commit", "run", "--all-files", cwd=project, **environment)
    n_hooks = len(hooks(project))
    assert (done.stdout.count("Passed"), done.stdout.count("\n")) == (n_hooks, n_hooks)
    assert run("git", "status", "--porcelain", cwd=project).stdout == ""


@pytest.mark.parametrize("code", RULES)
def test_a_planted_violation_stops_the_commit(project, environment, code):
    """Of each rule, by itself; one that only warns is told, and stops none."""
    others = ",".join(name for name in hooks(project) if name != "mlkit-check")
    environment = {**environment, "SKIP": others}
    planted(RULES[code].bad, project)
    run("git", "add", "--all", cwd=project)
    if RULES[code].severity == "warning":
        check = (".venv/bin/pre-commit", "run", "--all-files", "--verbose", "mlkit-check")
        told = run(*check, cwd=project, **environment).stdout
    else:
        done = run("git", *AUTHOR, "commit", "-m", "Break it", cwd=project, code=1, **environment)
        told = done.stdout + done.stderr
        assert run("git", "log", "--format=%s", cwd=project).stdout == "All of it\n"
    assert f" {code} " in told


def test_an_edit_of_what_the_template_owns_stops_the_commit(project, environment):
    """Any of its files, by the digests that the template wrote; the project's own are its own."""
    names = owned(project)
    assert "Makefile" in names
    for name in (*names, "README.md"):
        (project / name).write_text((project / name).read_text() + "\n# mine\n")
    run("git", "add", "--all", cwd=project)
    done = run("git", *AUTHOR, "commit", "-m", "Edit", cwd=project, code=1, **environment)
    found = re.findall(r"^(\S+):1:1: MLK913 is the template's, and was edited$", done.stderr, re.M)
    assert sorted(found) == sorted(names)


def test_a_repository_of_no_template_takes_its_hooks_from_this_one(clone, tmp_path):
    """Pre-commit installs the plain library: one hook for the files, one for the whole."""
    other = tmp_path / "other"
    other.mkdir()
    run("git", "init", "--quiet", cwd=other)
    (other / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {clone}\n  rev: HEAD\n"
        "  hooks:\n  - id: mlkit-check\n  - id: mlkit-check-project\n"
    )
    planted(RULES["MLK401"].bad, other)
    planted(RULES["MLK912"].bad, other)
    run("git", "add", "--all", cwd=other)
    home = str(tmp_path / "pre-commit")
    done = run("pre-commit", "run", "--all-files", cwd=other, code=1, PRE_COMMIT_HOME=home)
    files, _, whole = done.stdout.partition("mlkit check (project)")
    assert [(code in files, code in whole) for code in ("MLK401", "MLK912")] == [
        (True, True),
        (False, True),
    ]
