"""Intervals are a bootstrap's, of rows or of clusters."""

import os

import numpy as np
import pytest
from scipy.stats import norm, t

from mlkit.training.judging.figures import Figures
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.resampling import Resampler, intervals

#: `make simulate` asks for 1,000, and holds intervals to what they promise; the short form
#: finds only what is far off.
N_SIMULATIONS = int(os.environ.get("SIMULATIONS", "150"))
WITHIN = (0.93, 0.97) if N_SIMULATIONS >= 1000 else (0.88, 0.995)
VALUES = np.random.default_rng(3).normal(size=120)


def mean(weights):
    """Return the weighted mean of the values, alone among its figures."""
    return [float(weights @ VALUES / weights.sum())]


def test_the_interval_is_that_of_rows_drawn_anew():
    """The bounds are quantiles of the figure on drawn rows, as one would compute by hand."""
    resampler = Resampler(len(VALUES), n_resamples=60, seed=5)
    drawn = []
    for draw in range(60):
        rows = np.repeat(np.arange(len(VALUES)), resampler.weights(draw).astype(int))
        assert len(rows) == len(VALUES)
        drawn.append(VALUES[rows].mean())
    low, high = intervals(resampler.draws(mean), 0.9, [len(VALUES)])
    tail = norm.sf(np.sqrt(120 / 119) * t.isf(0.05, 119))
    assert 0.045 < tail < 0.05
    assert [*low, *high] == pytest.approx(np.quantile(drawn, [tail, 1 - tail], method="weibull"))


def test_whole_clusters_are_drawn():
    """All rows of a cluster are in a draw equally often, and as many clusters as there are."""
    clusters = np.repeat(np.arange(12), 10)
    resampler = Resampler(len(clusters), n_resamples=5, seed=0, clusters=clusters)
    for draw in range(5):
        counts = resampler.weights(draw).reshape(12, 10)
        assert (counts == counts[:, :1]).all()
        assert counts[:, 0].sum() == 12


def test_a_draw_does_not_depend_on_the_others():
    """Few resamples are the first of many, in whatever thread they are drawn."""
    few, many = (Resampler(9, n_resamples=n, seed=1) for n in (3, 30))
    np.testing.assert_array_equal(
        [few.weights(n) for n in range(3)], [many.weights(n) for n in range(3)]
    )


def test_undefined_draws_are_left_out():
    """A figure that is undefined in some draws still has an interval; in all, it has none."""
    draws = np.array([[np.nan, np.nan], [1.0, np.nan], [1.0, np.nan]])
    bounds = intervals(draws, 0.95, [9, 9])
    assert bounds[:, 0].tolist() == [1, 1]
    assert np.isnan(bounds[:, 1]).all()


def test_without_draws_there_is_no_interval():
    """With no resamples the bounds are NaN."""
    draws = Resampler(3, n_resamples=0, seed=0).draws(lambda weights: [1.0, 2.0])
    assert np.isnan(intervals(draws, 0.95, [3, 3])).all()


def test_one_unit_has_no_interval():
    """All draws of a single day are alike, which says nothing of other days."""
    assert np.isnan(intervals(np.ones((5, 1)), 0.95, [1])).all()


@pytest.mark.slow
@pytest.mark.parametrize(("n_units", "size"), [(150, 1), (150, 10), (14, 10)])
def test_intervals_cover_the_truth(n_units, size):
    """In 93 to 97 of 100 simulations at the level 95: many rows, many days, two weeks."""
    rng = np.random.default_rng(size)
    hits = 0
    clusters = np.repeat(np.arange(n_units), size)
    for seed in range(N_SIMULATIONS):
        values = np.repeat(rng.normal(size=n_units), size) + rng.normal(size=n_units * size)
        drawn = Resampler(len(values), n_resamples=400, seed=seed, clusters=clusters).draws(
            lambda weights, values=values: [weights @ values / weights.sum()]
        )
        low, high = intervals(drawn, 0.95, [n_units])
        hits += low[0] <= 0 <= high[0]
    assert WITHIN[0] <= hits / N_SIMULATIONS <= WITHIN[1]


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 10])
def test_intervals_of_a_ranking_cover_the_truth(size):
    """Of a ROC AUC too, in 93 to 97 of 100 simulations, rows being alone or ten of a day."""
    rng = np.random.default_rng(size)
    n_units, hits = 150, 0
    clusters = np.repeat(np.arange(n_units), size)
    # A positive row scores 1 more, a day shifts its rows, and each row has noise.
    spread = 1 + 1
    truth = norm.cdf(1 / np.sqrt(2 * spread))
    for seed in range(N_SIMULATIONS):
        codes = rng.integers(0, 2, len(clusters))
        scores = codes + np.repeat(rng.normal(size=n_units), size) + rng.normal(size=len(codes))
        figures = Figures([METRICS["binary"]["roc_auc"]], codes, scores)
        resampler = Resampler(len(codes), n_resamples=300, seed=seed, clusters=clusters)
        low, high = intervals(resampler.draws(figures), 0.95, [n_units])
        hits += low[0] <= truth <= high[0]
    assert WITHIN[0] <= hits / N_SIMULATIONS <= WITHIN[1]
