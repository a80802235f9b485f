"""A service follows names of the registry by a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from registry_of_tests import NAME, crown, register, variant

from mlkit.core.bundle import MANIFEST, Bundle
from mlkit.core.errors import ConfigError, RegistryError, UnreachableError
from mlkit.registry.following import Follower
from mlkit.registry.registry import Registry
from mlkit.registry.versions import Version

CHAMPION = f"{NAME}@champion"


@pytest.fixture(scope="module")
def versions(packed, registry, tmp_path_factory) -> list[Version]:
    """Return two versions in the registry."""
    folder = tmp_path_factory.mktemp("versions")
    return [register(registry, variant(packed, folder), folder) for _ in range(2)]


@pytest.fixture
def follower(uri, registry, versions) -> Follower:
    """Return what follows the champion, the first version, and a number."""
    crown(registry, versions[0])
    found = Follower(uri, [CHAMPION, f"{NAME}/2"])
    found.begin()
    return found


def digest(follower: Follower, name: str) -> str:
    """Return the digest of the bundle that a name means."""
    return Bundle.open(follower.files[name].read_text()).manifest.digest


def test_finds_what_names_mean(follower, versions, cache):
    """Each has a file, beside the cache, with the path of a bundle in it."""
    assert digest(follower, CHAMPION) == versions[0].digest
    assert digest(follower, f"{NAME}/2") == versions[1].digest
    assert {file.parents[2] for file in follower.files.values()} == {cache.parent}


def test_follows_an_alias_both_ways(follower, registry, versions):
    """Promotion and rollback; a version stays what it is."""
    for version in (versions[1], versions[0]):
        crown(registry, version)
        follower.go_on()
        assert digest(follower, CHAMPION) == version.digest
    assert digest(follower, f"{NAME}/2") == versions[1].digest


def test_what_was_found_stays_while_the_registry_is_away(follower, registry, versions, caplog):
    """It is told once when it is lost, and once when it is found."""
    caplog.set_level("INFO")
    registry.client.delete_registered_model_alias(NAME, "champion")
    for _ in range(3):
        follower.go_on()
    assert digest(follower, CHAMPION) == versions[0].digest
    crown(registry, versions[1])
    follower.go_on()
    assert digest(follower, CHAMPION) == versions[1].digest
    assert caplog.text.count("registry_lost") == 1
    assert caplog.text.count("registry_found") == 1


def test_starts_with_what_was_there_before(follower, uri, versions, tmp_path, monkeypatch, caplog):
    """If the registry does not answer; with a warning that names the bundle."""
    away(monkeypatch)
    again = Follower(uri, [CHAMPION])
    again.begin()
    assert digest(again, CHAMPION) == versions[0].digest
    assert f"{NAME}/{versions[0].digest[:12]}" in caplog.text
    monkeypatch.undo()


def test_starts_with_nothing_that_is_not_whole(follower, uri, monkeypatch):
    """What was there before and is damaged, or never was, is the registry's error."""
    Path(follower.files[CHAMPION].read_text(), MANIFEST).unlink()
    away(monkeypatch)
    for name in (CHAMPION, f"{NAME}/1"):
        with pytest.raises(UnreachableError, match="away"):
            Follower(uri, [name]).begin()


def test_a_name_that_is_not_there_is_an_error(uri, versions):
    """Though the registry answers."""
    with pytest.raises(RegistryError, match=r"There is no flight-delay@absent"):
        Follower(uri, [f"{NAME}@absent"]).begin()


def test_two_projects_with_the_same_relative_address_have_their_own_files(tmp_path, monkeypatch):
    """A file of SQLite is named from the current folder."""
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        found.append(Follower("sqlite:///mlruns.db", [CHAMPION]).files[CHAMPION])
    assert found[0] != found[1]


def away(monkeypatch) -> None:
    """Let the registry not answer."""

    def get(*_):
        raise UnreachableError("The registry is away.")

    monkeypatch.setattr(Registry, "get", get)


@pytest.fixture
def start(tmp_path):
    """Return what starts the process, and says what its first line says."""
    started = []

    def begin(**order: object) -> tuple[subprocess.Popen, dict]:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlkit.registry.following"],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ},
        )
        started.append(process)
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        process.stdin.flush()
        return process, msgspec.json.decode(process.stdout.readline())

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.mark.slow
def test_the_process_ends_with_whoever_started_it(start, uri, registry, versions):
    """As soon as nobody holds its standard input, and with 0."""
    crown(registry, versions[0])
    process, answer = start(uri=uri, seconds=3600, names=[CHAMPION])
    assert Bundle.open(Path(answer[CHAMPION]).read_text()).manifest.digest == versions[0].digest
    process.stdin.close()
    assert process.wait(30) == 0


@pytest.mark.slow
def test_the_process_says_what_is_wrong(start, uri, versions):
    """With the message and the exit code of the error."""
    process, answer = start(uri=uri, seconds=1, names=[f"{NAME}@absent"])
    assert answer["exit_code"] == process.wait(30) == RegistryError.exit_code
    assert "There is no flight-delay@absent" in answer["message"]
    process, answer = start(uri=None, seconds=1, names=[CHAMPION])
    assert answer["exit_code"] == process.wait(30) == ConfigError.exit_code
    assert "give --uri" in answer["message"]
