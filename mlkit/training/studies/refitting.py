"""Fit the same pipeline on other rows, to see what the rows do to a metric."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlkit.training.judging.metrics import METRICS, Measure
from mlkit.training.judging.resampling import Resampler
from mlkit.training.judging.sample import alike
from mlkit.training.model import pipeline_scores
from mlkit.training.splitting import grouped, shared_key
from mlkit.training.trainer import Trainer

#: Draws of the bootstrap behind each interval.
N_RESAMPLES = 200
#: Rows without which a study fits nothing, and judges nothing.
LEAST_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A metric of one fit on some rows.

    Attributes
    ----------
    metric
        Takes the weights (n_rows,) of the rows to the metric's value.
    resampler
        Draws the rows, or whole clusters of them: figures on the same rows are
        drawn alike, so that their draws are pairs.
    """

    metric: Callable[[np.ndarray], float]
    resampler: Resampler

    @property
    def value(self) -> float:
        """The metric of the rows."""
        return self.metric(np.ones(self.resampler.n_rows))

    def draws(self) -> np.ndarray:
        """Return the metric of each draw (n_resamples,)."""
        return self.resampler.draws(lambda weights: [self.metric(weights)])[:, 0]

    def error(self) -> float:
        """Return the metric's standard error; NaN where there is but one unit to draw."""
        return spread(self.draws()) if self.resampler.n_units > 1 else np.nan


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
    clusters: np.ndarray | None = None,
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
        The metric.
    clusters
        What `clusters_of` says of the frame.
    """
    pipeline = trainer.fit_pipeline(frame.iloc[train], codes[train])
    known = frame[trainer.schema.names(known_before=True)]
    found = []
    for rows in judged:
        scores = pipeline_scores(pipeline, known.iloc[rows], trainer.target.task)
        own = None if clusters is None else np.unique(clusters[rows], return_inverse=True)[1]
        resampler = Resampler(len(rows), n_resamples=N_RESAMPLES, seed=trainer.seed, clusters=own)
        found.append(Figure(metric=measure.prepare(codes[rows], scores), resampler=resampler))
    return found


def clusters_of(trainer: Trainer, frame: pd.DataFrame, kind: str) -> np.ndarray | None:
    """Return which rows (n_rows,) are drawn together, None where each is drawn alone.

    Where whole groups are held out, it is these that another holdout would have
    others of; else days of the event time, or groups, as in an evaluation.
    """
    key = shared_key(frame, trainer.schema) if kind == "group" else None
    return alike(frame, trainer.schema)[0] if key is None else grouped(frame[key])


def spread(draws: np.ndarray) -> float:
    """Return the standard deviation of draws, of which NaN are left out."""
    return float(np.nanstd(draws))


def holds_all(codes: np.ndarray, rows: np.ndarray) -> bool:
    """Return whether the rows hold every class that there is, or two numbers."""
    if codes.dtype.kind == "i":
        return len(np.unique(codes[rows])) == len(np.unique(codes))
    return len(np.unique(codes[rows])) > 1
