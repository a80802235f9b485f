"""Rows are told apart by all columns at once, where that is possible, and not by chance."""

import numpy as np
import pytest

from mlkit.monitoring.separation import MOST_ROWS, separate

NAMES = ("a", "b", "kind")


def rows(n_rows: int, seed: int, correlation: float = 0.8) -> np.ndarray:
    """Return two numbers that hang together, and a category of three."""
    rng = np.random.default_rng(seed)
    pair = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], n_rows)
    found = np.column_stack([pair, rng.integers(0, 3, n_rows)])
    found[rng.random(n_rows) < 0.05, 0] = np.nan
    return found


def told(reference: np.ndarray, current: np.ndarray, **changes):
    """Return how well they are told apart."""
    settings = {"level": 0.01} | changes
    return separate(reference, current, NAMES, [False, False, True], **settings)


def test_rows_of_one_distribution_are_not_told_apart():
    """The p-value is uniform: of twenty samples, few are below a tenth, and the AUC is a half."""
    found = [told(rows(2_000, seed), rows(400, seed + 100)) for seed in range(20)]
    assert np.mean([each.auc for each in found]) == pytest.approx(0.5, abs=0.02)
    assert sum(each.p_value < 0.1 for each in found) <= 5
    assert sum(each.p_value < 0.01 for each in found) <= 1
    assert {each.by for each in found if each.p_value >= 0.01} == {()}


def test_what_no_column_shows_is_found():
    """Two numbers that no longer hang together, though each is distributed as before."""
    found = told(rows(4_000, 0), rows(4_000, 1, correlation=-0.8))
    assert found.auc > 0.8
    assert found.p_value < 1e-10
    assert set(found.by[:2]) == {"a", "b"}


@pytest.mark.parametrize(
    ("place", "changed"), [(1, lambda values: values + 1), (2, lambda values: values % 2 + 3)]
)
def test_the_column_that_differs_is_named_first(place, changed):
    """Of numbers, and of categories."""
    current = rows(2_000, 1)
    current[:, place] = changed(current[:, place])
    found = told(rows(2_000, 0), current)
    assert found.by[0] == NAMES[place]
    assert found.auc > 0.6


def test_it_is_judged_on_rows_that_it_was_not_fitted_on():
    """On half of each sample, of large ones on half of as many as are taken at most."""
    assert told(rows(3_001, 0), rows(1_000, 1)).n_rows == 1_500 + 500
    assert told(rows(3 * MOST_ROWS, 0), rows(2 * MOST_ROWS, 1)).n_rows == MOST_ROWS


def test_rows_far_apart_are_told_almost_without_a_fault():
    """By one column that differs, the area is nearly one, and its p-value nothing."""
    current = rows(500, 1)
    current[:, 1] += 100
    found = told(rows(500, 0), current)
    assert found.auc > 0.99
    assert found.p_value < 1e-50
    assert found.by == ("b",)


def test_the_same_rows_give_the_same_figures():
    """And those of another seed others."""
    pair = rows(1_000, 0), rows(1_000, 1, correlation=0.5)
    assert told(*pair) == told(*pair)
    assert told(*pair) != told(*pair, seed=1)


@pytest.mark.parametrize(("n_reference", "n_current"), [(0, 9), (1, 500), (500, 1), (1, 1)])
def test_one_row_cannot_be_halved(n_reference, n_current):
    """Of either sample there must be two for a test."""
    assert told(rows(n_reference, 0), rows(n_current, 1)) is None
    assert not told(rows(2, 0), rows(2, 1)).p_value < 0.01


def test_columns_of_which_nothing_is_known_tell_nothing():
    """All values are missing, or all are one."""
    nothing = np.column_stack([np.full(400, np.nan), np.full(400, 5.0), np.full(400, np.nan)])
    assert told(nothing, nothing).auc == 0.5
    assert told(nothing, nothing).p_value > 0.4
