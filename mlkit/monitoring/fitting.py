"""Make rows what scikit-learn can be fitted on."""

import numpy as np


def fittable(rows: np.ndarray) -> np.ndarray:
    """Return rows (n_rows, n_columns) in which a column without any value is 0.

    The histograms of scikit-learn 1.9 cannot be made of such a column of numbers.
    """
    known: np.ndarray = np.where(np.isnan(rows).all(axis=0), 0.0, rows)
    return known
