"""How good settings are: a metric over folds of the training side, all refitted in each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs

from mlkit.core.errors import ConfigError, DataError, listed, nearest
from mlkit.training.folding import folds
from mlkit.training.judging.metrics import METRICS
from mlkit.training.splitting import Split
from mlkit.training.trainer import Trainer


def chosen_metric(task: str, name: str | None) -> str:
    """Return the metric to go by: the task's first unless one is named.

    Raises
    ------
    ConfigError
        If it is no metric of the task.
    """
    valid = METRICS[task]
    if name is not None and name not in valid:
        raise ConfigError(
            f"tuning.metric is {name}, which does not fit a {task} target. "
            f"{nearest(name, valid)} It takes {listed(valid, most=12)}."
        )
    return name or next(iter(valid))


@dataclass(frozen=True, kw_only=True)
class FoldedRows:
    """The rows that settings are judged on, in folds; none of the holdout is among them.

    Attributes
    ----------
    frame, codes
        The training side of the split, validated, and its answers.
    splits
        Positions in `frame`, as `folds` cuts them.
    metric
        What each fold is judged by.
    """

    frame: pd.DataFrame
    codes: np.ndarray
    splits: list[Split]
    metric: str

    @classmethod
    def of(cls, trainer: Trainer, frame: pd.DataFrame, *, n_folds: int, metric: str) -> Self:
        """Take the training side of raw rows, and cut it into folds.

        Raises
        ------
        DataError
            If the rows break the schema, or are too few for as many folds.
        """
        prepared = trainer.prepare(frame)
        rows, codes = prepared.training()
        splits = folds(trainer.splitter, rows, trainer.schema, codes, n_folds)
        measure = METRICS[trainer.target.task][metric]
        for split in splits:
            answers = codes[split.holdout]
            guess = np.full(len(answers), 0.5)
            if trainer.target.task == "multiclass":
                guess = np.full((len(answers), len(prepared.classes)), 1 / len(prepared.classes))
            if not np.isfinite(measure.of(answers, guess)):
                raise DataError(
                    f"{metric} is undefined on the {len(answers):,} rows of {split.description}: "
                    "their answers are all alike. Set fewer tuning.folds, or another "
                    "tuning.metric."
                )
        return cls(frame=rows, codes=codes, splits=splits, metric=metric)

    def values(self, trainer: Trainer, parallel: Parallel) -> Iterator[float]:
        """Yield the metric of each fold, fitted on its own training rows.

        As many folds are fitted side by side as `parallel` has workers; whoever stops
        early saves the rest.
        """
        width = effective_n_jobs(parallel.n_jobs)
        for start in range(0, len(self.splits), width):
            yield from parallel(
                delayed(_judged)(trainer, self.frame, self.codes, split, self.metric)
                for split in self.splits[start : start + width]
            )


def _judged(
    trainer: Trainer, frame: pd.DataFrame, codes: np.ndarray, split: Split, metric: str
) -> float:
    scores = trainer.fold_scores(frame, codes, split)
    value = METRICS[trainer.target.task][metric].of(codes[split.holdout], scores)
    if not np.isfinite(value):
        raise DataError(f"{metric} is {value} on {split.description}.")
    return value
