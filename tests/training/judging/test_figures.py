"""Figures of many rows are drawn by cells of nearly the same score, and stay what they are."""

import numpy as np
import pytest

from mlkit.training.judging.figures import MOST_ROWS, Figures
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.resampling import Resampler

MEASURES = list(METRICS["binary"].values())
N_ROWS = MOST_ROWS + 10_000


def rows(*, n_levels: int | None) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return answers, scores (rounded to some levels, if told), and a part of the rows."""
    rng = np.random.default_rng(0)
    scores = rng.beta(1, 3, N_ROWS)
    codes = (rng.random(N_ROWS) < scores).astype("int64")
    if n_levels is not None:
        scores = np.round(scores * n_levels) / n_levels
    return codes, scores, [np.flatnonzero(rng.random(N_ROWS) < 0.2)]


def by_row(codes, scores, parts, weights):
    """Return what every metric says, each row taken by itself."""
    return [
        measure.prepare(codes[own], scores[own], 0.3)(weights[own].astype("float64"))
        for own in (np.arange(N_ROWS), *parts)
        for measure in MEASURES
    ]


def test_figures_themselves_are_exact():
    """Whatever is taken together in draws, rows that weigh the same are judged one by one."""
    codes, scores, parts = rows(n_levels=None)
    figures = Figures(MEASURES, codes, scores, parts, 0.3)
    ones = np.ones(N_ROWS)
    assert figures.values.ravel() == pytest.approx(by_row(codes, scores, parts, ones), abs=1e-12)
    assert figures(ones) == pytest.approx(figures.values.ravel(), abs=1e-12)


def test_few_scores_are_drawn_exactly():
    """Where each score that occurs is a cell of its own, nothing is lost."""
    codes, scores, parts = rows(n_levels=200)
    figures = Figures(MEASURES, codes, scores, parts, 0.3)
    weights = Resampler(N_ROWS, n_resamples=1, seed=0).weights(0)
    assert figures(weights) == pytest.approx(by_row(codes, scores, parts, weights), abs=1e-12)


def test_many_scores_are_drawn_nearly_as_rows_are():
    """What is lost is a small part of what the draws differ by."""
    codes, scores, parts = rows(n_levels=None)
    figures = Figures(MEASURES, codes, scores, parts, 0.3)
    resampler = Resampler(N_ROWS, n_resamples=40, seed=0)
    drawn = resampler.draws(figures)
    exact = resampler.draws(lambda weights: by_row(codes, scores, parts, weights))
    spread = exact.std(axis=0)
    assert (np.abs(drawn - exact).max(axis=0) < 0.1 * spread + 1e-12).all()
    assert (np.abs(drawn.mean(axis=0) - exact.mean(axis=0)) < 0.03 * spread + 1e-12).all()
