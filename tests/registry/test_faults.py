"""Kills, locks, full disks and wrong names: errors are clear, and nothing is lost."""

import os
import re
import shutil
import socket
import sqlite3
import threading
from pathlib import Path

import pytest
from forks_of_tests import program
from registry_of_tests import NAME, crown, now, record, register, settings, variant

from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError, RegistryError, UnreachableError
from mlkit.registry import connection, journal, outbox, snapshots
from mlkit.registry.recording import outbox_of
from mlkit.registry.references import Reference
from mlkit.registry.registry import CHALLENGER, Registry
from mlkit.registry.tracking import DIGEST, MODEL, Tracker, sync

#: At every how many writes a process is killed: at each in full (make simulate-registry).
IN_FULL = int(os.environ.get("SIMULATIONS", "0")) >= 1000
STRIDE = 1 if IN_FULL else 60


@pytest.fixture(scope="module")
def bundle(packed, tmp_path_factory) -> Bundle:
    """Return a bundle that can be recorded and promoted."""
    return variant(packed, tmp_path_factory.mktemp("bundles"))


@pytest.fixture
def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def place(database, tmp_path, monkeypatch) -> Path:
    """Work in an empty project with an empty database."""
    shutil.copyfile(database, tmp_path / "mlruns.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def uri(place) -> str:
    """Return the address of the project's database."""
    return f"sqlite:///{place / 'mlruns.db'}"


@pytest.fixture
def registry(uri) -> Registry:
    """Return the project's registry."""
    return Registry(Tracker(uri))


@pytest.mark.slow
def test_a_kill_at_any_write_leaves_nothing_half(packed, tmp_path):
    """After a kill -9 all that is listed is whole, and the same commands complete."""
    found, errors = program(
        Path(__file__).with_name("killing.py"), tmp_path, packed, STRIDE, cwd=tmp_path
    )
    kills = {name: number for name, (number, _) in found.items()}
    assert {name: wrong for name, (_, wrong) in found.items() if wrong} == {}, errors
    assert sum(kills.values()) >= (200 if IN_FULL else 12)


@pytest.mark.slow
def test_waits_while_another_writes(uri, place, bundle):
    """A lock that is given back costs nothing but the time."""
    config = settings(place, uri)
    other = sqlite3.connect(place / "mlruns.db", check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    back = threading.Timer(2, other.rollback)
    back.start()
    record(config, bundle)
    back.join()
    other.close()
    assert outbox.pending(outbox_of(config)) == []
    assert Registry(Tracker(uri)).register(bundle).number == 1


@pytest.mark.slow
def test_a_lock_for_ever_is_told(uri, place, bundle, monkeypatch):
    """The run is kept, the error names the lock, and once it is gone the run is sent once."""
    monkeypatch.setattr(connection, "_PATIENCE", 0.5)
    config = settings(place, uri)
    other = sqlite3.connect(place / "mlruns.db")
    other.execute("BEGIN EXCLUSIVE")
    record(config, bundle)
    with pytest.raises(UnreachableError, match=r"database is locked\. Another process holds it"):
        Tracker(uri)
    other.close()
    assert len(sync(uri, outbox_of(config))) == 1
    assert sync(uri, outbox_of(config)) == []


def test_a_database_that_is_down_is_told_at_once(free_port):
    """MLflow would ask PostgreSQL for minutes."""
    pytest.importorskip("psycopg")
    address = f"postgresql+psycopg://me:secret@127.0.0.1:{free_port}/mlflow"
    with pytest.raises(UnreachableError, match="refused") as caught:
        Tracker(address)
    assert "secret" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_told(place, bundle):
    """A store in it, and an outbox in it, name the folder and what the system says."""
    with pytest.raises(UnreachableError, match=r"File exists.*may be written"):
        Tracker(f"sqlite:///{place / 'mlruns.db' / 'mlruns.db'}")
    config = settings(place, "sqlite:///mlruns.db")
    config.tracking.folder = str(place / "mlruns.db")
    with pytest.raises(RegistryError, match=r"could not be kept in .*Not a directory"):
        record(config, bundle)


@pytest.mark.slow
def test_a_full_disk_is_told_and_nothing_is_lost(place, uri, bundle):
    """The tracking store and the outbox say so; the run that waited is sent later, once."""
    found, _ = program(Path(__file__).with_name("filling.py"), bundle.path, uri, cwd=place)
    assert re.match(r"UnreachableError: .*disk .*has room", found["database"])
    assert re.match(r"RegistryError: .*File too large.*with room", found["outbox"])
    assert len(found["waiting"]) == found["sent"] == 1


@pytest.mark.parametrize("name", ["../x", "", "x' OR name != '", "X"])
def test_a_name_never_is_a_path(registry, name):
    """It is refused before MLflow is asked."""
    with pytest.raises(ConfigError, match="names no model"):
        registry.versions(name)
    with pytest.raises(ConfigError, match="names no model"):
        journal.rollback(registry, name, why="")


def test_an_empty_store_says_so(registry):
    """There is no version, and no champion to go back to."""
    with pytest.raises(RegistryError, match="Nothing was registered yet"):
        registry.get(Reference(name=NAME, version=1))
    with pytest.raises(RegistryError, match="has had 0 champions: there is none to go back to"):
        journal.rollback(registry, NAME, why="")


def test_an_alias_of_a_version_that_was_deleted_points_nowhere(registry, place, bundle):
    """It is told as one that is not there."""
    version = register(registry, bundle, place)
    registry.set_alias(version, CHALLENGER)
    registry.client.delete_model_version(NAME, "1")
    with pytest.raises(RegistryError, match=f"There is no {NAME}@challenger"):
        registry.get(Reference(name=NAME, alias=CHALLENGER))


@pytest.mark.parametrize("digest", [None, "", "../../precious", "A" * 64])
def test_a_version_without_a_digest_is_left_alone(registry, place, digest):
    """Others may use the same MLflow; what they tag a version with never becomes a path."""
    precious = place / "cache" / "mlkit" / "precious"
    precious.mkdir(parents=True)
    registry.client.create_registered_model(NAME)
    tags = {} if digest is None else {DIGEST: digest}
    registry.client.create_model_version(NAME, str(place), tags=tags)
    assert registry.versions(NAME) == []
    with pytest.raises(RegistryError, match="was not registered by mlkit"):
        registry.get(Reference(name=NAME, version=1))
    assert precious.is_dir()


def test_an_evaluation_is_no_source_of_a_version(registry, uri, place, bundle):
    """A newer run has the digest as well, but only the one that trained has the bundle."""
    config = settings(place, uri)
    record(config, bundle)
    run = registry.tracker.find(NAME, {DIGEST: bundle.manifest.digest})
    later = registry.client.create_run(
        run.info.experiment_id,
        start_time=run.info.start_time + 1,
        tags={"mlkit.kind": "evaluate", DIGEST: bundle.manifest.digest},
    )
    registry.client.set_terminated(later.info.run_id)
    version = registry.register(bundle)
    assert version.run_id == run.info.run_id
    assert version.source.endswith(MODEL)


def test_an_interrupted_rollback_is_completed(registry, place, packed):
    """One that was killed before the alias moved goes back one champion, not two."""
    for _ in range(3):
        crown(registry, register(registry, variant(packed, place), place))
    second = registry.get(Reference(name=NAME, version=2))
    journal.enter(registry, second, kind="rollback", why="", after=3)
    assert journal.rollback(registry, NAME, why="").number == 2
    assert journal.rollback(registry, NAME, why="").number == 1
    assert [entry.kind for entry in journal.history(registry, NAME)] == ["promote"] * 3 + [
        "rollback"
    ] * 2


def test_a_snapshot_is_whole_or_not_there(place):
    """A table that cannot be copied leaves none behind."""
    (place / "data.csv").write_text("a\n1\n", encoding="utf-8")
    (place / "file").touch()
    with pytest.raises(OSError, match="file"):
        snapshots.keep(place / "data.csv", place / "file" / "data", "ab", most_mib=1, started=now())
    kept = snapshots.keep(place / "data.csv", place / "data", "ab", most_mib=1, started=now())
    assert snapshots.find(place / "data", "ab") == kept
    assert [entry.name for entry in (place / "data").iterdir()] == ["ab.csv"]


def test_a_table_that_was_replaced_meanwhile_is_no_snapshot(place, caplog):
    """Even by an older one: the fingerprint is of the rows that were read."""
    (place / "older.csv").write_text("a\n1\n", encoding="utf-8")
    (place / "data.csv").write_text("a\n2\n", encoding="utf-8")
    os.utime(place / "older.csv", (0, 0))
    # A file's clock is some milliseconds behind.
    began = now() - 1_000
    (place / "older.csv").replace(place / "data.csv")
    snapshot = snapshots.keep(place / "data.csv", place / "data", "ab", most_mib=1, started=began)
    assert snapshot is None
    assert snapshots.find(place / "data", "ab") is None
    assert "snapshot_skipped" in caplog.text
