"""Say whether more rows would help: the metric after training on growing parts of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from mlkit.core.errors import DataError
from mlkit.core.log import get_logger, stage
from mlkit.core.table import Table
from mlkit.training.judging.findings import figure
from mlkit.training.judging.resampling import intervals
from mlkit.training.judging.tables import between
from mlkit.training.splitting import grouped, shared_key
from mlkit.training.studies.refitting import (
    LEAST_ROWS,
    clusters_of,
    holds_all,
    measure_of,
    refit,
    spread,
)
from mlkit.training.trainer import Prepared, Trainer

log = get_logger(__name__)

#: The training rows, halves of them, and so on: so many times.
HALVINGS = 4
#: Parts of each size that are fitted on at most, none of which shares rows with another.
MOST_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A point of the learning curve.

    Attributes
    ----------
    n_rows, n_models
        How many models were fitted, each on as many rows.
    value, low, high
        Their mean metric, with its 95 % bootstrap interval on the held-out rows.
    """

    n_rows: int
    n_models: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """The metric on the holdout, for numbers of training rows that double.

    Attributes
    ----------
    gain
        How much better the metric got when the training rows doubled for the last
        time, from halves of them to all, in the metric's units.
    low, high
        Its 95 % interval, of Student's t. Its error is of the held-out rows (paired
        bootstrap: all models are judged on the same draws) and of the training rows:
        models on as many rows, none of which they share, tell how far these differ,
        with a variance taken to fall as 1 / rows.
    """

    metric: str
    n_holdout: int
    steps: tuple[Step, ...]
    gain: float
    low: float
    high: float

    def helps(self) -> bool:
        """Return whether the last doubling gained more than noise: its interval is above 0.

        Curves flatten, so that the next doubling seldom gains more than the last.
        """
        return self.low > 0

    def summary(self) -> str:
        """Return a table, what the last doubling gained, and what that means."""
        table = Table(
            head=("training rows", "models", f"mean {self.metric}", "95% interval"),
            rows=tuple(
                (
                    f"{step.n_rows:,}",
                    str(step.n_models),
                    figure(step.value),
                    between(step.low, step.high),
                )
                for step in self.steps
            ),
            n_texts=0,
        )
        before, last = self.steps[-2:]
        verdict = (
            "more rows help, and twice as many again would gain at most about as much."
            if self.helps()
            else "that may be noise, so it is not shown that more such rows would help."
        )
        return (
            f"{table.plain()}\n\nAll judged on the same {self.n_holdout:,} held-out rows. From "
            f"{before.n_rows:,} training rows to {last.n_rows:,}, {self.metric} got better by "
            f"{figure(self.gain)} ({between(self.low, self.high)}): {verdict}"
        )


def learning_curve(
    trainer: Trainer, frame: pd.DataFrame, *, metric: str | None = None
) -> LearningCurve:
    """Fit on a sixteenth of the training rows up to all, and judge on the same holdout.

    The training rows are shuffled once (whole groups, where groups are held out) and
    cut into parts of each size; up to three of these are fitted on, so that luck
    with the rows shows.

    Parameters
    ----------
    trainer
        Its parts and its split are used.
    frame
        Raw rows of its schema, with their targets.
    metric
        By default the first of the task's. One that needs a threshold takes 0.5.

    Raises
    ------
    DataError
        If not even halves of the training rows hold all classes and 50 rows; see
        also `Trainer.fit`.
    """
    prepared = trainer.prepare(frame)
    codes, split = prepared.codes, prepared.split
    name, measure = measure_of(trainer.target.task, metric)
    clusters = clusters_of(trainer, prepared.frame, split.kind)
    sizes = _parts(_shuffled(trainer, prepared), codes)
    steps, drawn, noises = [], [], []
    n_fits, number = sum(map(len, sizes)), 0
    for parts in sizes:
        figures = []
        for rows in parts:
            number += 1
            with stage(log, "study_step", step=number, of=n_fits, n_rows=len(rows)):
                figures += refit(
                    trainer,
                    prepared.frame,
                    codes,
                    np.sort(rows),
                    [split.holdout],
                    measure,
                    clusters,
                )
        values = np.array([figure.value for figure in figures])
        draws = np.mean([figure.draws() for figure in figures], axis=0)
        low, high = intervals(draws[:, None], 0.95, [figures[0].resampler.n_units])[:, 0].tolist()
        n_rows = len(parts[0])
        steps.append(
            Step(n_rows=n_rows, n_models=len(parts), value=values.mean(), low=low, high=high)
        )
        drawn.append(draws)
        noises.append((n_rows * ((values - values.mean()) ** 2).sum(), len(parts) - 1))
    gain = float(measure.gain(steps[-1].value, steps[-2].value))
    squares, freedom = np.sum(noises, axis=0)
    # Of the model on all rows, and as much of the mean of those on both halves.
    luck = 2 * squares / freedom / steps[-1].n_rows
    reach = student.ppf(0.975, freedom) * np.hypot(spread(drawn[-1] - drawn[-2]), np.sqrt(luck))
    return LearningCurve(
        metric=name,
        n_holdout=len(split.holdout),
        steps=tuple(steps),
        gain=gain,
        low=float(gain - reach),
        high=float(gain + reach),
    )


def _shuffled(trainer: Trainer, prepared: Prepared) -> np.ndarray:
    """Return the training rows in a random order, groups as a whole where they are held out."""
    rng = np.random.default_rng(trainer.seed)
    train: np.ndarray = prepared.split.train
    key = shared_key(prepared.frame, trainer.schema) if prepared.split.kind == "group" else None
    if key is None:
        return rng.permutation(train)
    groups = grouped(prepared.frame[key])
    place = rng.permutation(groups.max() + 1)[groups[train]]
    return train[np.argsort(place, kind="stable")]


def _parts(rows: np.ndarray, codes: np.ndarray) -> list[list[np.ndarray]]:
    """Return parts of the rows of each size, the smallest first, all rows last."""
    sizes = []
    for n_parts in (2**halving for halving in reversed(range(HALVINGS + 1))):
        size = len(rows) // n_parts
        parts = [rows[n * size : (n + 1) * size] for n in range(min(n_parts, MOST_PARTS))]
        if size >= LEAST_ROWS and all(holds_all(codes, part) for part in parts):
            sizes.append(parts)
    if len(sizes) < 2:
        raise DataError(
            f"{len(rows):,} training rows are too few for a learning curve: halves of them have "
            f"less than {LEAST_ROWS} rows, or lack a class. Bring more rows."
        )
    return sizes
