"""Fetch the bundle of a version: once, by its digest."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from mlkit.core.bundle import Bundle
from mlkit.core.errors import BundleError, ConfigError, RegistryError
from mlkit.core.files import written_folder
from mlkit.core.trust import required_signers
from mlkit.registry.connection import talk
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import BUNDLE
from mlkit.registry.versions import Version


def fetch(registry: Registry, version: Version) -> Bundle:
    """Return the bundle of a version from the user's cache, where it is put first if need be.

    Raises
    ------
    RegistryError
        If what the registry has is not the bundle that was registered.
    """
    place = user_cache_path("mlkit") / "bundles" / version.digest
    is_cached = place.is_dir()
    if is_cached:
        with suppress(BundleError, RegistryError):
            return _checked(place, version)
    from mlflow.artifacts import download_artifacts

    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=place.parent) as draft:
        found = talk(
            registry.uri,
            lambda: download_artifacts(
                artifact_uri=f"{version.source}/{BUNDLE}",
                dst_path=draft,
                tracking_uri=registry.uri,
            ),
        )
        _checked(Path(found), version)
        if is_cached:
            shutil.rmtree(place, ignore_errors=True)
        try:
            Path(found).rename(place)
        except OSError:
            # Another process may have been faster.
            if not place.is_dir():
                raise
    return _checked(place, version)


def pull(registry: Registry, version: Version, folder: Path) -> Bundle:
    """Put the bundle of a version into `folder`, whole or not at all; return it.

    Raises
    ------
    ConfigError
        If something is there that is no whole bundle.
    """
    if not _is_free(folder):
        raise ConfigError(
            f"{folder} is there, and is no whole bundle: it will not be replaced. Remove it, or "
            "name another folder."
        )
    bundle = fetch(registry, version)
    with written_folder(folder) as draft:
        shutil.copytree(bundle.path, draft, dirs_exist_ok=True)
    return _checked(folder, version)


def _is_free(folder: Path) -> bool:
    """Whether a bundle may go there: nothing is, or an empty folder, or an earlier bundle."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return True
    try:
        Bundle.open(folder)
    except BundleError:
        return False
    return True


def _checked(folder: Path, version: Version) -> Bundle:
    bundle = Bundle.open(folder, signers=required_signers())
    if bundle.manifest.digest != version.digest:
        raise RegistryError(
            f"The registry has another bundle for {version}: {bundle.manifest.digest[:12]}, and "
            f"{version.digest[:12]} was registered. Somebody changed it there: put that one back, "
            "or train, register and promote anew."
        )
    return bundle
