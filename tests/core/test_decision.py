"""Scores are finite, and speak for a class by one rule."""

import numpy as np
import pytest

from mlkit.core.decision import check_finite
from mlkit.core.errors import DataError


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("shape", "place", "row"), [(1, 0, 0), (9, 7, 7), ((9, 3), (7, 1), 7)])
def test_scores_that_are_not_finite_are_refused(wrong, shape, place, row):
    """The first row at fault is named, of one number a row or of several; finite ones pass."""
    scores = np.zeros(shape)
    assert check_finite(scores) is scores
    scores[place] = scores[-1] = wrong
    with pytest.raises(DataError, match=f"no finite number for row {row}"):
        check_finite(scores)
