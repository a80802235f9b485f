"""Hold a model against the champion: the same rows, the same draws, the difference of each."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from mlkit.core.decision import THRESHOLD
from mlkit.core.errors import ConfigError, listed
from mlkit.training.judging.figures import Figures
from mlkit.training.judging.findings import Comparison, Difference
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.resampling import Resampler
from mlkit.training.judging.sample import Sample
from mlkit.training.judging.slices import Slice
from mlkit.training.model import TrainedModel


def check_comparable(model: TrainedModel, champion: TrainedModel) -> None:
    """Raise a ConfigError unless both predict the same thing in the same words."""
    if champion.target != model.target:
        raise ConfigError(
            f"The champion predicts another target ({champion.target}) than the model "
            f"({model.target}): their metrics cannot be compared. Name a champion of this target."
        )
    if champion.classes != model.classes:
        raise ConfigError(
            f"The champion knows the classes {listed(champion.classes)}, the model "
            f"{listed(model.classes)}: their metrics cannot be compared. Train both on rows of "
            "all classes."
        )


def compare(
    sample: Sample,
    champion: np.ndarray,
    *,
    name: str,
    task: str,
    metrics: Sequence[str],
    slices: Sequence[Slice],
    resampler: Resampler,
    level: float,
    thresholds: tuple[float, float] = (THRESHOLD, THRESHOLD),
) -> Comparison:
    """Return how much better the model is than the champion, on all rows and on each slice.

    Both are weighted by the same draws, so that what makes a row hard for both
    cancels out. The bounds are the gain and Student's t times the spread of the
    drawn gains: a percentile interval of few rows or few days is too narrow
    (Hesterberg, "What Teachers Should Know About the Bootstrap", The American
    Statistician 69, 2015).

    Parameters
    ----------
    sample
        The rows, and what the model says of them.
    champion
        What the champion says of the same rows.
    name
        The champion's.
    task
        What the metrics are of.
    metrics, slices
        What to compare, and on which rows beside all.
    resampler
        Draws the rows, or their clusters.
    level
        Coverage of the intervals.
    thresholds
        From which probability on the model, and the champion, choose the positive class.
    """
    measures = [METRICS[task][metric] for metric in metrics]
    own_rows = [part.rows for part in slices]
    ours, theirs = (
        Figures(measures, sample.codes, scores, own_rows, threshold)
        for scores, threshold in zip((sample.scores, champion), thresholds, strict=True)
    )
    signs = np.tile([measure.sign for measure in measures], 1 + len(slices))
    drawn = resampler.draws(lambda weights: signs * (ours(weights) - theirs(weights)))
    values, others = ours.values.ravel(), theirs.values.ravel()
    found = []
    for place, (value, other) in enumerate(zip(values, others, strict=True)):
        part, metric = divmod(place, len(metrics))
        n_rows, n_units = resampler.counts(own_rows[part - 1] if part else slice(None))
        gain = signs[place] * (value - other)
        error, freedom = _spread(drawn[:, place] if len(drawn) else np.empty(0), n_units)
        reach = error * stats.t.isf((1 - level) / 2, freedom) if freedom else np.nan
        found.append(
            Difference(
                metric=metrics[metric],
                slice=slices[part - 1].name if part else "",
                n_rows=n_rows,
                value=float(value),
                champion=float(other),
                gain=float(gain),
                low=float(gain - reach),
                high=float(gain + reach),
                error=error,
                freedom=freedom,
            )
        )
    return Comparison(champion=name, differences=tuple(found))


def _spread(gains: np.ndarray, n_units: int) -> tuple[float, int]:
    """Return the standard error of a gain, and its degrees of freedom; NaN and 0 if unknown.

    A draw varies as n - 1 of n units do. Freedom is that of the units, or of the
    draws where they are fewer: they estimate the spread, too.
    """
    defined = gains[~np.isnan(gains)]
    freedom = min(n_units, len(defined)) - 1
    if freedom < 1:
        return np.nan, 0
    return float(defined.std(ddof=1) * np.sqrt(n_units / (n_units - 1))), freedom


def lower_bounds(differences: Sequence[Difference], margin: float, level: float) -> list[float]:
    """Return lower bounds of gains, to be held against the same margin.

    Of one difference it is the lower end of its interval, as trials of
    non-inferiority are judged (ICH E9, "Statistical Principles for Clinical
    Trials", 1998, section 5.5): what is worse by the margin passes in half of
    `1 - level` of the cases. The other half is what t and the bootstrap may be
    off by when rows are few. With several, by the steps of Holm ("A Simple
    Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 6, 1979), the same holds for any one of them passing.

    Parameters
    ----------
    differences
        Of one metric, on all rows or on several slices.
    margin
        How much worse a model may be.
    level
        Coverage of the intervals, such as 0.95.
    """
    chances = [_chance(difference, margin) for difference in differences]
    bounds = [np.nan] * len(differences)
    n_left = len(differences)
    for place in np.argsort(chances, kind="stable"):
        difference = differences[place]
        if difference.freedom:
            reach = stats.t.isf((1 - level) / 2 / n_left, difference.freedom) * difference.error
            bounds[place] = float(difference.gain - reach)
        if not bounds[place] >= -margin:
            # Holm stops here: all that are left are held to the level of this one.
            continue
        n_left -= 1
    return bounds


def _chance(difference: Difference, margin: float) -> float:
    """Return how likely so large a gain would be, were the model worse by the margin."""
    if not difference.freedom:
        return 1.0
    if difference.error == 0:
        return float(difference.gain < -margin)
    return float(stats.t.sf((difference.gain + margin) / difference.error, difference.freedom))
