"""Hold scores to be finite, and turn them into classes; one rule for both sides."""

from math import isfinite

import numpy as np

from mlkit.core.errors import DataError

#: From this probability on, the positive class is chosen.
THRESHOLD = 0.5


def check_finite(scores: np.ndarray) -> np.ndarray:
    """Return the scores, of one number a row or several, if all are finite.

    Raises
    ------
    DataError
        Naming the first row with one that is not.
    """
    # Of one number, as of one record, numpy takes ten times as long.
    if scores.size == 1 and isfinite(scores.item()):
        return scores
    is_finite = np.isfinite(scores)
    if not is_finite.all():
        row = int(np.argwhere(~is_finite)[0, 0])
        raise DataError(
            f"The model predicts no finite number for row {row}. Bound the features, "
            "or fill what is missing."
        )
    return scores


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
