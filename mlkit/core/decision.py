"""Turn probabilities into the class that they speak for; one rule for both sides."""

import numpy as np

#: From this probability on, the positive class is chosen.
THRESHOLD = 0.5


def decide(scores: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
    """Return the class code (int64, shape (n_rows,)) that probabilities speak for.

    Parameters
    ----------
    scores
        The positive class's probability (n_rows,), or each class's (n_rows, n_classes).
    threshold
        From this probability on, the positive class is chosen.
    """
    if scores.ndim == 1:
        return (scores >= threshold).astype("int64")
    decided: np.ndarray = scores.argmax(axis=1)
    return decided
