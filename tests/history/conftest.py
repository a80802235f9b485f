"""What tests of the history share."""

import shutil
from pathlib import Path

import pytest
from logs_of_tests import altered, logged

from mlkit.core.bundle import Bundle
from mlkit.serving.settings import Canary, Model


@pytest.fixture(scope="session")
def records(packed: Path) -> list[dict]:
    """Return records that the model takes."""
    return Bundle.open(packed).golden.records


@pytest.fixture(scope="session")
def requests(records: list[dict]) -> dict[str, list[dict]]:
    """Return requests of one record and of many, by their ids."""
    singles = {f"single-{n}": [record] for n, record in enumerate(records)}
    return {**singles, "few": records[:5], "many": records * (100 // len(records) + 1)}


@pytest.fixture(scope="session")
def strict(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle that scores as the packed one does, and decides otherwise."""
    return altered(packed, tmp_path_factory.mktemp("strict") / "bundle", threshold=0.2)


@pytest.fixture(scope="session")
def written(
    packed: Path, strict: Path, requests: dict, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a log of two names, one with a shadow and a canary, in one segment."""
    log = tmp_path_factory.mktemp("log") / "predictions"
    canary = Canary(bundle=str(strict), share=0.5, key="carrier")
    mixed = Model(bundle=str(packed), name="mixed", shadow=str(strict), canary=canary)
    logged(log, requests, mixed, Model(bundle=str(packed), name="plain"))
    return log


@pytest.fixture
def log(written: Path, tmp_path: Path) -> Path:
    """Return a copy of the log."""
    return Path(shutil.copytree(written, tmp_path / "predictions"))
