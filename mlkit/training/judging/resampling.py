"""Say how far figures may be off: the bootstrap, of rows or of whole clusters of them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from threadpoolctl import threadpool_limits

#: Draws that a thread takes at once: few rows are drawn sooner than a thread is asked.
_BLOCK = 16
#: Numbers (n_figures,), always the same ones, of rows with these weights (n_rows,).
Statistic = Callable[[np.ndarray], ArrayLike]


class Resampler:
    """Draws rows with replacement, the same ones for whoever asks.

    Where rows are not independent, whole clusters of them are drawn (Davison and
    Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).

    Parameters
    ----------
    n_rows
        How many rows there are.
    n_resamples
        How many draws; with 0 there are no intervals.
    seed
        Of the draws.
    clusters
        Whole numbers (n_rows,) from 0: rows of one number are drawn together.
    """

    def __init__(
        self, n_rows: int, *, n_resamples: int, seed: int, clusters: np.ndarray | None = None
    ) -> None:
        self.n_rows = n_rows
        self.n_resamples = n_resamples
        self.seed = seed
        self.clusters = clusters
        self.n_units = n_rows if clusters is None else int(clusters.max(initial=-1)) + 1

    def counts(self, rows: np.ndarray | slice) -> tuple[int, int]:
        """Return how many rows are among these, and how many units that are drawn."""
        if self.clusters is None:
            n_rows = len(np.arange(self.n_rows)[rows])
            return n_rows, n_rows
        own = self.clusters[rows]
        return len(own), len(np.unique(own))

    def weights(self, draw: int) -> np.ndarray:
        """Return how often each row (n_rows,) is in one draw."""
        # A generator for each draw, so that threads do not decide what is drawn.
        rng = np.random.default_rng((self.seed, draw))
        drawn = rng.integers(0, self.n_units, self.n_units, dtype="int32")
        counts = np.bincount(drawn, minlength=self.n_units)
        # The smallest type that holds them: rows are looked up all over the array.
        counts = counts.astype(np.min_scalar_type(counts.max()))
        return counts if self.clusters is None else counts[self.clusters]

    def draws(self, statistic: Statistic) -> np.ndarray:
        """Return the statistic of every draw (n_resamples, n_figures).

        Of two models on the same draws, let it return what both have.
        """
        # Threads of the linear algebra would get in the way of these.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cpu_count()) as threads:
            starts = range(0, self.n_resamples, _BLOCK)
            blocks = threads.map(lambda start: self._block(statistic, start), starts)
            return np.array([found for block in blocks for found in block], dtype="float64")

    def _block(self, statistic: Statistic, start: int) -> list[ArrayLike]:
        draws = range(start, min(start + _BLOCK, self.n_resamples))
        return [statistic(self.weights(draw)) for draw in draws]


def intervals(draws: np.ndarray, level: float, n_units: Sequence[int]) -> np.ndarray:
    """Return the expanded percentile interval (2, n_figures) of figures that were drawn.

    A plain percentile interval of few units is too narrow: a draw of n of them
    varies as n - 1 do, and it takes their spread for known. Its quantiles are
    moved out as far as Student's t is wider (Hesterberg, "What Teachers Should Know
    About the Bootstrap", The American Statistician 69, 2015). Draws in which a
    figure is undefined are left out of it; where it always is, or there are fewer
    than two units, the bounds are NaN.

    Parameters
    ----------
    draws
        Shape (n_resamples, n_figures).
    level
        The intervals' coverage, such as 0.95.
    n_units
        For each figure, of how many units (rows, or clusters) the draws were.
    """
    bounds = np.full((2, len(n_units)), np.nan)
    for place, (drawn, n) in enumerate(zip(draws.T, n_units, strict=False)):
        defined = drawn[~np.isnan(drawn)]
        if len(defined) and n > 1:
            reach = np.sqrt(n / (n - 1)) * stats.t.isf((1 - level) / 2, n - 1)
            tail = stats.norm.sf(reach)
            # The share beyond a bound is then `tail`, however few the draws are.
            bounds[:, place] = np.quantile(defined, [tail, 1 - tail], method="weibull")
    return bounds
