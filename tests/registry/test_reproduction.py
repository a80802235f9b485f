"""A model is built again, and what keeps it from being the same is named."""

import json
import os
import platform
import shutil
import sys
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from bundles_of_tests import parts_of
from projects import ROOT, render, run
from registry_of_tests import LINEAGE, variant
from sklearn.ensemble import HistGradientBoostingClassifier

from mlkit import pack
from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.core.errors import RegistryError
from mlkit.registry.differences import differences
from mlkit.registry.reproduction import compare, reproduce
from mlkit.training.settings import as_dict

AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@localhost")
SMALL = [
    "model.estimator.max_iter=5",
    "evaluation.n_resamples=10",
    "evaluation.n_repeats=0",
    "evaluation.compare_splits=false",
    "split.test_fraction=0.3",
]
PARTS = {
    "mlkit": "0.5.0",
    "runtime": "onnx",
    "data": {"n_rows": 10, "columns": {"carrier": "a", "temp": "b"}},
    "code": {"commit": "c0ffee", "dirty": False},
    "lock": {"uv.lock": "0"},
    "libraries": {"numpy": "2.0", "pandas": "3.0"},
    "python": "3.11.7",
    "threads": {"openmp": 2},
    "seed": 0,
    "config": {"split": {"kind": "auto"}},
}


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"libraries": {"numpy": "2.1", "pandas": "3.0"}}, "library numpy changed: 2.0, now 2.1"),
        ({"libraries": {"numpy": "2.0"}}, "library pandas changed: 3.0, now none"),
        ({"python": "3.12.1"}, "Python changed: 3.11.7, now 3.12.1"),
        ({"threads": {"openmp": 1}}, "threads of openmp changed: 2, now 1"),
        ({"mlkit": "0.6.0"}, "mlkit changed: 0.5.0, now 0.6.0"),
        ({"runtime": "python"}, "runtime changed: onnx, now python"),
        ({"seed": 1}, "seed changed: 0, now 1"),
        ({"lock": {"uv.lock": "1"}}, "lock file uv.lock changed: 0, now 1"),
        ({"config": {"split": {"kind": "time"}}}, "setting split.kind changed: auto, now time"),
        (
            {"data": {"n_rows": 10, "columns": {"carrier": "a", "temp": "c"}}},
            "data changed: in column temp",
        ),
        (
            {"data": {"n_rows": 9, "columns": {"carrier": "c", "temp": "c"}}},
            "data changed: 10 rows, now 9",
        ),
        (
            {"data": {"n_rows": 10, "columns": {"temp": "b"}}},
            "data changed: without column carrier",
        ),
        (
            {"code": {"commit": "decade", "dirty": False}},
            "code changed: commit c0ffee, now decade",
        ),
        (
            {"code": {"commit": "c0ffee", "dirty": True, "changes": ["a.py"]}},
            "code changed: uncommitted were nothing, now a.py",
        ),
    ],
)
def test_what_changed_is_named_once(changed, line):
    """One sentence for one thing, and none for what is the same."""
    assert differences(PARTS, {**PARTS, **changed}) == [line]
    assert differences(PARTS, PARTS) == []


def test_the_same_bundle_is_bits(packed, flights):
    """Nothing more is looked at."""
    bundle = Bundle.open(packed)
    found = compare(bundle, bundle, flights)
    assert (found.level, found.differ, found.apart) == ("bits", (), 0)
    assert "the same, byte for byte" in found.summary()


def test_a_library_that_was_bumped_is_named(packed, flights, tmp_path, in_project):
    """The scores are the same, and the version of numpy is not."""
    old = variant(packed, tmp_path, seed=0, libraries={"numpy": "2.0"})
    new = variant(packed, tmp_path, seed=0, libraries={"numpy": "2.1"})
    found = compare(old, new, flights.head(100))
    assert (found.level, found.apart) == ("predictions", 0)
    assert found.differ == ("library numpy changed: 2.0, now 2.1",)
    assert found.summary().endswith("- library numpy changed: 2.0, now 2.1")


