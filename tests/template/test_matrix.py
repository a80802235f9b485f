"""Whatever is answered, the project that comes of it keeps the team's standards."""

import json
import os
import shutil
from itertools import combinations, product
from pathlib import Path

import pandas as pd
import pytest
from owned_of_tests import OWN_DATA, own_data
from projects import BIN, commit_all, render, run

pytestmark = pytest.mark.slow

UV = shutil.which("uv", path=BIN) or "uv"
SMALL = [
    "evaluation.n_resamples=10",
    "evaluation.n_repeats=0",
    "evaluation.compare_splits=false",
]
CHOICES = {
    "task": ("binary", "multiclass", "regression"),
    "ci": ("github", "gitlab", "none"),
    "size": ("full", "lite"),
    "data": ("sample", "own"),
}
#: Few projects among which each two choices meet. The first is the one that test_template installs
#: and tries, and is left to it in the short form.
PAIRWISE = [
    ("binary", "github", "full", "sample"),
    ("binary", "gitlab", "lite", "own"),
    ("binary", "none", "full", "own"),
    ("multiclass", "github", "lite", "own"),
    ("multiclass", "gitlab", "full", "sample"),
    ("multiclass", "none", "lite", "sample"),
    ("regression", "github", "full", "own"),
    ("regression", "gitlab", "lite", "sample"),
    ("regression", "none", "full", "sample"),
]
IN_FULL = "SIMULATIONS" in os.environ
OWN = {task: (name, target) for name, (target, task) in OWN_DATA.items()}


def test_every_two_choices_meet():
    """In some project of the short form, for every pair of questions and of their answers."""
    for first, second in combinations(range(len(CHOICES)), 2):
        wanted = set(product(*(list(CHOICES.values())[place] for place in (first, second))))
        assert {(row[first], row[second]) for row in PAIRWISE} == wanted


@pytest.mark.parametrize("choices", [*product(*CHOICES.values())] if IN_FULL else PAIRWISE[1:], ids="-".join)
def test_a_project_of_any_answers_is_in_order(run_in, tmp_path, choices):
    """Its hooks pass (style, types, mlkit check), its tests pass, it trains, and scores a file."""
    task, ci, size, data = choices
    answers = {"task": task, "ci": ci, "size": size, "project_name": "Tardy planes"}
    file, target = OWN[task]
    if data == "own":
        own_data(tmp_path / file)
        answers["data"] = str(tmp_path / file)
    project = render(tmp_path / "p", **answers, **({"tracking_uri": "none"} if size == "full" else {}))
    if data == "own":
        done = run_in(project, "mlkit", "schema", "infer", tmp_path / file, "--target", target)
        assert "src/tardy_planes/schema.py" in done.stdout
    run("git", "init", "--quiet", cwd=project)
    commit_all(project)
    if IN_FULL:
        assert " passed" in run("make", "test", f"UV={UV}", cwd=project, VIRTUAL_ENV="").stdout
    else:
        (project / ".venv").symlink_to(BIN.parent)
        assert " passed" in run_in(project, "pytest", "-q", "-p", "no:cacheprovider").stdout
    assert not (project / "reports").exists()
    hooks = run(".venv/bin/pre-commit", "run", "--all-files", cwd=project).stdout
    assert hooks.count("Passed") == (project / ".pre-commit-config.yaml").read_text().count("- id: ")

    # The default one was trained by the project's own tests.
    models = {file.stem for file in (project / "conf" / "model").glob("*.yaml")}
    for model in sorted(models - {"hist_gradient_boosting"}):
        done = run_in(project, "mlkit", "train", f"model={model}", *SMALL)
        assert "Bundle tardy-planes/" in done.stdout
    table = tmp_path / file if data == "own" else project / "data" / "flights.parquet"
    run_in(project, "mlkit", "predict", "bundles/tardy-planes", table, "scored.parquet")
    assert pd.read_parquet(project / "scored.parquet")["prediction"].notna().all()
    assert run("git", "status", "--short", cwd=project).stdout in ("", "?? uv.lock\n")


@pytest.mark.parametrize("size", CHOICES["size"])
@pytest.mark.parametrize("ci", CHOICES["ci"])
def test_a_project_is_small(tmp_path, size, ci):
    """A newcomer can read it all: few files, short ones, none of a tool's leftovers."""
    project = render(tmp_path / "p", size=size, ci=ci)
    files = [file for file in project.rglob("*") if file.is_file()]
    assert len(files) <= {"lite": 25, "full": 55}[size]
    texts = [file for file in files if file.suffix != ".parquet"]
    assert not [file for file in files if file.suffix in (".jinja", ".rej", ".orig")]
    lengths = sorted(len(file.read_text(encoding="utf-8").splitlines()) for file in texts)
    assert lengths[len(lengths) // 2] <= 60
    assert (project / "data" / "flights.parquet").stat().st_size < 500_000


def test_one_flight_is_there_to_be_scored(run_in, project):
    """The record that the README scores is one."""
    run_in(project, "mlkit", "train", *SMALL)
    one = run_in(project, "mlkit", "predict", "bundles/flight-delay", "data/flight.json")
    assert "label" in json.loads(one.stdout)
