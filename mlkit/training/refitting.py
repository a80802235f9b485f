"""Fit the same pipeline on other rows, to see what the rows do to a metric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlkit.training.judging.metrics import METRICS, Measure
from mlkit.training.judging.resampling import Resampler, intervals
from mlkit.training.model import pipeline_scores
from mlkit.training.trainer import Trainer

#: Draws of the bootstrap behind each figure's interval.
N_RESAMPLES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A metric on some rows of one fit, with its interval and its standard error."""

    value: float
    low: float
    high: float
    error: float


def measure_of(task: str, metric: str | None) -> tuple[str, Measure]:
    """Return the metric that studies go by: the one named, else the first of the task."""
    name = metric or next(iter(METRICS[task]))
    return name, METRICS[task][name]


def refit(
    trainer: Trainer,
    frame: pd.DataFrame,
    codes: np.ndarray,
    train: np.ndarray,
    judged: Sequence[np.ndarray],
    measure: Measure,
    level: float = 0.95,
) -> list[Figure]:
    """Fit on some rows, and return the metric on each of the sets of others.

    Parameters
    ----------
    trainer
        Gives the parts of the pipeline, which are cloned.
    frame, codes
        Validated, labelled rows and their answers.
    train
        Positions of the rows to fit on; every class must be among them.
    judged
        Positions of each set of rows to judge on.
    measure
        The metric. Whole days of the event time are drawn where there is one.
    level
        The intervals' coverage.
    """
    pipeline = trainer.fit_pipeline(frame.iloc[train], codes[train])
    known = frame[trainer.schema.names(known_before=True)]
    found = []
    for rows in judged:
        scores = pipeline_scores(pipeline, known.iloc[rows], trainer.target.task)
        metric = measure.prepare(codes[rows], scores)
        resampler = Resampler(
            len(rows),
            n_resamples=N_RESAMPLES,
            seed=trainer.seed,
            clusters=days(trainer, frame.iloc[rows]),
        )
        drawn = resampler.draws(lambda weights, metric=metric: [metric(weights)])  # type: ignore[misc]
        low, high = intervals(drawn, level, [resampler.n_units])[:, 0].tolist()
        value = metric(np.ones(len(rows)))
        found.append(Figure(value=value, low=low, high=high, error=float(np.nanstd(drawn))))
    return found


def days(trainer: Trainer, frame: pd.DataFrame) -> np.ndarray | None:
    """Return the number (n_rows,) of each row's day, if there are several and rows share them."""
    name = trainer.schema.event_time()
    if name is None:
        return None
    found = frame[name].dt.floor("D")
    if not 1 < found.nunique() < len(found):
        return None
    numbers: np.ndarray = pd.factorize(found, use_na_sentinel=False)[0]
    return numbers


def evenly(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many of the rows, evenly spread."""
    chosen: np.ndarray = rows[np.unique(np.linspace(0, len(rows) - 1, most).astype("int64"))]
    return chosen


def holds_all(codes: np.ndarray, rows: np.ndarray) -> bool:
    """Return whether the rows hold every class that there is, or two numbers."""
    if codes.dtype.kind == "i":
        return len(np.unique(codes[rows])) == len(np.unique(codes))
    return len(np.unique(codes[rows])) > 1
