"""Bundles of their own digests, and how they come into a registry."""

import itertools
import shutil
from pathlib import Path

import msgspec

from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.registry import journal, outbox
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import BUNDLE, DIGEST
from mlkit.registry.versions import Version

#: A lineage that a model can be built again from.
REBUILDABLE = {"code": {"commit": "c0ffee", "dirty": False}, "lock": {"uv.lock": "0" * 64}}
_NUMBERS = itertools.count()


def variant(packed: Path, folder: Path, name: str = "flight-delay", **lineage: object) -> Bundle:
    """Return the packed bundle under a name and with a lineage of its own, and so a digest."""
    place = folder / f"variant-{next(_NUMBERS)}"
    shutil.copytree(packed, place)
    manifest = Bundle.open(packed).manifest
    changed = {**REBUILDABLE, "seed": next(_NUMBERS), **lineage}
    layout.seal(place, msgspec.structs.replace(manifest, name=name, lineage=changed))
    return Bundle.open(place)


def register(registry: Registry, bundle: Bundle, folder: Path) -> Version:
    """Send a run that has the bundle, and register it."""
    run = outbox.Run(
        id=outbox.new_id(),
        kind="train",
        name=bundle.manifest.name,
        started=1,
        ended=2,
        params={},
        metrics={"roc_auc": 0.7},
        tags={DIGEST: bundle.manifest.digest},
    )
    registry.tracker.send(outbox.keep(folder / "outbox", run, {BUNDLE: bundle.path}))
    return registry.register(bundle)


def crown(registry: Registry, version: Version, why: str = "") -> None:
    """Make a version the champion, whatever it is worth."""
    history = journal.history(registry, version.name)
    after = history[-1].number if history else 0
    journal.enter(registry, version, kind="promote", why=why, after=after)
    journal.settle(registry, version.name)
