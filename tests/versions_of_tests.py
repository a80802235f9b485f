"""Bundles that differ in their digests only, made without training, and what records them."""

import shutil
from pathlib import Path

import msgspec

from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.registry.recording import record_training
from mlkit.registry.registry import Registry
from mlkit.registry.versions import Version
from mlkit.training.config import Config, DataConfig, TrackingConfig
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.workflow import Run

NAME = "flight-delay"


def variant(packed: Path, folder: Path, seed: int, name: str = NAME) -> Bundle:
    """Copy a bundle as one of another name and seed, trained at a commit with a lock file."""
    shutil.copytree(packed, folder)
    (folder / layout.SIGNATURE).unlink(missing_ok=True)
    manifest = Bundle.open(packed).manifest
    lineage = {
        **manifest.lineage,
        "config": {"data": {"path": "data.csv"}},
        "data": {
            "n_rows": 3,
            "fingerprint": "ab" * 32,
            "columns": {},
            "schema": "cd" * 32,
            "time_range": [],
        },
        "code": {"commit": "1" * 40, "dirty": False},
        "lock": {"uv.lock": "ef" * 32},
        "python": "3.11.0",
        "threads": {"openmp": 1},
        "seed": seed,
    }
    layout.seal(folder, msgspec.structs.replace(manifest, name=name, lineage=lineage))
    return Bundle.open(folder)


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
    record_training(config, Run(bundle=bundle, evaluation=evaluation, report=report), 1_000)


def registered(registry: Registry, config: Config, bundle: Bundle) -> Version:
    """Record a bundle, and make it a version."""
    record(config, bundle)
    return registry.register(bundle)