def test_another_mlkit_is_named_first(packed, flights, tmp_path, in_project):
    """It is no part of the lineage, but of the digest; chance is not blamed for it."""
    old = variant(packed, tmp_path, seed=0, libraries={"numpy": "2.0"})
    new = variant(packed, tmp_path, seed=0, libraries={"numpy": "2.1"})
    layout.seal(new.path, msgspec.structs.replace(new.manifest, mlkit="99.0"))
    found = compare(old, Bundle.open(new.path), flights.head(100))
    assert found.differ[0] == f"mlkit changed: {old.manifest.mlkit}, now 99.0"
    assert "depend on chance" not in found.summary()


@pytest.mark.slow
@pytest.mark.parametrize(("trees", "level"), [(19, "metrics"), (1, "none")])
def test_an_estimator_that_depends_on_chance_is_measured(
    packed, build, flights, tmp_path, in_project, trees, level
):
    """Nothing that is recorded differs, so chance is named, and how far the scores are apart."""
    model = build(estimator=HistGradientBoostingClassifier(max_iter=trees)).fit(flights)
    other = pack(*parts_of(model, flights), tmp_path / "other", name="flight-delay")
    lineage = {"lineage": Bundle.open(packed).manifest.lineage}
    layout.seal(other.path, msgspec.structs.replace(other.manifest, **lineage))
    found = compare(Bundle.open(packed), Bundle.open(other.path), flights)
    assert (found.level, found.differ) == (level, ())
    assert 0 < found.apart < 1
    assert f"differ by up to {found.apart:.3g}" in found.summary()
    assert "depend on chance" in found.summary()


def reading(path: str) -> dict:
    """Return settings that read a table."""
    return {**LINEAGE["config"], "data": {"path": path}}


@pytest.fixture
def repository(tmp_path) -> tuple[Path, str]:
    """Return a git repository with a table in it, and its commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "table.parquet").write_bytes(b"")
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", *AUTHOR, "commit", "--quiet", "-m", "A table", cwd=folder)
    return folder, run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()


@pytest.mark.parametrize(
    ("lineage", "sentence"),
    [
        (
            {"code": {"commit": None, "dirty": True}},
            "flight-delay/[0-9a-f]{12} cannot be built again: it was trained outside of git",
        ),
        ({"code": {"commit": "f" * 40}}, r"Commit f{40} is not in this repository\. Fetch it"),
        ({"config": reading("gone.parquet")}, r"no .*gone\.parquet, no snapshot, and none in the"),
        ({"config": reading("/gone.parquet")}, r"there is no /gone\.parquet\. Put rows with the"),
        ({}, "no lock file of uv or pip was committed.*--here"),
    ],
    ids=["no-git", "no-commit", "no-data", "no-data-elsewhere", "no-lock"],
)
def test_what_is_not_there_any_more_is_named(
    packed, repository, tmp_path, in_project, lineage, sentence
):
    """Before anything is trained; no worktree is left behind."""
    folder, commit = repository
    whole = {
        "code": {"commit": commit, "dirty": False},
        "config": reading("table.parquet"),
        "lock": {},
    }
    bundle = variant(packed, tmp_path, **{**whole, **lineage})
    with pytest.raises(RegistryError, match=sentence):
        reproduce(bundle, data_folder=tmp_path / "none", folder=folder)
    assert len(run("git", "worktree", "list", cwd=folder).stdout.splitlines()) == 1


def test_the_users_own_environment_stays_as_it_is(packed, repository, tmp_path, monkeypatch):
    """Though uv is told of it; the new one holds what is locked, and so no mlkit here."""
    folder, _ = repository
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "none"\nversion = "0"\nrequires-python = ">=3.11"\n'
    )
    monkeypatch.setenv("UV_OFFLINE", "1")
    run("uv", "lock", "--quiet", cwd=folder)
    commit(folder, "Lock")
    made_from = {
        "code": {"commit": run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()},
        "config": reading("table.parquet"),
        "lock": {"uv.lock": "0" * 64},
        "python": platform.python_version(),
    }
    own = tmp_path / "own"
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", str(own))
    with pytest.raises(RegistryError, match=r"Training it again failed: .*No module named"):
        reproduce(variant(packed, tmp_path, **made_from), data_folder=tmp_path, folder=folder)
    assert not own.exists()


def test_a_champion_that_is_in_no_commit_is_left_out(
    packed, repository, project, config, tmp_path, monkeypatch
):
    """The training goes on without it, as far as to the table, which holds nothing here."""
    folder, _ = repository
    shutil.copy(project / "pyproject.toml", folder)
    commit(folder, "Trust the package")
    settings = as_dict(config("data.path=table.parquet", "evaluation.champion=bundles/other"))
    made_from = {
        "code": {"commit": run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()},
        "config": settings,
    }
    bundle = variant(packed, tmp_path, **made_from)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(project / "src"), str(ROOT)]))
    with pytest.raises(RegistryError, match=r"Training it again failed: .*table\.parquet"):
        reproduce(bundle, data_folder=tmp_path, folder=folder, here=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a project with a version made five commits ago, of data outside of it."""
    folder = render(tmp_path_factory.mktemp("made") / "flight-delay")
    (folder / "uv.lock").touch()
    (folder / "data" / "flights.parquet").rename(folder.parent / "flights.parquet")
    run("git", "init", "--quiet", cwd=folder)
    commit(folder, "Start")
    mlkit(folder, "train", *SMALL, "data.path=../flights.parquet")
    mlkit(folder, "register")
    features = folder / "src" / "flight_delay" / "features.py"
    for number in range(5):
        features.write_text(features.read_text() + f"\nNUMBER_{number} = {number}\n")
        commit(folder, f"Change {number}")
    return folder


