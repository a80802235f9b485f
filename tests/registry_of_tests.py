"""Bundles that differ in their digests only, made without training, and how they are registered."""

import itertools
import shutil
import time
from pathlib import Path

import msgspec

from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.registry import journal, outbox
from mlkit.registry.recording import record_training
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import BUNDLE, DIGEST
from mlkit.registry.versions import Version
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.settings import Config, DataConfig, TrackingConfig
from mlkit.training.workflow import Run

NAME = "flight-delay"
#: What a model can be built again from.
LINEAGE = {
    "config": {"data": {"path": "data.csv"}, "evaluation": {"champion": None}},
    "data": {
        "n_rows": 4_210,
        "fingerprint": "ab" * 32,
        "columns": {},
        "schema": "cd" * 32,
        "time_range": ["2013-01-01T05:00:00", "2013-12-31T22:00:00"],
    },
    "code": {"commit": "c0ffee", "dirty": False},
    "lock": {"uv.lock": "ef" * 32},
    "python": "3.11.0",
    "threads": {"openmp": 2},
    "libraries": {"numpy": "2.0.0"},
}
_NUMBERS = itertools.count()


def variant(packed: Path, folder: Path, name: str = NAME, **lineage: object) -> Bundle:
    """Return the packed bundle under a name and with a lineage of its own, and so a digest."""
    number = next(_NUMBERS)
    place = folder / f"variant-{number}"
    shutil.copytree(packed, place)
    (place / layout.SIGNATURE).unlink(missing_ok=True)
    manifest = Bundle.open(packed).manifest
    changed = {**manifest.lineage, **LINEAGE, "seed": number, **lineage}
    layout.seal(place, msgspec.structs.replace(manifest, name=name, lineage=changed))
    return Bundle.open(place)


def settings(folder: Path, uri: str, name: str = NAME) -> Config:
    """Return the settings of a project in a folder, with a table and a report in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.csv").write_text("a\n1\n2\n3\n", encoding="utf-8")
    (folder / "report.html").write_text("<html></html>", encoding="utf-8")
    return Config(
        name=name,
        task="binary",
        data=DataConfig(path=str(folder / "data.csv"), schema="flight_delay.schema.Flight"),
        tracking=TrackingConfig(uri=uri, folder=str(folder / ".mlkit")),
    )


def record(config: Config, bundle: Bundle) -> None:
    """Record a training run that made a bundle, as `mlkit train` does."""
    evaluation = Evaluation.from_json(bundle.read(layout.EVALUATION))
    report = Path(config.data.path).with_name("report.html")
    run = Run(bundle=bundle, evaluation=evaluation, report=report)
    record_training(config, run, now())


def register(registry: Registry, bundle: Bundle, folder: Path) -> Version:
    """Send the least of a run that has the bundle, and register it."""
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


def now() -> int:
    """Return the time, in ms since 1970."""
    return time.time_ns() // 1_000_000
