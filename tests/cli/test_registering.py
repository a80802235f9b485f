"""The commands of the registry: from a trained bundle to a champion, and back."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from projects import run
from registry_of_tests import crown, register, variant

from mlkit.cli import main
from mlkit.core.bundle import Bundle
from mlkit.registry import journal
from mlkit.registry.references import Reference
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker
from mlkit.training import workflow

FEW = ["evaluation.n_resamples=10", "evaluation.n_repeats=0", "evaluation.compare_splits=false"]
AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@localhost")


@pytest.fixture(autouse=True)
def _cache_is_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def mlkit(in_project, capsys):
    """Return what runs a command in the project: exit code, stdout, the last line of stderr."""

    def command(*arguments: object) -> tuple[int, str, str]:
        code = main([str(part) for part in arguments])
        captured = capsys.readouterr()
        errors = [line for line in captured.err.splitlines() if line.startswith("mlkit: ")]
        return code, captured.out, errors[-1] if errors else ""

    return command


@pytest.fixture(scope="module")
def store(packed, database, tmp_path_factory) -> str:
    """Return the address of a registry with two versions, of which the second is champion."""
    folder = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{shutil.copy(database, folder)}"
    registry = Registry(Tracker(uri))
    for why in ("the first", "better"):
        crown(registry, register(registry, variant(packed, folder), folder), why)
    return uri


def test_versions_are_listed_with_figures_aliases_and_age(mlkit, store):
    """The newest first; of one model its history as well."""
    code, out, _ = mlkit("models", "--uri", store)
    newest, oldest = out.splitlines()
    assert code == 0
    assert newest.startswith("flight-delay/2 @champion  ")
    assert newest.endswith(" old  roc_auc 0.7000")
    assert oldest.startswith("flight-delay/1  ")
    _, out, _ = mlkit("models", "flight-delay", "--uri", store)
    *_, first, second = out.splitlines()
    assert "promote flight-delay/1 by " in first
    assert first.endswith(": the first")
    assert second.endswith(": better")


@pytest.mark.parametrize("text", ["flight-delay@champion", "flight-delay/2"])
def test_a_bundle_can_be_named_by_its_reference(mlkit, store, text, tmp_path):
    """`predict`, `explain`, `report`, and `evaluate` on both sides take it."""
    stored = ("--uri", store)
    code, out, _ = mlkit("predict", text, "data/flight.json", *stored)
    digest = json.loads(out)["model"].split("/")[1]
    assert code == 0
    code, out, _ = mlkit("lineage", f"flight-delay/{digest}", *stored)
    assert (code, json.loads(out)["model"]) == (0, "flight-delay/2")
    code, out, _ = mlkit("report", text, tmp_path / "page.html", *stored)
    assert (code, (tmp_path / "page.html").is_file()) == (0, True)


def test_evaluate_takes_references_on_both_sides(mlkit, store):
    """The one is compared with the other."""
    sides = ("--champion", "flight-delay/1", "--uri", store)
    code, out, _ = mlkit("evaluate", "flight-delay/2", *FEW, *sides)
    assert code == 0
    assert re.search("metric +on +rows +model +champion", out)


def test_a_folder_goes_before_a_reference(mlkit, packed, tmp_path, monkeypatch):
    """What is there is taken, and no registry is asked."""
    shutil.copytree(packed, tmp_path / "flight-delay" / "2")
    record = (tmp_path / "flight.json").absolute()
    shutil.copy("data/flight.json", record)
    monkeypatch.chdir(tmp_path)
    code, out, _ = mlkit("predict", "flight-delay/2", record)
    assert (code, json.loads(out)["model"]) == (0, Bundle.open(packed).model)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("predict", "flight-delay/2", "data/flight.json"), 2, "no folder flight-delay/2, and no"),
        (("predict", "flight-delay/9", "data/flight.json", "--uri"), 7, "no flight-delay/9"),
        (("pull", "flight-delay@nobody", "x", "--uri"), 7, "no flight-delay@nobody. Versions: 1 t"),
        (("pull", "../flight-delay/2", "x", "--uri"), 2, "'../flight-delay/2' names no model"),
        (("rollback", "nobody", "--uri"), 7, "nobody has had 0 champions"),
        (("lineage", "da7a", "--uri"), 7, "Nothing is known by da7a"),
        (("models", "flihgt-delay", "--uri"), 7, "No version of flihgt-delay was registered. M"),
        (("models",), 2, "No tracking store: set tracking.uri in conf/config.yaml"),
        (("sync", "--conf", "nowhere", "--uri"), 2, "There is no"),
    ],
)
def test_what_cannot_be_had_is_told_in_a_line(mlkit, store, arguments, code, message):
    """With the exit code of its kind."""
    given = [*arguments, store] if arguments[-1] == "--uri" else arguments
    found, out, error = mlkit(*given)
    assert (found, out) == (code, "")
    assert message in error


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("tracking.uri=ftp://mlflow", "ftp://mlflow is no address of MLflow"),
        ("tracking.folder=pyproject.toml/x", "pyproject.toml/x cannot be written: Not a directory"),
    ],
)
def test_a_run_that_cannot_be_kept_does_not_begin(mlkit, tmp_path, setting, message):
    """Training takes its time, and what it found must have a place."""
    bundles = tmp_path / "bundles"
    code, out, error = mlkit(
        "train", "tracking.uri=sqlite:///mlruns.db", setting, f"bundles={bundles}"
    )
    assert (code, out) == (2, "")
    assert message in error
    assert not bundles.exists()


def test_pull_and_lineage_need_no_project(mlkit, store, tmp_path, monkeypatch):
    """With an address they work anywhere."""
    monkeypatch.chdir(tmp_path)
    code, out, _ = mlkit("pull", "flight-delay@champion", "here", "--uri", store)
    bundle = Bundle.open(tmp_path / "here")
    assert (code, out) == (0, f"flight-delay/2 is {bundle.model}, in here\n")
    code, out, _ = mlkit("lineage", bundle.manifest.digest, "--uri", store)
    assert (code, json.loads(out)["bundle"]) == (0, bundle.manifest.digest)


def test_rollback_says_who_is_champion_again(mlkit, packed, database, tmp_path):
    """And why, in the history."""
    uri = f"sqlite:///{shutil.copy(database, tmp_path)}"
    registry = Registry(Tracker(uri))
    for _ in range(2):
        crown(registry, register(registry, variant(packed, tmp_path), tmp_path))
    code, out, _ = mlkit("rollback", "flight-delay", "-m", "too many alarms", "--uri", uri)
    assert (code, out) == (0, "flight-delay/1 is the champion again.\n")
    assert registry.get(Reference(name="flight-delay", alias="champion")).number == 1
    assert journal.history(registry, "flight-delay")[-1].why == "too many alarms"


@pytest.mark.slow
def test_a_fresh_project_becomes_a_champion(project, mlkit, tmp_path, monkeypatch):
    """Committed with its lock, it trains, registers, and is promoted; a dirty one is not.

    What is edited while it trains made no part of it.
    """
    folder = shutil.copytree(
        project, tmp_path / "own", ignore=shutil.ignore_patterns("__pycache__", "bundles")
    )
    monkeypatch.chdir(folder)
    settings = folder / "conf" / "config.yaml"
    settings.write_text(settings.read_text().replace("uri: null", "uri: sqlite:///mlruns.db"))
    (folder / "uv.lock").touch()
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", *AUTHOR, "commit", "--quiet", "-m", "Start", cwd=folder)

    small = ["model.estimator.max_iter=20", *FEW]
    hunt = workflow.hunt_leaks

    def edited(*arguments, **named):
        (folder / "notes.txt").touch()
        return hunt(*arguments, **named)

    monkeypatch.setattr(workflow, "hunt_leaks", edited)
    assert mlkit("train", *small)[0] == 0
    code, out, _ = mlkit("register")
    assert code == 0
    assert out.startswith("flight-delay/1 is flight-delay/")
    assert out.endswith("Next: mlkit promote flight-delay/1\n")
    assert mlkit("register")[1] == out
    code, out, _ = mlkit("promote", "flight-delay/1", "-m", "the first")
    assert (code, out.splitlines()[-1]) == (0, "flight-delay/1 is the champion.")
    code, out, _ = mlkit("promote", "flight-delay@champion")
    assert (code, out) == (0, "flight-delay/1 is the champion already.\n")

    assert mlkit("train", "--multirun", "seed=1,2", *small)[0] == 0
    kept = Tracker("sqlite:///mlruns.db").search("flight-delay", {"mlkit.kind": "train"})
    assert sorted(found.data.params["seed"] for found in kept) == ["0", "1", "2"]
    _, out, _ = mlkit("register", "bundles/sweep/1/flight-delay")
    assert out.endswith(
        "It cannot be promoted: these files were not committed: notes.txt. Commit or ignore them.\n"
    )
    code, _, error = mlkit("promote", "flight-delay/2")
    assert code == 7
    assert "these files were not committed: notes.txt" in error


@pytest.mark.parametrize(
    "arguments", [["--help"], ["predict", "{packed}", "data/flight.json"]], ids=["help", "predict"]
)
def test_what_needs_no_registry_imports_none(in_project, packed, arguments):
    """MLflow takes seconds to import; where a folder is named, nothing of it is."""
    script = (
        "import atexit, sys; from mlkit.cli import main\n"
        "heavy = {'mlflow', 'sqlalchemy', 'pandas', 'sklearn'}\n"
        "atexit.register(lambda: print('imported', sorted(heavy & set(sys.modules))))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    given = [argument.format(packed=packed) for argument in arguments]
    done = run(sys.executable, "-c", script, *given, cwd=in_project)
    assert done.stdout.splitlines()[-1] == "imported []"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("pull", "flight-delay/1", "pulled"), 0, "flight-delay/1 is flight-delay/"),
        (("rollback", "nobody"), 7, "nobody has had 0 champions"),
        (("promote", "flight-delay/1"), 6, "pip install 'mlkit-ship[train,registry]'"),
    ],
    ids=["pull", "rollback", "promote"],
)
def test_the_registry_alone_needs_no_training_side(tmp_path, store, arguments, code, words):
    """Where only the extra `registry` is installed, what needs more says which."""
    script = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('hydra', 'omegaconf', 'sklearn', 'skops')))\n"
        "from mlkit.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments, "--uri", store],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert words in done.stdout + done.stderr
