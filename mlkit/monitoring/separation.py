"""Tell two samples apart by all columns at once: what no column shows by itself.

A classifier is fitted on one half of the rows, and must tell those of the other half
(Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017). As it has not
seen these, its scores make a sound test.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier

from mlkit.monitoring.findings import Separation
from mlkit.monitoring.fitting import fittable

#: Rows of either sample, at most.
MOST_ROWS = 5_000
#: Columns that are named, at most, and of how many that is tried out.
_MOST_NAMED, _MOST_TRIED = 5, 15
#: What scikit-learn has bins for, beside that of missing values.
_N_BINS = 255


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
    rng = np.random.default_rng(seed)
    halves = [_halves(rows, rng) for rows in (reference, current)]
    (fitted, truth), (judged, answers) = (
        (
            np.concatenate([rows[half] for rows in halves]),
            np.repeat([0, 1], [len(rows[half]) for rows in halves]),
        )
        for half in (0, 1)
    )
    fitted, judged = _binned(fitted, judged, are_categories)
    classifier = HistGradientBoostingClassifier(
        max_iter=50,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        categorical_features=list(are_categories),
        early_stopping=False,
        random_state=seed,
    ).fit(fittable(fitted), truth, sample_weight=_balanced(truth))
    auc, p_value = _auc(classifier.predict_proba(judged)[:, 1], answers)
    by: tuple[str, ...] = ()
    if p_value < level:
        losses = {}
        for place in _split_by(classifier, are_categories)[:_MOST_TRIED]:
            shuffled = judged.copy()
            np.random.default_rng((seed, place)).shuffle(shuffled[:, place])
            losses[place] = auc - _auc(classifier.predict_proba(shuffled)[:, 1], answers)[0]
        most = sorted(losses, key=lambda place: -losses[place])[:_MOST_NAMED]
        by = tuple(names[place] for place in most if losses[place] > 0)
    return Separation(auc=auc, p_value=p_value, n_rows=len(answers), by=by)


def _halves(rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    drawn = rows[rng.permutation(len(rows))[:MOST_ROWS]]
    return drawn[::2], drawn[1::2]


def _balanced(truth: np.ndarray) -> np.ndarray:
    counts = np.bincount(truth)
    weights: np.ndarray = (len(truth) / 2 / counts)[truth]
    return weights


def _binned(
    fitted: np.ndarray, judged: np.ndarray, are_categories: Sequence[bool]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows with numbers as the places of their bins, as many as a classifier takes.

    It would find the same bins, but with weights sorts each column for each of them: that
    took three quarters of its time.
    """
    fitted, judged = fitted.copy(), judged.copy()
    shares = np.linspace(0, 100, _N_BINS + 1)[1:-1]
    for place in np.flatnonzero(~np.asarray(are_categories)):
        values = fitted[:, place]
        there = np.unique(values[~np.isnan(values)])
        if len(there) <= _N_BINS:
            continue
        edges = np.nanpercentile(values, shares, method="averaged_inverted_cdf")
        for rows in (fitted, judged):
            bins = np.searchsorted(edges, rows[:, place])
            rows[:, place] = np.where(np.isnan(rows[:, place]), np.nan, bins)
    return fitted, judged


def _split_by(
    classifier: HistGradientBoostingClassifier, are_categories: Sequence[bool]
) -> list[int]:
    """Return the columns that the trees split by, those with the most gain first."""
    trees = [tree for (tree,) in classifier._predictors]  # noqa: SLF001
    nodes = np.concatenate([tree.nodes[tree.nodes["is_leaf"] == 0] for tree in trees])
    gains = np.bincount(nodes["feature_idx"], nodes["gain"], len(are_categories))
    # The classifier puts categories first.
    order = np.argsort(~np.asarray(are_categories), kind="stable")
    most = np.argsort(-gains, kind="stable")
    return [int(order[place]) for place in most if gains[place] > 0]


def _auc(scores: np.ndarray, answers: np.ndarray) -> tuple[float, float]:
    """Return the area under the curve, and Mann and Whitney's one-sided p-value."""
    of_current, of_reference = scores[answers == 1], scores[answers == 0]
    found = stats.mannwhitneyu(of_current, of_reference, alternative="greater", method="asymptotic")
    return float(found.statistic / len(of_current) / len(of_reference)), float(found.pvalue)
