"""Walk from a version to its run, settings, code and data, and back from data to versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlkit.core.errors import RegistryError
from mlkit.core.extras import load
from mlkit.registry.fetching import fetch
from mlkit.registry.references import Reference, is_reference
from mlkit.registry.registry import Registry
from mlkit.registry.versions import Version

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
    answer
        Of a request, when the version answered it, and as what.
    """

    version: Version
    lineage: Mapping[str, Any]
    answer: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            **({"request": dict(self.answer)} if self.answer else {}),
            "model": str(self.version),
            "aliases": list(self.version.aliases),
            "bundle": self.version.digest,
            "run": self.version.run_id,
            "registered": self.version.created.isoformat(timespec="seconds"),
            **{key: self.lineage.get(key) for key in _PARTS},
        }


_PARTS = ("code", "lock", "data", "seed", "python", "threads", "libraries", "config")


def trace(registry: Registry, text: str, log: Path | None = None) -> list[Trace]:
    """Return what is known of the versions that a text names.

    Parameters
    ----------
    registry
        That has them.
    text
        `NAME/VERSION`, `NAME@ALIAS`, the `model` of a prediction, or the first
        digits of a bundle's digest or of the data's fingerprint; or a request's id.
    log
        The folder in which a service left the receipts of its requests.

    Raises
    ------
    RegistryError
        If none is known by it.
    """
    name, _, digits = text.rpartition("/")
    found: list[Version] = []
    if is_reference(text):
        found = [registry.get(Reference.parse(text))]
    elif len(digits) >= _LEAST_DIGITS and set(digits) <= set("0123456789abcdef"):
        found = [
            version
            for each in ([name] if name else registry.names())
            for version in registry.versions(each)
            if version.digest.startswith(digits) or version.data.startswith(digits)
        ]
    if not found and log is not None:
        answered = _answered(registry, text, log)
        if answered:
            return answered
    if not found:
        looked = f", or the id of a request in the log {log}" if log else ""
        raise RegistryError(
            f"Nothing is known by {text}. Give NAME/VERSION, NAME@ALIAS, the model that a "
            f"prediction names, or at least {_LEAST_DIGITS} digits of a bundle's digest or of "
            f"the data's fingerprint{looked}."
        )
    return [
        Trace(version=version, lineage=fetch(registry, version).manifest.lineage)
        for version in found
    ]


def _answered(registry: Registry, request: str, log: Path) -> list[Trace]:
    """Return what made the bundles that answered a request, and a shadow that is registered."""
    history = load(
        "mlkit.history.reading", packages="pandas pyarrow", purpose="Reading a prediction log"
    )
    traces = []
    for receipt in history.find_receipts(log, request).to_dict("records"):
        model, digest = receipt.pop("model"), receipt.pop("digest")
        version = registry.with_digest(model.split("/")[0], digest)
        if version is None and receipt["role"] == "shadow":
            continue
        if version is None:
            raise RegistryError(
                f"{request} was answered by {model}, which is no version in the registry. Its "
                f"bundle has the digest {digest}."
            )
        manifest = fetch(registry, version).manifest
        answer = {**receipt, "time": receipt["time"].isoformat()}
        traces.append(Trace(version=version, lineage=manifest.lineage, answer=answer))
    return traces