def commit(folder: Path, message: str) -> None:
    """Commit all that is there."""
    run("git", "add", "--all", cwd=folder)
    run("git", *AUTHOR, "commit", "--quiet", "-m", message, cwd=folder)


def mlkit(folder: Path, *arguments: object, code: int = 0) -> str:
    """Run a command in a project, with a cache of its own; return what it printed."""
    own = {
        "PYTHONPATH": os.pathsep.join([str(folder / "src"), str(ROOT)]),
        "XDG_CACHE_HOME": str(folder.parent / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    command = (sys.executable, "-m", "mlkit", *arguments)
    return run(*command, cwd=folder, code=code, **own).stdout


@pytest.mark.slow
def test_a_version_of_five_commits_ago_is_built_again(made, tmp_path):
    """From its snapshot to the bit; without, the column of the changed cell is named.

    In a worktree of its commit: the repository is left as it was.
    """
    path = made.parent / "flights.parquet"
    kept = path.read_bytes()
    frame = pd.read_parquet(path)
    frame.loc[5, "temp"] += 1
    frame.to_parquet(path)
    try:
        found = mlkit(made, "reproduce", "flight-delay/1", "--here")
        assert found.startswith("Reached bits: the bundle is the same, byte for byte.")
        assert "is not what it was: data changed: in column temp." in found

        (made / ".mlkit" / "data").rename(tmp_path / "data")
        found = mlkit(made, "reproduce", "flight-delay/1", "--here", code=1)
        assert "\n- data changed: in column temp\n" in f"{found}\n"
        assert "Reached bits" not in found
    finally:
        path.write_bytes(kept)
    assert run("git", "status", "--porcelain", cwd=made).stdout == ""
    assert len(run("git", "worktree", "list", cwd=made).stdout.splitlines()) == 1


@pytest.mark.slow
def test_what_made_it_is_told_by_its_prediction(made):
    """A prediction names its bundle, and `lineage` the commit, the data and the run."""
    answer = json.loads(mlkit(made, "predict", "flight-delay/1", "data/flight.json"))
    told = json.loads(mlkit(made, "lineage", answer["model"]))
    assert told["model"] == "flight-delay/1"
    commits = run("git", "rev-list", "HEAD", cwd=made).stdout.split()
    assert told["code"] == {"commit": commits[-1], "dirty": False}
    assert told["config"]["model"]["estimator"]["max_iter"] == 5
    again = json.loads(mlkit(made, "lineage", told["data"]["fingerprint"]))
    assert again == told
