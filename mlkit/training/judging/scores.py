"""Score a model on all rows and on slices of them, beside what is held against it."""

from collections.abc import Sequence

import numpy as np

from mlkit.training.judging.figures import Figures, exact_figures
from mlkit.training.judging.findings import Score, SliceScores
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.resampling import Resampler, intervals
from mlkit.training.judging.sample import Sample
from mlkit.training.judging.slices import Slice
from mlkit.training.model import TrainedModel


def scored(
    model: TrainedModel,
    sample: Sample,
    metrics: Sequence[str],
    slices: Sequence[Slice],
    *,
    resampler: Resampler,
    level: float,
) -> tuple[tuple[Score, ...], tuple[SliceScores, ...]]:
    """Return the scores of all rows, and each slice with its own.

    Parameters
    ----------
    model
        What is judged; the baselines are its own.
    sample
        The rows, and what it says of them.
    metrics, slices
        What to compute, and on which rows beside all.
    resampler
        Draws the rows, or their clusters.
    level
        Coverage of the intervals.
    """
    measures = [METRICS[model.target.task][name] for name in metrics]
    rows = [each.rows for each in slices]

    guesses = model.naive_scores(len(sample.codes)), model.simple_scores(sample.frame)
    naive, simple = (
        exact_figures(measures, sample.codes, scores, rows, model.threshold) for scores in guesses
    )
    own = Figures(measures, sample.codes, sample.scores, rows, model.threshold)
    n_units = [resampler.n_units, *(resampler.counts(part)[1] for part in rows)]
    each = [n for n in n_units for _ in metrics]
    bounds = intervals(resampler.draws(own), level, each)
    low, high = bounds.reshape(2, *naive.shape)
    found = np.stack([own.values, low, high, naive, simple])
    whole, *others = (
        tuple(
            Score(metric=name, value=value, low=low, high=high, baseline=guess, simple=plain)
            for name, value, low, high, guess, plain in zip(
                metrics, *found[:, place].tolist(), strict=True
            )
        )
        for place in range(1 + len(slices))
    )
    judged = tuple(
        SliceScores(name=each.name, column=each.column, n_rows=len(each.rows), scores=scores)
        for each, scores in zip(slices, others, strict=True)
    )
    return whole, judged
