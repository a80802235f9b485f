"""What tests of the service share."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from services_of_tests import Running, serving
from visits_of_tests import visit_bundle

from mlkit.core.bundle import Bundle


@pytest.fixture(scope="session")
def record(packed: Path) -> dict:
    """Return a record that the model takes."""
    return Bundle.open(packed).golden.records[0]


@pytest.fixture(scope="module")
def service(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return a service of one model, that keeps its receipts in `predictions`."""
    with serving(tmp_path_factory.mktemp("service"), packed) as running:
        yield running


@pytest.fixture(scope="session")
def visit_bundles(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what trains and packs the model of visits of a task, once."""
    folder = tmp_path_factory.mktemp("visits")
    return cache(lambda task: visit_bundle(task, folder / task))
