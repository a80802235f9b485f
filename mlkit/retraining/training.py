"""Train the challenger on the ingested rows, with tuned settings where they are asked for."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlkit.core.errors import RegistryError
from mlkit.core.files import sha256
from mlkit.registry.recording import begin
from mlkit.retraining.work import Work, read_json, write_json
from mlkit.training import workflow
from mlkit.training.lineage import gaps, settings_of, sources
from mlkit.training.settings import Config, as_dict
from mlkit.training.tuning.space import applied
from mlkit.training.tuning.tune import tune as search

#: What tuning found; when training began; what the challenger is worth.
TUNED, TIMES, EVALUATION = "tuned.json", "times.json", "evaluation.json"


def tune_inputs(work: Work) -> dict[str, Any]:
    """Return all that the search depends on."""
    config = _untuned(work, Path())
    return {
        "data": sha256(work.data()),
        "settings": settings_of(config),
        "tuning": as_dict(config)["tuning"],
        "files": _files(),
    }


def tune(work: Work, draft: Path) -> str:
    """Search for better settings, and write them; a search that was killed goes on."""
    config = _untuned(work, draft)
    # The draft is gone after a kill; what was tried must not be.
    place = str(work.state.folder.parent / "tuning")
    config = replace(config, tuning=replace(config.tuning, folder=place))
    tuned = search(config, draft)
    write_json(draft / TUNED, {"parameters": tuned.parameters, "found": tuned.headline()})
    return ""


def train_inputs(work: Work) -> dict[str, Any]:
    """Return all that the challenger depends on."""
    return {
        "data": sha256(work.data()),
        "settings": settings_of(trained_by(work, Path())),
        "sources": sources(Path.cwd()),
        "files": _files(),
    }


def train(work: Work, draft: Path) -> str:
    """Train, judge and pack; write the bundle and its page.

    Raises
    ------
    RegistryError
        If what is trained here could not be promoted: before the work that would be lost.
    """
    if lacking := gaps(sources(Path.cwd())):
        raise RegistryError(f"A model that is trained here could not be promoted: {lacking}.")
    config = trained_by(work, draft)
    started = begin(config)
    run = workflow.train(config)
    (draft / EVALUATION).write_text(run.evaluation.to_json(), encoding="utf-8")
    write_json(draft / TIMES, {"started": started, "ended": time.time_ns() // 1_000_000})
    return ""


def trained_by(work: Work, folder: Path) -> Config:
    """Return the settings by which the challenger is trained, its outputs in `folder`."""
    config = _untuned(work, folder)
    place = work.done.get("tune")
    if place is None:
        return config
    config = applied(config, read_json(place / TUNED)["parameters"])
    rows = str(place / "model" / "tuned.npy")
    return replace(config, model=replace(config.model, tuning_rows=rows))


def _untuned(work: Work, folder: Path) -> Config:
    config = work.config
    return replace(
        config,
        bundles=str(folder),
        reports=str(folder),
        data=replace(config.data, path=str(work.data())),
        # It is judged beside the registry's champion, in a step of its own.
        evaluation=replace(config.evaluation, champion=None),
    )


def _files() -> dict[str, str]:
    """Return the digests of the project's code: what git calls changed may change again."""
    return {str(path): sha256(path) for path in sorted(Path("src").rglob("*.py"))}
