"""Compare how one thing is distributed in two samples: by a test, and by the size of the effect.

With a million rows any difference is significant, with a hundred any can be large: only
what is both is drift.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from mlkit.monitoring.findings import Bin, Drift

#: A bin for each tenth of the reference, as population stability indices are read.
N_BINS = 10
#: Values of a category that have a cell of their own, the most frequent ones.
N_VALUES = 50
#: What a cell must be expected to have for a chi-square test (Cochran, "Some Methods for
#: Strengthening the Common Chi-Square Tests", Biometrics 10, 1954).
LEAST_EXPECTED = 5
OTHER = "other"


class Numbers:
    """The distribution of numbers in the reference.

    Parameters
    ----------
    name, column
        See `Drift`.
    reference
        Float64 (n_reference,), NaN where missing.
    """

    def __init__(self, name: str, column: str, reference: np.ndarray) -> None:
        self.name, self.column = name, column
        self.n_missing = int(np.isnan(reference).sum())
        self.values = np.sort(reference[~np.isnan(reference)])
        self.edges, self.labels = _edges(self.values)
        # Without itself among the others, only what is least or greatest alone would be unseen.
        low, high = self.values[:2], self.values[-2:]
        self.n_alone = len(set(low)) - 1 + len(set(high)) - 1 if len(self.values) > 1 else 1

    def compare(self, values: np.ndarray) -> Drift:
        """Compare float64 values (n_rows,), NaN where missing, with the reference.

        The test is the one of Kolmogorov and Smirnov for two samples, with the
        asymptotic distribution of scipy's `ks_2samp`; ties make it conservative.
        """
        there = np.sort(values[~np.isnan(values)])
        statistic, p_value = kolmogorov_smirnov(self.values, there)
        every = zip(self.labels, *map(self._counts, (self.values, there)), strict=True)
        # Beside a frequent value there may be a bin that nothing falls into.
        bins = [each for each in every if each[1] or each[2]]
        low, high = self.values[[0, -1]] if len(self.values) else (np.nan, np.nan)
        beyond = np.searchsorted(there, low) + len(there) - np.searchsorted(there, high, "right")
        return _drift(
            self,
            test="ks",
            statistic=statistic,
            p_value=p_value,
            bins=bins,
            n_rows=len(there),
            n_missing=len(values) - len(there),
            n_unseen=int(beyond) if len(self.values) else len(there),
        )

    def _counts(self, ascending: np.ndarray) -> np.ndarray:
        ends = np.searchsorted(ascending, self.edges)
        return np.diff(ends, prepend=0, append=len(ascending))


class Categories:
    """The distribution of categories in the reference.

    Parameters
    ----------
    name, column
        See `Drift`.
    reference
        Shape (n_reference,), of any dtype; None or NaN where missing.
    """

    def __init__(self, name: str, column: str, reference: np.ndarray) -> None:
        self.name, self.column = name, column
        counts, self.n_missing = _counted(reference)
        self.n_there = sum(counts.values())
        frequent = sorted(counts, key=lambda value: (-counts[value], str(value)))
        self.cells = {value: place for place, value in enumerate(frequent[:N_VALUES])}
        self.known = frozenset(counts)
        self.n_alone = sum(count == 1 for count in counts.values())
        self.counts = np.append(
            np.array([counts[value] for value in self.cells], dtype="int64"),
            sum(counts[value] for value in frequent[N_VALUES:]),
        )

    def compare(self, values: np.ndarray) -> Drift:
        """Compare values (n_rows,) of the same kind with the reference.

        The test is a chi-square test of homogeneity; cells of which the window is
        expected to have fewer than five rows count together.
        """
        counts, n_missing = _counted(values)
        own = np.zeros(len(self.cells) + 1, dtype="int64")
        for value, count in counts.items():
            own[self.cells.get(value, -1)] += count
        n_rows = int(own.sum())
        bins = self._pooled(own, n_rows)
        table = np.array([[before, now] for _, before, now in bins if before + now])
        statistic, p_value = np.nan, np.nan
        if len(table) > 1 and table.sum(axis=0).all():
            statistic, p_value = stats.chi2_contingency(table, correction=False)[:2]
        return _drift(
            self,
            test="chi2",
            statistic=float(statistic),
            p_value=float(p_value),
            bins=bins,
            n_rows=n_rows,
            n_missing=n_missing,
            n_unseen=sum(count for value, count in counts.items() if value not in self.known),
        )

    def _pooled(self, own: np.ndarray, n_rows: int) -> list[tuple[str, int, int]]:
        total = max(self.n_there + n_rows, 1)
        smaller = min(self.n_there, n_rows)
        expected = (self.counts + own) / total * smaller
        is_apart = expected >= LEAST_EXPECTED
        is_apart[-1] = False
        bins = [
            (str(value), int(self.counts[place]), int(own[place]))
            for value, place in self.cells.items()
            if is_apart[place]
        ]
        return [*bins, (OTHER, int(self.counts[~is_apart].sum()), int(own[~is_apart].sum()))]


def kolmogorov_smirnov(reference: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Return the largest distance of two distributions, and its two-sided p-value.

    Both are ascending. As the one is constant between two values of the reference, and the
    other grows, they are furthest apart right before or at one of these.
    """
    n, m = len(reference), len(values)
    if not n or not m:
        return np.nan, np.nan
    points = np.unique(reference)
    ours = [np.searchsorted(reference, points, side) / n for side in ("left", "right")]
    theirs = [np.searchsorted(values, points, side) / m for side in ("left", "right")]
    distance = max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))
    n_rows = np.round(n * m / (n + m))
    return distance, float(stats.kstwo.sf(distance, n_rows)) if n_rows else np.nan


