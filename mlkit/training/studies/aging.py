"""Say how fast a model gets old: the metric by the months since it was trained."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from mlkit.core.errors import ConfigError, DataError
from mlkit.core.log import get_logger, stage
from mlkit.core.table import Table
from mlkit.training.judging.findings import figure
from mlkit.training.judging.tables import between
from mlkit.training.splitting import event_times
from mlkit.training.studies.refitting import LEAST_ROWS, holds_all, measure_of, refit
from mlkit.training.trainer import Trainer

log = get_logger(__name__)

#: Months that a model is trained on.
WINDOW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """How a model of one cut does on one later month: `age` 1 is the month that follows."""

    cut: str
    age: int
    n_rows: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """How a metric changes with a model's age.

    Attributes
    ----------
    cells
        Each model on each later month.
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
    more_is_better: bool
    window: int
    cells: tuple[Aged, ...]
    slope: float
    low: float
    high: float

    def losses(self) -> dict[int, float]:
        """Return by age what a model loses against one of age 1 on the same months, on average."""
        sign = 1 if self.more_is_better else -1
        fresh = {cell.cut: cell.value for cell in self.cells if cell.age == 1}
        found: dict[int, list[float]] = {}
        for cell in self.cells:
            month = _named(_numbered(cell.cut) + cell.age - 1)
            if month in fresh:
                found.setdefault(cell.age, []).append(sign * (fresh[month] - cell.value))
        return {age: float(np.nanmean(losses)) for age, losses in found.items()}

    def summary(self) -> str:
        """Return a table by age, and the slope in one sentence."""
        losses = self.losses()
        rows = []
        for age in sorted({cell.age for cell in self.cells}):
            cells = [cell for cell in self.cells if cell.age == age]
            rows.append(
                (
                    str(age),
                    str(len(cells)),
                    f"{sum(cell.n_rows for cell in cells):,}",
                    figure(float(np.nanmean([cell.value for cell in cells]))),
                    figure(losses.get(age, float("nan"))),
                )
            )
        table = Table(
            head=(
                "age in months",
                "models",
                "rows judged",
                f"mean {self.metric}",
                "worse than age 1 on the same months by",
            ),
            rows=tuple(rows),
            n_texts=0,
        )
        verdict = "it gets old" if self.low > 0 else "no clear sign that it gets old"
        return (
            f"{table.plain()}\n\nEach model was trained on {self.window} months. A month of age "
            f"makes {self.metric} worse by {figure(self.slope)} ({between(self.low, self.high)}), "
            f"among models judged on the same months: {verdict}."
        )


def staleness(
    trainer: Trainer, frame: pd.DataFrame, *, window: int = WINDOW, metric: str | None = None
) -> Staleness:
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
    metric
        By default the first of the task's. One that needs a threshold takes 0.5.

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
    month = (times.dt.year * 12 + times.dt.month - 1).to_numpy()
    rows_of = {
        int(m): rows
        for m in np.unique(month)
        if len(rows := np.flatnonzero(month == m)) >= LEAST_ROWS
    }
    spans = {
        cut: np.sort(np.concatenate([rows_of[m] for m in range(cut - window, cut)]))
        for cut in rows_of
        if all(m in rows_of for m in range(cut - window, cut))
    }
    spans = {cut: rows for cut, rows in spans.items() if holds_all(codes, rows)}
    if len(spans) < 2:
        raise DataError(
            f"{len(rows_of)} months with {LEAST_ROWS} rows or more are too few to train on "
            f"{window} and see how a model gets old: bring at least {window + 2} months on end, "
            "with all classes."
        )
    name, measure = measure_of(trainer.target.task, metric)
    cells = []
    for number, (cut, rows) in enumerate(spans.items(), start=1):
        later = [m for m in rows_of if m >= cut]
        with stage(log, "study_step", step=number, of=len(spans), n_rows=len(rows)):
            figures = refit(trainer, frame, codes, rows, [rows_of[m] for m in later], measure)
        cells += [
            Aged(cut=_named(cut), age=m - cut + 1, n_rows=len(rows_of[m]), value=figure.value)
            for m, figure in zip(later, figures, strict=True)
        ]
    slope, low, high = _trend(cells, -measure.sign)
    return Staleness(
        metric=name,
        more_is_better=measure.more_is_better,
        window=window,
        cells=tuple(cells),
        slope=slope,
        low=low,
        high=high,
    )


def _named(month: int) -> str:
    return f"{month // 12}-{month % 12 + 1:02}"


def _numbered(month: str) -> int:
    year, number = month.split("-")
    return int(year) * 12 + int(number) - 1


def _trend(cells: Sequence[Aged], sign: int) -> tuple[float, float, float]:
    """Return the loss per month of age, and its interval."""
    defined = [cell for cell in cells if not np.isnan(cell.value)]
    losses = np.array([sign * cell.value for cell in defined])
    ages = np.array([cell.age for cell in defined], dtype="float64")
    models = np.array([_numbered(cell.cut) for cell in defined])
    months = models + ages.astype("int64") - 1
    slope = _slope(losses, ages, months)
    error = np.hypot(
        _jackknife(losses, ages, months, models), _jackknife(losses, ages, months, months)
    )
    reach = float(student.ppf(0.975, len(np.unique(models)) - 1) * error)
    return slope, slope - reach, slope + reach


def _slope(losses: np.ndarray, ages: np.ndarray, months: np.ndarray) -> float:
    """Return the least-squares slope on age within judged months; NaN where no ages differ."""
    groups = np.unique(months, return_inverse=True)[1]
    counts = np.bincount(groups)
    age = ages - (np.bincount(groups, ages) / counts)[groups]
    loss = losses - (np.bincount(groups, losses) / counts)[groups]
    squares = float(age @ age)
    return float(age @ loss) / squares if squares > 0 else float("nan")


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
