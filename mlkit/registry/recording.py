"""Record what a command did: on disk first, then in the tracking store, if it answers."""

import json
import math
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from omegaconf import OmegaConf

from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError, MlkitError, RegistryError
from mlkit.core.log import get_logger, stage
from mlkit.registry import outbox, snapshots
from mlkit.registry.connection import check_address, shown, warm_up
from mlkit.registry.tracking import BUNDLE, DATA, DIGEST, sync
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.findings import Score
from mlkit.training.lineage import code
from mlkit.training.settings import Config, as_dict
from mlkit.training.workflow import Run

log = get_logger(__name__)


def outbox_of(config: Config) -> Path:
    """Return where a project's runs wait."""
    return Path(config.tracking.folder) / "outbox"


def snapshots_of(config: Config) -> Path:
    """Return where a project's small data are kept."""
    return Path(config.tracking.folder) / "data"


def begin(config: Config) -> int:
    """Return when a run begins, in ms since 1970, UTC.

    Raises
    ------
    ConfigError
        If `tracking.uri` is no address of MLflow, or the run could not be kept on
        disk: before the work that would be lost.
    """
    if config.tracking.uri is not None:
        check_address(config.tracking.uri)
        try:
            outbox_of(config).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"tracking.folder: {config.tracking.folder} cannot be written: {error.strerror}. "
                "Name another place, or set tracking.uri to null."
            ) from None
        threading.Thread(target=warm_up, args=(config.tracking.uri,), daemon=True).start()
    return _now()


def record_training(config: Config, run: Run, started: int) -> None:
    """Record a training run with its bundle and its report, and keep small data."""
    if config.tracking.uri is None:
        return
    lineage = run.bundle.manifest.lineage
    with _keeping(config, "train"):
        snapshots.keep(
            Path(config.data.path),
            snapshots_of(config),
            lineage["data"]["fingerprint"],
            most_mib=config.tracking.snapshot_mib,
            started=started,
        )
    _record(
        config,
        "train",
        started,
        metrics=_metrics(run.evaluation.scores),
        tags=_tags(run.bundle),
        artifacts={BUNDLE: run.bundle.path, run.report.name: run.report},
        texts={"lineage.json": json.dumps(lineage, indent=1)},
    )


def record_evaluation(
    config: Config, bundle: Bundle, evaluation: Evaluation, data: str, started: int
) -> None:
    """Record what was found of a bundle on some rows."""
    if config.tracking.uri is None:
        return
    _record(
        config,
        "evaluate",
        started,
        metrics=_metrics(evaluation.scores),
        tags={
            DIGEST: bundle.manifest.digest,
            "mlkit.rows": evaluation.rows_digest,
            "mlkit.path": data,
            "mlkit.passed": str(evaluation.passed).lower(),
        },
        texts={"evaluation.json": evaluation.to_json()},
    )


def record_tuning(
    config: Config, *, metric: str, value: float, files: Iterable[Path], started: int
) -> None:
    """Record what a search found, with the files that it wrote."""
    if config.tracking.uri is None:
        return
    found = code(Path.cwd())
    _record(
        config,
        "tune",
        started,
        metrics={metric: value},
        tags={"mlkit.commit": found["commit"] or "", "mlkit.dirty": str(found["dirty"]).lower()},
        artifacts={f"tuned/{path.parent.name}/{path.name}": path for path in files},
    )


def _record(
    config: Config,
    kind: str,
    started: int,
    *,
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    texts: Mapping[str, str] = MappingProxyType({}),
    artifacts: Mapping[str, Path] = MappingProxyType({}),
) -> None:
    settings = as_dict(config)
    # An address may hold a password.
    settings["tracking"].pop("uri")
    run = outbox.Run(
        id=outbox.new_id(),
        kind=kind,
        name=config.name,
        started=started,
        ended=_now(),
        params=_flat(settings),
        metrics={key: value for key, value in metrics.items() if math.isfinite(value)},
        tags=dict(tags),
    )
    with tempfile.TemporaryDirectory() as draft:
        written = {}
        for name, text in {**texts, "config.yaml": OmegaConf.to_yaml(settings)}.items():
            written[name] = Path(draft, name)
            written[name].write_text(text, encoding="utf-8")
        with _keeping(config, kind):
            folder = outbox.keep(outbox_of(config), run, {**artifacts, **written})
    try:
        with stage(log, "tracking", uri=shown(str(config.tracking.uri))):
            sync(str(config.tracking.uri), outbox_of(config))
    except MlkitError as error:
        # Of several that waited, another one may have been refused.
        kept = folder if folder.is_dir() else folder.parent
        log.warning("run_kept", path=str(kept), reason=str(error), todo="mlkit sync")


@contextmanager
def _keeping(config: Config, kind: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # shutil tells of every file that it could not copy.
        reason = error.strerror or error.args[0][0][-1]
        raise RegistryError(
            f"What {kind} made is there, but cannot be registered, since its run could not be "
            f"kept in {config.tracking.folder}: {reason}. Make that place writable, with room, "
            "and do the same again."
        ) from error


def _now() -> int:
    return time.time_ns() // 1_000_000


def _tags(bundle: Bundle) -> dict[str, str]:
    """Return what made a bundle, as far as one would search for it."""
    manifest = bundle.manifest
    lineage = manifest.lineage
    return {
        DIGEST: manifest.digest,
        DATA: lineage["data"]["fingerprint"],
        "mlkit.rows_of_data": str(lineage["data"]["n_rows"]),
        "mlkit.schema": lineage["data"]["schema"],
        "mlkit.time_range": " to ".join(lineage["data"]["time_range"]),
        "mlkit.commit": lineage["code"]["commit"] or "",
        "mlkit.dirty": str(lineage["code"]["dirty"]).lower(),
        "mlkit.seed": str(lineage["seed"]),
        "mlkit.threads": json.dumps(lineage["threads"]),
        "mlkit.python": lineage["python"],
        "mlkit.lock": json.dumps(lineage["lock"]),
        "mlkit.libraries": json.dumps(lineage["libraries"]),
        "mlkit.runtime": manifest.runtime,
        # MLflow shows this one by itself.
        "mlflow.source.git.commit": lineage["code"]["commit"] or "",
    }


def _metrics(scores: Iterable[Score]) -> dict[str, float]:
    return {
        key: value
        for score in scores
        for key, value in (
            (score.metric, score.value),
            (f"{score.metric}_low", score.low),
            (f"{score.metric}_high", score.high),
        )
    }


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return found
