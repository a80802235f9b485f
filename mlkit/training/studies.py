"""Studies on demand: whether more rows would help, and how fast a model gets old."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from mlkit.core.errors import ConfigError, DataError
from mlkit.core.log import get_logger, stage
from mlkit.training.refitting import Figure, holds_all, measure_of, refit
from mlkit.training.splitting import event_times
from mlkit.training.trainer import Trainer

log = get_logger(__name__)

#: Shares of the training rows that a learning curve fits on.
SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
#: Months that a model of the staleness study is trained on.
WINDOW = 3
#: Rows without which a month is not judged.
LEAST_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A point of the learning curve: the metric after training on so many rows."""

    n_rows: int
    figure: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """The metric on the holdout, for growing numbers of training rows."""

    metric: str
    more_is_better: bool
    n_holdout: int
    steps: tuple[Step, ...]

    def helps(self) -> bool:
        """Return whether the last step's gain passes half of its own interval's width."""
        before, last = self.steps[-2].figure, self.steps[-1].figure
        gain = (last.value - before.value) * (1 if self.more_is_better else -1)
        # On the same held-out rows, errors of both move together: half of the width is much.
        return gain > (last.high - last.low) / 4

    def summary(self) -> str:
        """Return a Markdown table, and whether more rows would still help."""
        lines = [f"| training rows | {self.metric} | 95% interval |", "|--:|--:|---|"]
        lines += [
            f"| {step.n_rows:,} | {step.figure.value:.4f} "
            f"| {step.figure.low:.4f} to {step.figure.high:.4f} |"
            for step in self.steps
        ]
        verdict = (
            "The last step still gained: more rows would help."
            if self.helps()
            else "The last step gained no more than noise: more rows alone would hardly help."
        )
        return "\n".join([*lines, "", f"Judged on {self.n_holdout:,} held-out rows. {verdict}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """How a model of one cut does on one later month: `age` 1 is the month that follows."""

    cut: str
    age: int
    n_rows: int
    figure: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """How a metric changes with a model's age.

    Attributes
    ----------
    slope
        Loss per month of age, in the metric's units, above 0 the model gets
        worse; each calendar month's own difficulty is taken off.
    low, high
        Its 95 % interval. The models share rows, and so do the months: the standard
        errors from leaving out each model, and each month, add up (the conservative
        side of Cameron, Gelbach and Miller, "Robust Inference with Multiway
        Clustering", 2011), times Student's t.
    """

    metric: str
    window: int
    cells: tuple[Aged, ...]
    slope: float
    low: float
    high: float

    def summary(self) -> str:
        """Return a Markdown table by age, and the slope in one sentence."""
        lines = [f"| age in months | models | rows | mean {self.metric} |", "|--:|--:|--:|--:|"]
        for age in sorted({cell.age for cell in self.cells}):
            cells = [cell for cell in self.cells if cell.age == age]
            mean = np.mean([cell.figure.value for cell in cells])
            rows = sum(cell.n_rows for cell in cells)
            lines.append(f"| {age} | {len(cells)} | {rows:,} | {mean:.4f} |")
        is_clear = self.low > 0
        verdict = "it gets old" if is_clear else "no clear sign that it gets old"
        return "\n".join(
            [
                *lines,
                "",
                f"Trained on {self.window} months, {self.metric} gets worse by {self.slope:.4f} "
                f"a month of age ({self.low:.4f} to {self.high:.4f}), among models judged on the "
                f"same months: {verdict}.",
            ]
        )


def learning_curve(
    trainer: Trainer, frame: pd.DataFrame, *, shares: Sequence[float] = SHARES
) -> LearningCurve:
    """Fit on growing shares of the training rows, and judge each time on the same holdout.

    A share is drawn at random once, and the next holds it, so that steps compare.

    Parameters
    ----------
    trainer
        Its parts and its split are used.
    frame
        Raw rows of its schema, with their targets.
    shares
        Ascending, of the training rows; those that lack a class are left out.

    Raises
    ------
    DataError
        If fewer than two shares hold all classes; see also `Trainer.fit`.
    """
    prepared = trainer.prepare(frame)
    codes, split = prepared.codes, prepared.split
    name, measure = measure_of(trainer.target.task, None)
    order = np.random.default_rng(trainer.seed).permutation(split.train)
    drawn = [np.sort(order[: max(int(len(order) * share), 1)]) for share in shares]
    drawn = [rows for rows in drawn if len(rows) >= LEAST_ROWS and holds_all(codes, rows)]
    if len(drawn) < 2:
        raise DataError(
            f"{len(order):,} training rows are too few for a learning curve: fewer than two "
            "shares of them have all classes. Bring more rows."
        )
    steps = []
    for number, rows in enumerate(drawn, start=1):
        with stage(log, "study_step", step=number, of=len(drawn), n_rows=len(rows)):
            (figure,) = refit(trainer, prepared.frame, codes, rows, [split.holdout], measure)
        steps.append(Step(n_rows=len(rows), figure=figure))
    return LearningCurve(
        metric=name,
        more_is_better=measure.more_is_better,
        n_holdout=len(split.holdout),
        steps=tuple(steps),
    )


def staleness(trainer: Trainer, frame: pd.DataFrame, *, window: int = WINDOW) -> Staleness:
    """Train on each `window` of months, and judge on every later month.

    All models train on as many months, so that only their age differs. Months
    differ in how hard they are: the slope is that of a least-squares fit of the
    metric on age with a level for each judged month (fixed effects), so that
    models of several ages are compared on the same rows.

    Parameters
    ----------
    trainer
        Its parts are used, its split is not.
    frame
        Raw rows of its schema, with their targets.
    window
        Months to train on.

    Raises
    ------
    ConfigError
        If the schema has no event time, or the window is below 1.
    DataError
        If there are too few months for two ages; see also `Trainer.fit`.
    """
    if trainer.schema.event_time() is None:
        raise ConfigError(
            f"{trainer.schema.__name__} has no event time, so a model has no age. Give the "
            'column that says when a row was known role="event_time".'
        )
    if window < 1:
        raise ConfigError(f"The window must have at least 1 month, got {window}.")
    prepared = trainer.prepare(frame)
    frame, codes = prepared.frame, prepared.codes
    times = event_times(frame, trainer.schema)
    month = (times.dt.year * 12 + times.dt.month).to_numpy()
    name, measure = measure_of(trainer.target.task, None)
    cuts = [
        int(cut)
        for cut in range(month.min() + window, month.max() + 1)
        if holds_all(codes, np.flatnonzero((month >= cut - window) & (month < cut)))
    ]
    if len(cuts) < 2:
        raise DataError(
            f"{len(np.unique(month))} months are too few to train on {window} and see how a model "
            f"gets old: bring at least {window + 2} months of rows."
        )
    cells, judged_months = [], []
    for number, cut in enumerate(cuts, start=1):
        train = np.flatnonzero((month >= cut - window) & (month < cut))
        later = [m for m in range(cut, month.max() + 1) if (month == m).sum() >= LEAST_ROWS]
        judged = [np.flatnonzero(month == m) for m in later]
        with stage(log, "study_step", step=number, of=len(cuts), n_rows=len(train)):
            figures = refit(trainer, frame, codes, train, judged, measure)
        judged_months += later
        cells += [
            Aged(
                cut=f"{(cut - 1) // 12}-{(cut - 1) % 12 + 1:02}",
                age=m - cut + 1,
                n_rows=len(rows),
                figure=figure,
            )
            for m, rows, figure in zip(later, judged, figures, strict=True)
        ]
    values = np.array([cell.figure.value for cell in cells])
    ages = np.array([cell.age for cell in cells], dtype="float64")
    models = np.unique([cell.cut for cell in cells], return_inverse=True)[1]
    months = np.array(judged_months)
    losses = -values if measure.more_is_better else values
    is_defined = ~np.isnan(losses)
    losses, ages, models, months = (x[is_defined] for x in (losses, ages, models, months))
    slope = _slope(losses, ages, months)
    error = np.hypot(
        _jackknife(losses, ages, months, models), _jackknife(losses, ages, months, months)
    )
    reach = float(student.ppf(0.975, len(np.unique(models)) - 1) * error)
    return Staleness(
        metric=name,
        window=window,
        cells=tuple(cells),
        slope=slope,
        low=slope - reach,
        high=slope + reach,
    )


def _slope(losses: np.ndarray, ages: np.ndarray, months: np.ndarray) -> float:
    """Return the least-squares slope on age within judged months; NaN where no ages differ."""
    groups = np.unique(months, return_inverse=True)[1]
    counts = np.bincount(groups)
    age = ages - (np.bincount(groups, ages) / counts)[groups]
    loss = losses - (np.bincount(groups, losses) / counts)[groups]
    spread = float(age @ age)
    return float(age @ loss) / spread if spread > 0 else float("nan")


def _jackknife(
    losses: np.ndarray, ages: np.ndarray, months: np.ndarray, parts: np.ndarray
) -> float:
    """Return the slope's standard error, from leaving out one of the parts at a time."""
    slopes = np.array(
        [
            _slope(losses[kept], ages[kept], months[kept])
            for kept in parts != np.unique(parts)[:, None]
        ]
    )
    slopes = slopes[~np.isnan(slopes)]
    if len(slopes) < 2:
        return float("nan")
    return float(np.sqrt((len(slopes) - 1) * np.var(slopes)))
