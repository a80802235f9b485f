"""Bundles change under load: no request fails, and each receipt names who answered."""

import os
import shutil
import time

import httpx
import pytest
from changed_of_tests import demanding, liar, put, twin
from loads_of_tests import Load, receipts
from registry_of_tests import crown, register, variant
from services_of_tests import PATIENCE, Running, serving

from mlkit.core.bundle import Bundle
from mlkit.registry.journal import rollback
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker

pytestmark = pytest.mark.slow

#: In full: make simulate-service.
IN_FULL = int(os.environ.get("SIMULATIONS", "0")) >= 1000
N_CHANGES = 50 if IN_FULL else 6


def serves(running: Running, record: dict, model: str, times: int = 1) -> None:
    """Wait until so many answers in a row come from a bundle."""
    end, in_a_row = time.monotonic() + PATIENCE, 0
    while in_a_row < times:
        # Each by a connection of its own, so by any worker.
        found = httpx.post(f"{running.address}/predict", json=record).json()["model"]
        in_a_row = in_a_row + 1 if found == model else 0
        assert time.monotonic() < end, f"{found} answers, not {model}:\n{running.told()[-2000:]}"


def check(load: Load, folder) -> None:
    """See that all was answered, and that by each receipt the bundle did that the answer names."""
    assert set(load.statuses()) == {200}
    found = {each["id"]: each["model"] for each in receipts(folder)}
    assert {answer.id: answer.model for answer in load.answers}.items() <= found.items()


def count(running: Running, outcome: str) -> float:
    """Return how many changes had an outcome, all workers together."""
    lines = httpx.get(f"{running.address}/metrics").text.splitlines()
    return sum(
        float(line.split()[-1])
        for line in lines
        if line.startswith("mlkit_model_changes_total") and f'outcome="{outcome}"' in line
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_folders_change_under_load(packed, record, tmp_path, workers):
    """Good bundles are taken and given back, bad ones refused, and no request fails."""
    bundles = [packed, twin(packed, tmp_path / "twin", 1)]
    bad = [liar(packed, tmp_path / "liar"), demanding(packed, tmp_path / "demanding")]
    place = tmp_path / "place"
    shutil.copytree(packed, place)
    log = {"flush_seconds": 0}
    options = {"watch_seconds": 0.05, "log": log, "access_log": False, "workers": workers}
    with serving(tmp_path, place, **options) as running, Load(running.address, record) as load:
        for change in range(1, N_CHANGES + 1):
            if change % 3 == 0:
                refused = count(running, "refused")
                put(bad[change // 3 % 2], place)
                while count(running, "refused") < refused + workers:
                    pass
            put(bundles[change % 2], place)
            model = Bundle.open(bundles[change % 2]).model
            serves(running, record, model, times=1 if workers == 1 else 20)
    check(load, tmp_path / "predictions")
    assert {answer.model for answer in load.answers} == {Bundle.open(b).model for b in bundles}
    print(f"{len(load.answers)} requests, {N_CHANGES} changes, {workers} workers: none failed")  # noqa: T201


def test_promotions_and_rollbacks_under_load(packed, record, tmp_path, monkeypatch):
    """The alias of a registry is followed, both ways, and no request fails."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    uri = f"sqlite:///{tmp_path / 'mlruns.db'}"
    registry = Registry(Tracker(uri))
    bundles = [variant(packed, tmp_path) for _ in range(2)]
    versions = [register(registry, bundle, tmp_path) for bundle in bundles]
    crown(registry, versions[0])
    options = {"watch_seconds": 0.2, "log": {"flush_seconds": 0}, "access_log": False}
    reference = "flight-delay@champion"
    with (
        serving(tmp_path, reference, "--uri", uri, **options) as running,
        Load(running.address, record) as load,
    ):
        for change in range(1, N_CHANGES + 1):
            if change % 2:
                crown(registry, versions[1])
            else:
                rollback(registry, "flight-delay", why="")
            serves(running, record, bundles[change % 2].model)
    check(load, tmp_path / "predictions")
    print(f"{len(load.answers)} requests, {N_CHANGES} promotions and rollbacks: none failed")  # noqa: T201
