"""A service follows names of a registry, by a process that lives and dies with it."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from registry_of_tests import register, variant
from services_of_tests import children, is_alive, serving, wait_for

from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker
from mlkit.serving.places import find_places
from mlkit.serving.settings import Model, Settings

CHAMPION = "flight-delay@champion"


def test_folders_are_themselves(tmp_path, monkeypatch):
    """Whether they are there or not; one that reads as a name goes first if it is there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flight-delay" / "3").mkdir(parents=True)
    texts = ("bundles/a", "flight-delay/3", "/tmp/B@c")  # noqa: S108
    models = tuple(Model(bundle=text) for text in texts)
    with find_places(Settings(models=models)) as places:
        assert places == {text: Path(text) for text in texts}


@pytest.mark.slow
class TestFollowing:
    """With a registry on SQLite."""

    @pytest.fixture(autouse=True)
    def place(self, tmp_path, monkeypatch) -> Path:
        """Return an empty folder, with a cache of its own."""
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        return tmp_path

    @pytest.fixture
    def uri(self, packed, place) -> str:
        """Return the address of a registry that has a champion."""
        uri = f"sqlite:///{place / 'mlruns.db'}"
        registry = Registry(Tracker(uri))
        registry.set_alias(register(registry, variant(packed, place), place), "champion")
        return uri

    def test_a_registry_that_does_not_answer(self, uri, place, record):
        """What was found before serves, with a warning; without that it ends with 7."""
        with serving(place, CHAMPION, "--uri", uri) as running:
            model = running.client.post("/predict", json=record).json()["model"]
            assert running.stop() == 0
        (place / "mlruns.db").write_bytes(b"no database" * 1000)
        with serving(place, CHAMPION, "--uri", uri) as running:
            assert running.client.post("/predict", json=record).json()["model"] == model
            assert running.told().count("registry_lost") == 1
            assert model in running.told()
        shutil.rmtree(place / "cache" / "mlkit" / "followed")
        told = r"exit code 7:\n(.*\n)*mlkit: The tracking store .* cannot be used"
        with pytest.raises(RuntimeError, match=told), serving(place, CHAMPION, "--uri", uri):
            pass

    def test_the_follower_is_replaced_and_ends_with_the_service(self, uri, place, record):
        """After a kill -9 of it, and after one of the service."""
        with serving(place, CHAMPION, "--uri", uri, watch_seconds=0.1) as running:
            first = _follower(running.process.pid)
            os.kill(first, signal.SIGKILL)
            wait_for(lambda: "follower_replaced" in running.told())
            wait_for(lambda: _follower(running.process.pid) not in (None, first))
            second = _follower(running.process.pid)
            assert running.client.post("/predict", json=record).status_code == 200
            running.process.kill()
            wait_for(lambda: not is_alive(second))

    def test_no_registry_is_known(self, place):
        """It says what to give."""
        with (
            pytest.raises(RuntimeError, match=r"exit code 2:\n(.*\n)*mlkit: .*give --uri"),
            serving(place, CHAMPION),
        ):
            pass


def _follower(parent: int) -> int | None:
    return next(iter(children(parent, b"mlkit.registry.following")), None)
