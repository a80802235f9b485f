"""How far two ways of scoring the same rows are apart: one rule for both sides."""

import numpy as np

#: Largest difference that is none. Libraries that add up trees in float32 differ from
#: a sum in float64, or from themselves in another order, by about a tenth of it.
TOLERANCE = 1e-5


def differences(expected: np.ndarray, found: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Return how far the scores of each row (n_rows,) are apart, as a share of their size.

    Parameters
    ----------
    expected, found
        Scores (n_rows,), or of each class (n_rows, n_classes).
    scale
        What differences between smaller scores are a share of; see `scale_of`.
    """
    apart: np.ndarray = np.abs(found - expected) / np.maximum(scale, np.abs(expected))
    by_row: np.ndarray = apart.reshape(len(apart), -1).max(axis=1, initial=0)
    return by_row


def scale_of(scores: np.ndarray, *, is_regression: bool) -> float:
    """Return what differences between small scores are a share of.

    That is 1 for probabilities. Predicted numbers may all be far smaller: of
    them it is their standard deviation, where that is between 0 and 1.
    """
    return min(1.0, float(scores.std()) or 1.0) if is_regression else 1.0
