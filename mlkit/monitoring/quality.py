"""Say what a model's answers were worth in a window, and what they seem to be worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from mlkit.monitoring.estimation import Estimator, Lessons
from mlkit.monitoring.findings import Quality
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.figures import Figures
from mlkit.training.judging.findings import Score
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.resampling import Resampler, intervals

#: Draws of the bootstrap.
N_RESAMPLES = 200
LEVEL = 0.95
#: Answers from which on a bootstrap interval is taken for one.
LEAST_ANSWERS = 30
#: Days from which on whole days are drawn: rows of one day are alike.
LEAST_DAYS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a model was found to be worth when it was packed.

    Attributes
    ----------
    metrics
        The metrics that are watched.
    slices
        Names such as `origin=JFK`, by column.
    marks
        What each was, by slice (empty: all rows) and metric, and its standard error: 0 where
        no interval was drawn.
    """

    metrics: tuple[str, ...]
    slices: Mapping[str, tuple[str, ...]]
    marks: Mapping[tuple[str, str], tuple[float, float]]

    @classmethod
    def of(cls, evaluation: Evaluation, metrics: Sequence[str]) -> "Expected":
        """Return what an evaluation says of the metrics."""
        slices: dict[str, list[str]] = {}

        def marked(score: Score) -> tuple[float, float]:
            return score.value, float(np.nan_to_num(_error(score.high - score.low, level)))

        level = evaluation.level
        marks = {("", score.metric): marked(score) for score in evaluation.scores}
        for each in evaluation.slices:
            # Quantiles of numbers and months would be others in a window.
            if each.name.startswith(f"{each.column}=") and not each.name.endswith(("]", ")")):
                slices.setdefault(each.column, []).append(each.name)
                marks |= {(each.name, score.metric): marked(score) for score in each.scores}
        return cls(
            metrics=tuple(metrics),
            slices={column: tuple(names) for column, names in slices.items()},
            marks=marks,
        )

    def parts(self, columns: Mapping[str, pd.Series]) -> dict[str, np.ndarray]:
        """Return the positions of each slice's rows."""
        found = {}
        for column, names in self.slices.items():
            codes, kinds = pd.factorize(columns[column])
            labels = [f"{column}={kind}" for kind in kinds.tolist()]
            for name in names:
                own = [code for code, label in enumerate(labels) if label == name]
                found[name] = np.flatnonzero(np.isin(codes, own))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A window's rows, as they are judged.

    Attributes
    ----------
    scores, codes
        See `Observed`.
    kept
        Positions of the rows that estimates are made of, ascending.
    features
        Columns of these as numbers (n_kept, n_columns); see `matrix`.
    days
        The day of each (n_rows,); None without times.
    parts
        Positions of each slice's rows, by its name.
    ms
        How long requests took; see `Observed`.
    """

    scores: np.ndarray
    codes: np.ndarray
    kept: np.ndarray
    features: np.ndarray
    days: np.ndarray | None
    parts: Mapping[str, np.ndarray]
    ms: np.ndarray

    def is_scored(self) -> np.ndarray:
        """Return which rows (n_rows,) have a score."""
        is_scored: np.ndarray = ~np.isnan(self.scores.reshape(len(self.scores), -1)).any(axis=1)
        return is_scored

    def lessons(self) -> Lessons:
        """Return those of the kept rows whose answers are known."""
        is_known = self.is_scored() & ~np.isnan(self.codes)
        scores, codes = self.scores[self.kept], self.codes[self.kept]
        return Lessons(scores=scores, codes=codes, features=self.features)[is_known[self.kept]]


def judge(
    task: str, threshold: float, expected: Expected, estimator: Estimator | None, rows: Rows
) -> tuple[Quality, ...]:
    """Return each metric of all rows, and the first one of each slice.

    Parameters
    ----------
    task, threshold
        The model's.
    expected
        What is watched, and what it was.
    estimator
        None: nothing is estimated.
    rows
        The window's.
    """
    is_scored = rows.is_scored()
    is_known = is_scored & ~np.isnan(rows.codes)
    parts = {"": np.arange(len(rows.scores)), **rows.parts}
    figures = _measured(task, threshold, expected.metrics, rows, is_known, parts)
    estimates = np.full((len(parts), len(expected.metrics)), np.nan)
    if estimator is not None and estimator.n_rows and is_scored[rows.kept].any():
        is_used = np.zeros_like(is_scored)
        is_used[rows.kept] = is_scored[rows.kept]
        places = np.cumsum(is_used) - 1
        estimates = estimator.figures(
            expected.metrics,
            rows.scores[is_used],
            rows.features[is_scored[rows.kept]],
            threshold,
            [places[part[is_used[part]]] for part in parts.values()],
        )
    found = []
    for n, (name, part) in enumerate(parts.items()):
        for m, metric in enumerate(expected.metrics[:1] if name else expected.metrics):
            value, low, high = map(float, figures[:, n, m])
            n_labelled = int(is_known[part].sum())
            mark, error = expected.marks.get((name, metric), (np.nan, np.nan))
            loss = METRICS[task][metric].sign * (mark - value)
            found.append(
                Quality(
                    metric=metric,
                    slice=name,
                    value=value,
                    low=low,
                    high=high,
                    estimate=float(estimates[n, m]),
                    expected=mark,
                    p_value=_p_value(loss, float(np.hypot(error, _error(high - low, LEVEL))))
                    if n_labelled >= LEAST_ANSWERS
                    else np.nan,
                    n_rows=len(part),
                    n_labelled=n_labelled,
                )
            )
    return tuple(found)


def _error(width: float, level: float) -> float:
    """Return the standard error of a figure with an interval, taken for a normal one."""
    return width / 2 / float(stats.norm.isf((1 - level) / 2))


def _p_value(loss: float, error: float) -> float:
    """Return how likely a loss as large would come by chance; NaN where that is not known."""
    if error == 0:
        # In every draw it is what it is.
        return float(loss <= 0) if not np.isnan(loss) else float("nan")
    return float(stats.norm.sf(loss / error))


def _measured(
    task: str,
    threshold: float,
    metrics: Sequence[str],
    rows: Rows,
    is_known: np.ndarray,
    parts: Mapping[str, np.ndarray],
) -> np.ndarray:
    """Return value, low and high (3, n_parts, n_metrics) of the rows whose answers are known."""
    shape = (3, len(parts), len(metrics))
    if not is_known.any():
        return np.full(shape, np.nan)
    codes = rows.codes[is_known]
    codes = codes if task == "regression" else codes.astype("int64")
    places = np.cumsum(is_known) - 1
    own = [places[part[is_known[part]]] for name, part in parts.items() if name]
    measures = [METRICS[task][name] for name in metrics]
    figures = Figures(measures, codes, rows.scores[is_known], own, threshold)
    days = None if rows.days is None else np.unique(rows.days[is_known], return_inverse=True)[1]
    clusters = days if days is not None and days.max() >= LEAST_DAYS - 1 else None
    resampler = Resampler(len(codes), n_resamples=N_RESAMPLES, seed=0, clusters=clusters)
    n_units = [resampler.n_units, *(resampler.counts(part)[1] for part in own)]
    each = [n for n in n_units for _ in metrics]
    bounds = intervals(resampler.draws(figures), LEVEL, each)
    found = np.empty(shape)
    found[0], found[1:] = figures.values, bounds.reshape(2, *shape[1:])  # noqa: PD011
    return found
