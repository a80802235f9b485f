"""A version's bundle is fetched once, and never believed without its digest."""

import shutil
from pathlib import Path
from urllib.parse import urlparse

import pytest
from registry_of_tests import register, variant

from mlkit.core.bundle import Bundle
from mlkit.core.errors import BundleError, ConfigError, RegistryError
from mlkit.core.signing import create_key
from mlkit.registry.fetching import fetch, pull


@pytest.fixture(scope="module")
def version(registry, packed, tmp_path_factory):
    """Return a registered version."""
    folder = tmp_path_factory.mktemp("version")
    return register(registry, variant(packed, folder, "fetched"), folder)


def stored(version) -> Path:
    """Return the folder where MLflow keeps a version's bundle."""
    return Path(urlparse(version.source).path) / "bundle"


def test_a_bundle_is_cached_by_its_digest(registry, version, cache):
    """The second time, the store need not have it any more."""
    bundle = fetch(registry, version)
    assert bundle.manifest.digest == version.digest
    assert bundle.path == cache / version.digest
    kept = stored(version)
    hidden = kept.rename(kept.with_name("hidden"))
    try:
        assert fetch(registry, version).path == bundle.path
    finally:
        hidden.rename(kept)


def test_a_damaged_cache_is_fetched_again(registry, version, cache):
    """Nobody needs to know that there was one."""
    (fetch(registry, version).path / "golden.json").write_text("[]")
    again = fetch(registry, version)
    assert again.manifest.digest == version.digest
    assert (again.path / "golden.json").read_text() != "[]"


def test_another_bundle_in_the_store_is_refused(registry, version, packed, cache, tmp_path):
    """Its own digests fit, but it is not the one that was registered; what was pulled stays."""
    kept = stored(version)
    pulled = pull(registry, version, tmp_path / "pulled")
    shutil.rmtree(cache)
    hidden = kept.rename(kept.with_name("hidden"))
    try:
        shutil.copytree(variant(packed, tmp_path, "fetched").path, kept)
        with pytest.raises(RegistryError, match=r"another bundle for fetched/1.*was registered"):
            pull(registry, version, pulled.path)
        (kept / "model.onnx").write_bytes(b"x")
        with pytest.raises(BundleError, match=r"model\.onnx"):
            fetch(registry, version)
        assert list(cache.iterdir()) == []
        assert Bundle.open(pulled.path).manifest.digest == version.digest
        shutil.rmtree(kept)
        told = r"(refuses|cannot be used): .*No such (artifact|file)"
        with pytest.raises(RegistryError, match=told):
            fetch(registry, version)
    finally:
        shutil.rmtree(kept, ignore_errors=True)
        hidden.rename(kept)


def test_a_sound_bundle_stays_cached_where_a_signer_is_required(
    registry, version, cache, tmp_path, monkeypatch
):
    """It is refused there, and elsewhere it need not be fetched again."""
    place = fetch(registry, version).path
    signer = create_key(tmp_path / "key")
    (tmp_path / "pyproject.toml").write_text(f'[tool.mlkit]\nsigners = ["{signer}"]\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match="sign"):
        fetch(registry, version)
    assert Bundle.open(place).manifest.digest == version.digest
    assert [path.name for path in cache.iterdir()] == [version.digest]


def test_pull_writes_a_folder_whole(registry, version, tmp_path):
    """A new one, an empty one, or one in the place of an earlier bundle."""
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (tmp_path / "new" / "place", empty, empty):
        assert pull(registry, version, folder).path == folder
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            path.name for path in stored(version).iterdir()
        )


def test_pull_replaces_no_folder_that_is_no_bundle(registry, version, tmp_path):
    """Somebody's files are not mlkit's to remove; a file in the way is named as well."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "thesis.tex").write_text("all my work")
    # As browsers' extensions have one.
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(ConfigError, match="home is there, and is no whole bundle"):
        pull(registry, version, folder)
    assert (folder / "thesis.tex").read_text() == "all my work"
    file = folder / "thesis.tex"
    with pytest.raises(ConfigError, match="is there, and is no whole bundle"):
        pull(registry, version, file)
    assert file.read_text() == "all my work"
