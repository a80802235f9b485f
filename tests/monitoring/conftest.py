"""What tests of monitoring share: a bundle of trips for each task."""

from collections.abc import Callable
from functools import cache

import pytest
from watched_of_tests import pack_trips

from mlkit.core.bundle import Bundle


@pytest.fixture(scope="session")
def trip_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bundle]:
    """Return what packs a model of trips, once for each task and seed."""

    @cache
    def make(task: str = "binary", seed: int = 0) -> Bundle:
        return pack_trips(tmp_path_factory.mktemp(f"{task}-{seed}") / "trips", task, seed=seed)

    return make
