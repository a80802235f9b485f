"""One MLflow on SQLite for each module, and a cache of bundles that is nobody's."""

from pathlib import Path

import pytest

from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where bundles are cached, in this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mlkit" / "bundles"


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a database that is not there yet."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlruns.db'}"


@pytest.fixture(scope="module")
def tracker(uri: str) -> Tracker:
    """Return the runs of a new database."""
    return Tracker(uri)


@pytest.fixture(scope="module")
def registry(tracker: Tracker) -> Registry:
    """Return the versions of a new database."""
    return Registry(tracker)
