"""What every step is given: the settings, the moment, and where the steps before it wrote."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError
from mlkit.core.trust import required_signers
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker
from mlkit.retraining.state import State
from mlkit.training.settings import Config

#: Files that steps leave for others; that of the data ends as it is of Parquet or CSV.
DECISION, DATA = "decision.json", "data"


@dataclass(kw_only=True)
class Work:
    """A run of some steps, or of all.

    Attributes
    ----------
    config, conf
        The settings, and the folder that they were read from.
    state
        Where outputs lie.
    now
        The moment that counts as now, UTC.
    until
        Rows from this moment on, UTC, are left out; None: all that there are count.
    forced
        Whether a new model is made whatever the policies say.
    done
        The outputs of the steps that are done, by the step.
    """

    config: Config
    conf: Path
    state: State
    now: datetime
    until: datetime | None = None
    forced: bool = False
    done: dict[str, Path] = field(default_factory=dict)

    @cached_property
    def registry(self) -> Registry:
        """The project's registry."""
        if self.config.tracking.uri is None:
            raise ConfigError(
                "mlkit retrain needs a registry, which says which model is the champion: set "
                "tracking.uri in conf/config.yaml, such as sqlite:///mlruns.db."
            )
        return Registry(Tracker(self.config.tracking.uri))

    def data(self) -> Path:
        """Return the table that was ingested."""
        [path] = self.done["ingest"].glob(f"{DATA}.*")
        return path

    def decision(self) -> dict[str, Any]:
        """Return what was decided, and of which champion."""
        return read_json(self.done["decide"] / DECISION)

    def bundle(self) -> Bundle:
        """Return the challenger."""
        return Bundle.open(self.done["train"] / self.config.name, signers=required_signers())


def read_json(path: Path) -> dict[str, Any]:
    """Return what a step wrote."""
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def write_json(path: Path, values: Any) -> None:
    """Write what a later step, or a person, reads."""
    text = json.dumps(values, indent=1, default=str, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
