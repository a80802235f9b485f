"""The registry behind a real MLflow server on PostgreSQL; test_concurrency.py crowds it too."""

import shutil
from collections.abc import Iterator

import pandas as pd
import pytest
from registry_of_tests import record, settings, variant

from mlkit.core.errors import BundleError, RegistryError
from mlkit.registry import journal
from mlkit.registry.fetching import fetch
from mlkit.registry.references import Reference
from mlkit.registry.registry import CHALLENGER, CHAMPION, Registry
from mlkit.registry.tracking import KIND, MODEL, Tracker
from mlkit.scoring.prediction import Predictor

pytestmark = pytest.mark.slow

NAME = "over-http"


@pytest.fixture(scope="module")
def registry(server, packed, tmp_path_factory) -> Iterator[Registry]:
    """Return a registry with two champions, the second of which is the present one."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        registry = Registry(Tracker(server))
        for number in (1, 2):
            bundle = variant(packed, folder, NAME)
            record(settings(folder, server, NAME), bundle)
            version = registry.register(bundle)
            registry.set_alias(version, CHALLENGER)
            journal.enter(
                registry, version, kind="promote", why=f"Reason {number}.", after=number - 1
            )
            journal.settle(registry, NAME)
        yield registry


def test_runs_versions_and_the_journal_are_kept(registry):
    """What was sent is there, with its aliases and its history."""
    runs = registry.tracker.search(NAME, {KIND: "train"})
    assert [run.info.status for run in runs] == ["FINISHED"] * 2
    versions = [(version.number, version.aliases) for version in registry.versions(NAME)]
    assert versions == [(2, (CHALLENGER, CHAMPION)), (1, ())]
    history = [(entry.kind, entry.version, entry.why) for entry in journal.history(registry, NAME)]
    assert history == [("promote", 1, "Reason 1."), ("promote", 2, "Reason 2.")]


def test_a_version_is_fetched_and_checked(registry):
    """The bundle comes whole, and its digest is the one that was registered."""
    version = registry.get(Reference(name=NAME, alias=CHAMPION))
    assert fetch(registry, version).manifest.digest == version.digest
    with pytest.raises(RegistryError, match=rf"There is no {NAME}/9\. Versions: 1 to 2"):
        registry.get(Reference(name=NAME, version=9))


@pytest.mark.filterwarnings("ignore:.*Any type hint:UserWarning")
def test_mlflow_loads_what_the_predictor_loads(registry, flights, monkeypatch):
    """`mlflow.pyfunc.load_model` predicts the same, from the same files."""
    import mlflow

    version = registry.get(Reference(name=NAME, version=1))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.uri)
    loaded = mlflow.pyfunc.load_model(f"runs:/{version.run_id}/{MODEL}")
    predictor = Predictor.load(fetch(registry, version).path)
    known = [c.name for c in predictor.bundle.schema.columns.values() if c.known_before]
    rows = flights[known].head(50)
    expected = pd.DataFrame(predictor.predict(rows).columns(), index=rows.index)
    pd.testing.assert_frame_equal(loaded.predict(rows), expected)


def test_an_artifact_that_was_changed_there_is_refused(registry, tmp_path, monkeypatch):
    """What the server hands out is checked, like any other."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    version = registry.get(Reference(name=NAME, version=2))
    (tmp_path / "README.md").write_text("changed", encoding="utf-8")
    kept = fetch(registry, version).path / "README.md"
    log = registry.client.log_artifact
    log(version.run_id, str(tmp_path / "README.md"), f"{MODEL}/bundle")
    shutil.copyfile(kept, tmp_path / "README.md")
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(BundleError, match=r"README\.md was changed"):
        fetch(registry, version)
    log(version.run_id, str(tmp_path / "README.md"), f"{MODEL}/bundle")
    assert fetch(registry, version).manifest.digest == version.digest


def test_a_rollback_goes_back(registry):
    """The champion before is the champion again, and the journal says so."""
    assert journal.rollback(registry, NAME, why="Worse.").number == 1
    assert registry.get(Reference(name=NAME, alias=CHAMPION)).number == 1
    assert journal.history(registry, NAME)[-1].kind == "rollback"
