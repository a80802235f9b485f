"""Say how well one column alone tells the answer: by the mean answer of the rows like it."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

#: Numbers are cut at as many quantiles of the training rows, less one.
N_BINS = 64
#: Rows at the overall mean that each value's own rows are weighed against, so that a value
#: with few rows says little (Micci-Barreca, 2001; see `TableEncoder`).
PRIOR_ROWS = 20


def answers_of(codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Return what is told (n_rows, n_answers): 1 for a row's class, or the number itself.

    Of two classes one says all.
    """
    if not n_classes:
        return codes[:, None].astype("float64")
    held = [1] if n_classes == 2 else range(n_classes)
    return np.column_stack([codes == code for code in held]).astype("float64")


def probe(
    train: pd.Series, answers: np.ndarray, judged: list[pd.Series], moments: list[pd.Series | None]
) -> list[np.ndarray]:
    """Return the mean answer of the training rows that are like each judged row, by one column.

    Parameters
    ----------
    train
        The column on the training rows.
    answers
        Shape (n_train, n_answers), see `answers_of`.
    judged
        The column on each set of rows to judge.
    moments
        For the training rows, then for each judged set: the event time, which
        other datetimes are held against; None without one.

    Returns
    -------
    list of numpy.ndarray
        For each judged set, shape (n_rows, n_answers).
    """
    columns = [_as_number(x, moment) for x, moment in zip([train, *judged], moments, strict=True)]
    places = _places(columns)
    n_places = max(int(place.max(initial=-1)) for place in places) + 1
    prior = answers.mean(axis=0)
    counts = np.bincount(places[0], minlength=n_places)
    sums = np.column_stack(
        [np.bincount(places[0], answer, minlength=n_places) for answer in answers.T]
    )
    means = (sums + PRIOR_ROWS * prior) / (counts + PRIOR_ROWS)[:, None]
    return [means[place] for place in places[1:]]


def skill(answers: np.ndarray, scores: np.ndarray, *, is_class: bool) -> float:
    """Return how well scores tell answers, both of shape (n_rows, n_answers): 0 not, 1 wholly.

    For classes the Gini coefficient, 2 × ROC AUC - 1, of the class told best; for
    numbers the squared correlation, which a shift of their level leaves alone.
    """
    return max(
        (
            _gini(answer > 0.5, score) if is_class else _squared_correlation(answer, score)
            for answer, score in zip(answers.T, scores.T, strict=True)
        ),
        default=0.0,
    )


def _gini(is_hit: np.ndarray, score: np.ndarray) -> float:
    n_hits, n_misses = int(is_hit.sum()), int((~is_hit).sum())
    # With fewer rows of a class than this, its ROC curve is mere chance.
    if min(n_hits, n_misses) < 10:
        return 0.0
    area = (rankdata(score)[is_hit].sum() / n_hits - (n_hits + 1) / 2) / n_misses
    return float(2 * area - 1)


def _squared_correlation(answer: np.ndarray, score: np.ndarray) -> float:
    if np.ptp(answer) == 0 or np.ptp(score) == 0:
        return 0.0
    found = float(np.corrcoef(answer, score)[0, 1])
    return found * abs(found)


def _as_number(values: pd.Series, moment: pd.Series | None) -> pd.Series:
    """Return text as it is, and of a datetime its seconds since the event, or its hour."""
    if not pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values
    if moment is None or moment.name == values.name:
        return pd.Series(values.dt.hour)
    return pd.Series((_naive(values) - _naive(moment)).dt.total_seconds())


def _naive(values: pd.Series) -> pd.Series:
    return values if values.dt.tz is None else values.dt.tz_convert(None)


def _places(columns: list[pd.Series]) -> list[np.ndarray]:
    """Return the bin of each row, by the training rows, which come first; 0 for missing."""
    train = columns[0]
    if pd.api.types.is_numeric_dtype(train.dtype) or pd.api.types.is_bool_dtype(train.dtype):
        numbers = [x.astype("float64").to_numpy(dtype="float64", na_value=np.nan) for x in columns]
        known = numbers[0][~np.isnan(numbers[0])]
        shares = np.linspace(0, 1, N_BINS + 1)[1:-1]
        edges = np.unique(np.quantile(known, shares)) if len(known) else np.empty(0)
        return [
            np.where(np.isnan(x), 0, 1 + np.searchsorted(edges, x, side="left")) for x in numbers
        ]
    values = pd.Index(train.astype(object).dropna().unique())
    # Unknown ones come last, so that they count as the overall mean.
    places = [values.get_indexer(pd.Index(x.astype(object))) for x in columns]
    is_missing = [x.isna().to_numpy() for x in columns]
    return [
        np.where(gone, 0, np.where(place < 0, len(values) + 1, place + 1))
        for place, gone in zip(places, is_missing, strict=True)
    ]
