"""Walk from a version to its run, settings, code and data, and back from data to versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlkit.core.errors import RegistryError
from mlkit.registry.fetching import fetch
from mlkit.registry.references import Reference, is_reference
from mlkit.registry.registry import Registry, Version
from mlkit.registry.tracking import DATA, KIND

#: The least digits that name data.
_LEAST_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What made one version.

    Attributes
    ----------
    version
        Which one.
    lineage
        What its manifest tells.
    """

    version: Version
    lineage: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "model": str(self.version),
            "aliases": list(self.version.aliases),
            "bundle": self.version.digest,
            "run": self.version.run_id,
            "registered": self.version.created.isoformat(timespec="seconds"),
            **{key: self.lineage.get(key) for key in _PARTS},
        }


_PARTS = ("code", "lock", "data", "seed", "python", "threads", "libraries", "config")


def trace(registry: Registry, text: str) -> list[Trace]:
    """Return what is known of a version, a bundle's digest, or of all made from some data.

    Raises
    ------
    RegistryError
        If nothing is known by that.
    """
    if is_reference(text):
        found = [registry.get(Reference.parse(text))]
    elif len(text) >= _LEAST_DIGITS and set(text) <= set("0123456789abcdef"):
        found = _of_digest(registry, text)
    else:
        found = []
    if not found:
        raise RegistryError(
            f"Nothing is known by {text}. Give NAME/VERSION, NAME@ALIAS, or at least "
            f"{_LEAST_DIGITS} digits of a bundle's digest or of the data's fingerprint."
        )
    return [
        Trace(version=version, lineage=fetch(registry, version).manifest.lineage)
        for version in found
    ]


def _of_digest(registry: Registry, digits: str) -> list[Version]:
    found = []
    for name in registry.names():
        runs = {
            run.info.run_id: run.data.tags.get(DATA, "")
            for run in registry.tracker.search(name, {KIND: "train"}, most=1000)
        }
        found += [
            version
            for version in registry.versions(name)
            if version.digest.startswith(digits) or runs.get(version.run_id, "").startswith(digits)
        ]
    return found
