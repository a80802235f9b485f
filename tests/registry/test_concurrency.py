"""Many at once: nothing is lost, one of two promotions wins, and the others are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forks_of_tests import program
from registry_of_tests import NAME, settings, variant

from mlkit.core.bundle import Bundle
from mlkit.registry import journal, outbox
from mlkit.registry.recording import outbox_of
from mlkit.registry.references import Reference
from mlkit.registry.registry import CHAMPION, Registry
from mlkit.registry.tracking import Tracker

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What many processes did, each of which had its answer."""

    found: dict[str, list[Any]]
    digests: list[str]
    folder: Path
    registry: Registry


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crowd(request, packed, tmp_path_factory) -> Crowd:
    """Return what they did: on a new SQLite, or an MLflow server on PostgreSQL."""
    folder = tmp_path_factory.mktemp(request.param)
    bundles = [variant(packed, folder) for _ in range(21)]
    for number, bundle in enumerate(bundles):
        bundle.path.rename(folder / f"bundle-{number}")
    local = f"sqlite:///{folder / 'mlruns.db'}"
    uri = local if request.param == "sqlite" else request.getfixturevalue("server")
    found, _ = program(Path(__file__).with_name("crowding.py"), uri, cwd=folder)
    digests = [bundle.manifest.digest for bundle in bundles]
    return Crowd(found=found, digests=digests, folder=folder, registry=Registry(Tracker(uri)))


def test_twenty_registrations_make_twenty_versions(crowd):
    """They come to a store that is not there yet; each gets its number, and none is lost."""
    numbers = crowd.found["register"]
    assert sorted(numbers) == list(range(1, 21))
    versions = {v.number: v.digest for v in crowd.registry.versions(NAME) if v.number <= 20}
    assert versions == dict(zip(numbers, crowd.digests[:20], strict=True))


def test_one_of_the_promotions_wins(crowd):
    """Of promotions that began from the same champion one stands; the others name it."""
    found = crowd.found["promote"]
    [winner] = [version for version in found if isinstance(version, int)]
    champion = crowd.registry.get(Reference(name=NAME, alias=CHAMPION))
    assert champion.number == winner
    assert [entry.version for entry in journal.history(crowd.registry, NAME)] == [winner]
    told = [text for text in found if isinstance(text, str)]
    assert len(told) == 3
    assert all(f"made {NAME}/{winner} the champion meanwhile" in text for text in told)


def test_a_bundle_registered_by_many_is_one_version(crowd):
    """All get the same version, and no other is listed."""
    [number] = set(crowd.found["register one"])
    same = [v for v in crowd.registry.versions(NAME) if v.digest == crowd.digests[20]]
    assert [version.number for version in same] == [number]


def test_a_bundle_fetched_by_many_is_cached_once(crowd):
    """All get it whole, though none was the first."""
    [digest] = set(crowd.found["fetch one"])
    assert digest in crowd.digests
    cached = (crowd.folder / "cache" / "mlkit" / "bundles").iterdir()
    assert [folder.name for folder in cached] == [digest]
    assert Bundle.open(crowd.folder / "cache" / "mlkit" / "bundles" / digest)


def test_a_run_synced_by_many_is_sent_once(crowd):
    """Each of the four that wait is sent by one of those who try."""
    sent = [run for runs in crowd.found["sync all"] for run in runs]
    runs = crowd.registry.tracker.search(NAME, {"mlkit.kind": "train"})
    assert len(sent) == len(set(sent)) == 4
    assert len(runs) == 24
    assert outbox.pending(outbox_of(settings(crowd.folder / "project", "none"))) == []