def psi(reference: np.ndarray, current: np.ndarray) -> float:
    """Return the population stability index of counts in the same bins.

    A bin that is empty on one side counts for half a row there, as the logarithm of nothing
    is infinite; one that is empty on both for nothing. Of 0.1 it is
    usually called moderate, of 0.25 large (Siddiqi, "Credit Risk Scorecards", 2006).
    """
    if not reference.sum() or not current.sum():
        return np.nan
    is_there = reference + current > 0
    before, now = (np.maximum(c[is_there], 0.5) / c.sum() for c in (reference, current))
    return float(((now - before) * np.log(now / before)).sum())


def share_test(
    of_before: int,
    n_before: int,
    of_now: int,
    n_now: int,
    alternative: Literal["two-sided", "greater"] = "two-sided",
) -> float:
    """Return Fisher's exact p-value of two shares; NaN without any of what is counted.

    Parameters
    ----------
    of_before, n_before, of_now, n_now
        What is counted, and of how many, in the reference and in the window.
    alternative
        `greater`: only that the window has more is told.
    """
    if not of_before + of_now or not n_before or not n_now:
        return np.nan
    table = [[of_now, n_now - of_now], [of_before, n_before - of_before]]
    return float(stats.fisher_exact(table, alternative)[1])


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that one below a level is a false alarm with at most its chance.

    It holds however the tests hang together (Holm, "A Simple Sequentially Rejective Multiple
    Test Procedure", Scandinavian Journal of Statistics 6, 1979). NaN stays, and counts as no
    test.
    """
    found = np.asarray(p_values, dtype="float64")
    tested = np.flatnonzero(~np.isnan(found))
    ascending = tested[np.argsort(found[tested], kind="stable")]
    factors = np.arange(len(tested), 0, -1)
    adjusted = found.copy()
    adjusted[ascending] = np.minimum(np.maximum.accumulate(found[ascending] * factors), 1)
    return [float(value) for value in adjusted]


def _edges(ascending: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return where bins begin, but for the first one, and what all are called.

    They hold tenths of the rows, and a value of more than a tenth has one of its own: else
    all its rows could go to where nothing was, and be in the same bin.
    """
    if not len(ascending):
        return np.empty(0), ["all"]
    shares = np.linspace(0, 1, N_BINS + 1)[1:-1]
    tenths, times = np.unique(np.quantile(ascending, shares, method="nearest"), return_counts=True)
    frequent = tenths[times > 1]
    # An edge is a value: the next one below belongs to the bin before.
    with np.errstate(over="ignore"):
        ends = np.nextafter(frequent, np.inf)
    edges = np.unique(np.concatenate([tenths[tenths > ascending[0]], frequent, ends]))
    edges = edges[np.isfinite(edges)]
    if not len(edges):
        return edges, ["all"]
    is_end = np.isin(edges, ends)
    with np.errstate(over="ignore"):
        lows = np.nextafter(edges, -np.inf)
    texts = [f"{edge:.4g}" for edge in np.where(is_end, lows, edges)]
    between = [
        low if is_alone else f"{low} to {high}"
        for (low, high), is_alone in zip(pairwise(texts), is_end[1:], strict=True)
    ]
    last = "above" if is_end[-1] else "from"
    return edges, [f"below {texts[0]}", *between, f"{last} {texts[-1]}"]


def _counted(values: np.ndarray) -> tuple[dict[Any, int], int]:
    """Return how often each value occurs, and how many are missing."""
    codes, kinds = pd.factorize(values)
    sizes = np.bincount(codes + 1, minlength=len(kinds) + 1)
    return dict(zip(kinds.tolist(), sizes[1:].tolist(), strict=True)), int(sizes[0])


def _drift(
    of: Numbers | Categories,
    *,
    test: str,
    statistic: float,
    p_value: float,
    bins: Sequence[tuple[str, int, int]],
    n_rows: int,
    n_missing: int,
    n_unseen: int,
) -> Drift:
    labels = [label for label, *_ in bins]
    before, now = (np.array([each[n] for each in bins], dtype="float64") for n in (1, 2))
    n_before = int(before.sum())
    n_all_before, n_all = n_before + of.n_missing, n_rows + n_missing
    shares = (counts / counts.sum() if counts.any() else counts for counts in (before, now))
    return Drift(
        name=of.name,
        column=of.column,
        test=test,  # type: ignore[arg-type]  # one of the two
        statistic=statistic,
        p_value=p_value,
        psi=psi(before, now),
        missing=n_missing / n_all if n_all else np.nan,
        missing_before=of.n_missing / n_all_before if n_all_before else np.nan,
        missing_p=share_test(of.n_missing, n_all_before, n_missing, n_all),
        unseen=n_unseen / n_rows if n_rows else 0.0,
        # What is alone in the reference, the rest of it has not seen: so much is to be expected
        # (Good, "The Population Frequencies of Species", Biometrika 40, 1953).
        unseen_p=share_test(of.n_alone, n_before, n_unseen, n_rows, "greater"),
        n_rows=n_rows,
        bins=tuple(
            Bin(label=label, reference=float(a), current=float(b))
            for label, a, b in zip(labels, *shares, strict=True)
        ),
    )
