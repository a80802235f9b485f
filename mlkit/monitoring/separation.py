"""Tell two samples apart by all columns at once: what no column shows by itself.

A classifier is fitted on one half of the rows, and must tell those of the other half
(Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017). As it has not
seen these, its scores make a sound test.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from mlkit.monitoring.findings import Separation
from mlkit.monitoring.fitting import fittable

#: Rows of either sample, at most.
MOST_ROWS = 5_000
#: Columns that are named, at most: those that are worth a tenth of the best one.
_MOST_NAMED, _LEAST_WORTH = 5, 0.1
#: Rows of either sample in which each column is shuffled to find them.
_N_SHUFFLED = 250
#: Columns that are shuffled at once, each in a copy of these rows.
_N_AT_ONCE = 20


def separate(
    reference: np.ndarray,
    current: np.ndarray,
    names: Sequence[str],
    are_categories: Sequence[bool],
    *,
    level: float,
    seed: int = 0,
) -> Separation | None:
    """Return how well a classifier tells the one from the other; None of less than two rows.

    Parameters
    ----------
    reference, current
        Rows of numbers (n_rows, n_columns); see `matrix`.
    names
        Of the columns.
    are_categories
        Which of them hold the numbers of categories.
    level
        Columns are named where the p-value is below it.
    seed
        Of which rows are fitted on.
    """
    if min(len(reference), len(current)) < 2:
        return None
    # Its steps are too short to be shared by threads: with two they took longer.
    with threadpool_limits(1, user_api="openmp"):
        return _separated(reference, current, names, are_categories, level, seed)


def _separated(
    reference: np.ndarray,
    current: np.ndarray,
    names: Sequence[str],
    are_categories: Sequence[bool],
    level: float,
    seed: int,
) -> Separation:
    rng = np.random.default_rng(seed)
    halves = [_halves(rows, rng) for rows in (reference, current)]
    (fitted, truth), (judged, answers) = (
        (
            np.concatenate([rows[half] for rows in halves]),
            np.repeat([0, 1], [len(rows[half]) for rows in halves]),
        )
        for half in (0, 1)
    )
    classifier = HistGradientBoostingClassifier(
        max_iter=50,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        categorical_features=list(are_categories),
        early_stopping=False,
        random_state=seed,
    ).fit(fittable(fitted), truth)
    auc, p_value = _auc(_scores(classifier, judged), answers)
    by: tuple[str, ...] = ()
    if p_value < level:
        some = np.concatenate([np.flatnonzero(answers == n)[:_N_SHUFFLED] for n in (0, 1)])
        losses = _losses(classifier, judged[some], answers[some], rng)
        most = np.argsort(-losses, kind="stable")[:_MOST_NAMED]
        least = _LEAST_WORTH * losses.max()
        by = tuple(names[place] for place in most if losses[place] > max(least, 0))
    return Separation(auc=auc, p_value=p_value, n_rows=len(answers), by=by)


def _halves(rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    drawn = rows[rng.permutation(len(rows))[:MOST_ROWS]]
    return drawn[::2], drawn[1::2]


def _losses(
    classifier: HistGradientBoostingClassifier,
    rows: np.ndarray,
    answers: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return how much worse the classifier tells rows apart without each column."""
    whole, _ = _auc(_scores(classifier, rows), answers)
    losses = []
    for start in range(0, rows.shape[1], _N_AT_ONCE):
        places = range(start, min(start + _N_AT_ONCE, rows.shape[1]))
        shuffled = np.tile(rows, (len(places), 1, 1))
        for each, place in zip(shuffled, places, strict=True):
            rng.shuffle(each[:, place])
        # Of many small calls, most of the time would be what comes before the trees.
        scores = _scores(classifier, shuffled.reshape(-1, rows.shape[1]))
        losses += [whole - _auc(part, answers)[0] for part in scores.reshape(len(places), -1)]
    return np.array(losses)


def _scores(classifier: HistGradientBoostingClassifier, rows: np.ndarray) -> np.ndarray:
    scores: np.ndarray = classifier.predict_proba(rows)[:, 1]
    return scores


def _auc(scores: np.ndarray, answers: np.ndarray) -> tuple[float, float]:
    """Return the area under the curve, and Mann and Whitney's one-sided p-value."""
    of_current, of_reference = scores[answers == 1], scores[answers == 0]
    found = stats.mannwhitneyu(of_current, of_reference, alternative="greater", method="asymptotic")
    return float(found.statistic / len(of_current) / len(of_reference)), float(found.pvalue)
