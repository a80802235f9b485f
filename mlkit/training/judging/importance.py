"""What each feature is worth to a model: how much worse it gets without its order.

After Breiman, "Random Forests", Machine Learning 45, 2001, section 10, for any
model: one feature's values are shuffled over the rows, which are scored again.
"""

import numpy as np
import pandas as pd

from mlkit.training.frames import spread_evenly
from mlkit.training.judging.findings import Contribution
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.resampling import Resampler, intervals
from mlkit.training.judging.sample import Sample
from mlkit.training.model import TrainedModel

#: Rows that are shuffled at most, evenly drawn: their number decides what this costs.
MOST_ROWS = 5_000
#: Draws behind the intervals at most: each costs a metric for every shuffle of every feature.
MOST_RESAMPLES = 200


def contributions(
    model: TrainedModel,
    sample: Sample,
    metric: str,
    *,
    n_repeats: int,
    n_resamples: int,
    level: float,
    seed: int,
) -> tuple[Contribution, ...]:
    """Return what each feature contributes, the most first.

    The interval is of the rows that were drawn, in whole clusters where these are
    not independent, and of the shuffles: each draw of the bootstrap draws both.
    A feature that another one tells as well seems worth less than it is, since the
    model still has the other.

    Parameters
    ----------
    model
        Fitted; the features are the columns that its featurizer makes.
    sample
        What it is judged on.
    metric
        Its loss is told.
    n_repeats
        Shuffles of each feature; with 0 nothing is computed.
    n_resamples
        Draws of the bootstrap, of which `MOST_RESAMPLES` are made at most.
    level
        Coverage of the intervals.
    seed
        Of the shuffles and the draws.
    """
    if not n_repeats:
        return ()
    places = spread_evenly(len(sample.codes), MOST_ROWS)
    codes = sample.codes[places]
    clusters = sample.clusters
    resampler = Resampler(
        len(places),
        n_resamples=min(n_resamples, MOST_RESAMPLES),
        seed=seed,
        clusters=None if clusters is None else np.unique(clusters[places], return_inverse=True)[1],
    )
    measure = METRICS[model.target.task][metric]
    features = model.features(sample.frame.iloc[places])
    rng = np.random.default_rng(seed)
    whole = measure.prepare(codes, sample.scores[places], model.threshold)
    shuffled = [
        measure.prepare(codes, scores, model.threshold)
        for name in features.columns
        for scores in _shuffled_scores(model, features, name, n_repeats, rng)
    ]

    def losses(weights: np.ndarray) -> list[float]:
        value = whole(weights)
        return [measure.gain(value, metric(weights)) for metric in shuffled]

    n_features = features.shape[1]
    shape = (n_features, n_repeats)
    draws = resampler.draws(losses).reshape(-1, *shape)
    chosen = rng.integers(0, n_repeats, draws.shape)
    means = np.take_along_axis(draws, chosen, axis=2).mean(axis=2)
    found = np.stack(
        [
            np.reshape(losses(np.ones(len(codes))), shape).mean(axis=1),
            *intervals(means, level, [resampler.n_units] * n_features),
        ]
    )
    told = [
        Contribution(feature=str(name), metric=metric, loss=loss, low=low, high=high)
        for name, (loss, low, high) in zip(features.columns, found.T.tolist(), strict=True)
    ]
    return tuple(sorted(told, key=lambda each: -each.loss))


def _shuffled_scores(
    model: TrainedModel,
    features: pd.DataFrame,
    name: str,
    n_repeats: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the scores (n_repeats, n_rows, ...) of rows in which one feature is shuffled."""
    n_rows = len(features)
    # All repeats at once: an encoder takes most of its time for each call, not for each row.
    tiled = features.iloc[np.tile(np.arange(n_rows), n_repeats)].reset_index(drop=True)
    order = np.concatenate([rng.permutation(n_rows) for _ in range(n_repeats)])
    tiled[name] = features[name].iloc[order].reset_index(drop=True)
    scores = model.feature_scores(tiled)
    return scores.reshape(n_repeats, n_rows, *scores.shape[1:])
