"""Read what is to be tuned, search, and write the best."""

from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from mlkit.core.extras import load
from mlkit.training.data import read_frame
from mlkit.training.lineage import fingerprint
from mlkit.training.settings import Config
from mlkit.training.trainer import Trainer
from mlkit.training.tuning.folded import FoldedRows, chosen_metric
from mlkit.training.tuning.space import applied, read_space
from mlkit.training.tuning.tuned import Tuned, write_tuned
from mlkit.training.workflow import build_trainer, tuning_rows


def tune(config: Config, folder: str | Path = "conf") -> Tuned:
    """Search `tuning.space` for the settings that cross-validate best, and write them.

    Each trial refits featurizer, encoder and estimator in every fold of the rows
    that the split leaves for training; the holdout stays unseen. What was tried is
    kept in `tuning.folder`: the same search again goes on until its budget is spent
    in total, however it was stopped.

    Parameters
    ----------
    config
        The settings, and with `tuning` the search.
    folder
        Where the configuration lies: `model/tuned.yaml` is written there.

    Raises
    ------
    ConfigError
        If the space, the metric or the budget make no sense, or every trial fails.
    DataError
        If the rows break the schema, or are too few for the folds.
    MissingExtraError
        Without the extra `tune`.
    """
    searching = load("mlkit.training.tuning.search", extra="tune", purpose="mlkit tune")
    trainer = build_trainer(config)
    metric = chosen_metric(config.task, config.tuning.metric)
    dimensions = read_space(config)
    seen_before = tuning_rows(config.model.tuning_rows)
    with structlog.contextvars.bound_contextvars(model=config.name):
        frame = read_frame(config.data.path, trainer.schema)
        rows = FoldedRows.of(trainer, frame, n_folds=config.tuning.folds, metric=metric)
        comparable = _comparable(config, trainer, rows)
        tuned: Tuned = searching.search(config, dimensions, rows, comparable)
        best = applied(config, tuned.parameters)
        prints = [trainer.row_prints(rows.frame), seen_before]
        return replace(tuned, files=write_tuned(tuned, best, Path(folder), prints))


def _comparable(config: Config, trainer: Trainer, rows: FoldedRows) -> dict[str, Any]:
    """Return all that decides what values of the space are worth, but for libraries.

    What the featurizer makes of the rows stands for its code, which settings do not tell.
    """
    known = rows.frame[trainer.schema.names(known_before=True)]
    features = trainer.fit_pipeline(rows.frame, rows.codes, until="featurizer").transform(known)
    untold = applied(config, dict.fromkeys(config.tuning.space))
    return {
        "space": config.tuning.space,
        "metric": rows.metric,
        "folds": len(rows.splits),
        "seed": config.seed,
        "split": asdict(config.split),
        "task": config.task,
        "model": {**asdict(untold.model), "tuning_rows": None},
        "features": untold.features,
        "rows": fingerprint(rows.frame),
        "answers": sha256(rows.codes.tobytes()).hexdigest(),
        "made": fingerprint(features),
    }
