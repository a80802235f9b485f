"""Figures of drift are those of scipy and of the formulas in books, whatever the sample."""

import warnings
from collections import Counter
from itertools import pairwise
from math import isnan, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from mlkit.monitoring.drift import (
    LEAST_EXPECTED,
    N_BINS,
    N_VALUES,
    OTHER,
    Categories,
    Numbers,
    holm,
    kolmogorov_smirnov,
    psi,
    share_test,
)

#: Few distinct numbers make ties, all floats none; both with values that are missing.
_TIED = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0, nan])
_WIDE = st.floats(allow_infinity=False) | st.just(nan)
samples = st.one_of(
    arrays("float64", st.integers(0, 60), elements=_TIED),
    arrays("float64", st.integers(0, 60), elements=_WIDE),
)
_VALUES = st.sampled_from(["a", "b", "c", "d", OTHER, None])
texts = st.lists(_VALUES, max_size=80).map(lambda values: np.array(values, dtype=object))
counts = st.lists(st.integers(0, 10_000), min_size=1, max_size=12)


def there(values: np.ndarray) -> np.ndarray:
    """Return the values that are not missing."""
    return values[~np.isnan(values)]


@given(samples, samples)
def test_the_distance_of_numbers_is_scipys(reference, values):
    """Statistic and p-value are those of `ks_2samp` with the asymptotic distribution."""
    found = Numbers("x", "x", reference).compare(values)
    ours, theirs = there(reference), there(values)
    assert found.n_rows == len(theirs)
    if not len(ours) or not len(theirs):
        assert isnan(found.statistic)
        assert isnan(found.p_value)
        return
    with warnings.catch_warnings():
        # Of two single values there is no p-value: scipy divides by nothing to say so.
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = stats.ks_2samp(ours, theirs, method="asymp")
    np.testing.assert_allclose(found.statistic, expected.statistic, atol=1e-12)
    np.testing.assert_allclose(found.p_value, expected.pvalue, rtol=1e-9, atol=1e-300)


def test_the_distance_of_many_numbers_is_scipys():
    """Also of a hundred thousand rows, with ties and without."""
    rng = np.random.default_rng(0)
    for reference, values in (
        (rng.normal(size=10_000), rng.normal(0.02, 1, 100_000)),
        (rng.poisson(4, 10_000) * 1.0, rng.poisson(4.1, 100_000) * 1.0),
    ):
        found = kolmogorov_smirnov(np.sort(reference), np.sort(values))
        expected = stats.ks_2samp(reference, values, method="asymp")
        np.testing.assert_allclose(found, [expected.statistic, expected.pvalue], rtol=1e-9)


@given(samples, samples)
def test_bins_hold_every_number_once(reference, values):
    """Shares add up to one, and a bin's is what the edges in its order say."""
    numbers = Numbers("x", "x", reference)
    found = numbers.compare(values)
    ours, theirs = there(reference), there(values)
    edges = [-np.inf, *numbers.edges.tolist(), np.inf]
    assert edges == sorted(set(edges))
    pairs = [
        [sum(low <= v < high for v in sample.tolist()) for sample in (ours, theirs)]
        for low, high in pairwise(edges)
    ]
    filled = [pair for pair in pairs if any(pair)]
    for place, (sample, name) in enumerate(((ours, "reference"), (theirs, "current"))):
        shares = [getattr(each, name) for each in found.bins]
        expected = [pair[place] / max(len(sample), 1) for pair in filled]
        assert shares == pytest.approx(expected)


@given(samples, samples)
def test_what_is_beyond_the_reference_is_counted(reference, values):
    """Values below its least or above its greatest one are unseen; a missing one is not."""
    found = Numbers("x", "x", reference).compare(values)
    ours, theirs = there(reference).tolist(), there(values).tolist()
    beyond = [v for v in theirs if not ours or not min(ours) <= v <= max(ours)]
    assert found.unseen == pytest.approx(len(beyond) / len(theirs) if theirs else 0.0)


@given(samples, samples)
def test_missing_numbers_are_a_share_and_a_fisher_test(reference, values):
    """Of all rows, also where every one is missing; of none there is no share."""
    found = Numbers("x", "x", reference).compare(values)
    table = []
    for sample, share in ((reference, found.missing_before), (values, found.missing)):
        n_missing = int(np.isnan(sample).sum())
        assert (share == n_missing / len(sample)) if len(sample) else isnan(share)
        table.append([n_missing, len(sample) - n_missing])
    if not len(reference) or not len(values) or not sum(n for n, _ in table):
        assert isnan(found.missing_p)
    else:
        assert found.missing_p == pytest.approx(stats.fisher_exact(table).pvalue)


@pytest.mark.parametrize("value", [0.0, 5.0, -1e300, 1.6e308])
@pytest.mark.parametrize("share", [0.5, 0.95, 1.0])
@pytest.mark.parametrize("sign", [-1, 1])
def test_leaving_a_value_that_most_have_is_large(value, share, sign):
    """Wherever the value lies among the others, and to whichever side its rows move."""
    rng = np.random.default_rng(0)
    n_others = round((1 - share) * 2_000)
    step = 0.05 * max(abs(value), 1.0)
    for low, high in ((0.1, 1), (-1, -0.1), (-1, 1)):
        others = value + step * rng.uniform(low, high, n_others)
        reference = np.append(np.full(2_000 - n_others, value), others)
        numbers = Numbers("x", "x", reference)
        same = numbers.compare(rng.permutation(reference)[:1_000])
        moved = numbers.compare(np.full(1_000, np.nextafter(value, sign * np.inf)))
        assert same.psi < 0.1 < 0.5 < moved.psi


def test_bins_are_called_what_they_hold():
    """A frequent value by itself, others by where they begin and end."""
    reference = np.append(np.zeros(600), np.linspace(1, 2, 400))
    found = Numbers("x", "x", reference).compare(np.array([-1.0, 0.0, 0.5, 1.9]))
    assert [(each.label, each.current) for each in found.bins] == [
        ("below 0", 0.25), ("0", 0.25), ("0 to 1.248", 0.25), ("1.248 to 1.499", 0.0),
        ("1.499 to 1.749", 0.0), ("from 1.749", 0.25),
    ]  # fmt: skip
    constant = Numbers("x", "x", np.full(9, 5.0)).compare(np.array([4.0, 5.0, 6.0, 7.0]))
    assert {each.label: each.current for each in constant.bins} == {
        "below 5": 0.25, "5": 0.25, "above 5": 0.5
    }  # fmt: skip


@given(texts, texts)
def test_the_test_of_categories_is_scipys(reference, values):
    """On the table of values that the window is expected to have five rows of, and the rest."""
    found = Categories("c", "c", reference).compare(values)
    ours, theirs = (Counter(v for v in sample if v is not None) for sample in (reference, values))
    n_ours, n_theirs = ours.total(), theirs.total()
    assert (found.n_rows, found.test) == (n_theirs, "chi2")
    table, rest = [], [0, 0]
    for value in ours:
        pair = [ours[value], theirs[value]]
        expected = sum(pair) * min(n_ours, n_theirs) / (n_ours + n_theirs)
        if expected >= LEAST_EXPECTED:
            table.append(pair)
        else:
            rest = [before + more for before, more in zip(rest, pair, strict=True)]
    rest[1] += sum(count for value, count in theirs.items() if value not in ours)
    table += [rest] if sum(rest) else []
    if len(table) < 2 or not n_ours or not n_theirs:
        assert isnan(found.statistic)
        assert isnan(found.p_value)
        return
    expected = stats.chi2_contingency(table, correction=False)
    np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.p_value, expected.pvalue, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", [Numbers, Categories])
def test_unseen_values_are_held_against_those_that_are_alone(kind):
    """As many are to be expected as there are values that the rest of the reference has not."""
    reference = np.array([1.0, 2, 2, 3, 3, 4, 4, 4, 9] * 20)
    reference[0], reference[-1] = 0, 10
    own = reference.astype(object) if kind is Categories else reference
    values = np.concatenate([own[:60], np.array([-1, -2, -3, 11, 12], dtype=own.dtype)])
    found = kind("x", "x", own).compare(values)
    table = [[5, 60], [2, len(reference) - 2]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert (found.unseen, found.unseen_p) == (5 / 65, pytest.approx(expected))


@given(texts, texts)
def test_unseen_and_missing_categories_are_counted(reference, values):
    """What the reference has not is unseen; what is missing is neither seen nor unseen."""
    found = Categories("c", "c", reference).compare(values)
    known = [value for value in values.tolist() if value is not None]
    unseen = [value for value in known if value not in reference.tolist()]
    assert found.unseen == (len(unseen) / len(known) if known else 0.0)
    if len(values):
        assert found.missing == pytest.approx(1 - len(known) / len(values))
    shares = [each.current for each in found.bins]
    assert sum(shares) == pytest.approx(1.0 if known else 0.0)


def test_of_many_categories_the_most_frequent_stand_alone():
    """The others share a cell, with those that are new; none is lost."""
    rng = np.random.default_rng(0)
    reference = np.array([f"v{n:03}" for n in range(200) for _ in range(400 - n)], dtype=object)
    values = rng.permutation(np.append(reference, ["new"] * 100))
    found = Categories("c", "c", reference).compare(values)
    assert [each.label for each in found.bins[:-1]] == [f"v{n:03}" for n in range(N_VALUES)]
    rest = sum(400 - n for n in range(N_VALUES, 200))
    assert found.bins[-1].label == OTHER
    assert found.bins[-1].reference == pytest.approx(rest / len(reference))
    assert found.bins[-1].current == pytest.approx((rest + 100) / len(values))
    assert found.unseen == pytest.approx(100 / len(values))


@given(
    counts.flatmap(
        lambda c: st.tuples(
            st.just(c), st.lists(st.integers(0, 10_000), min_size=len(c), max_size=len(c))
        )
    )
)
def test_psi_is_its_formula(pair):
    """The sum of (q - p) log(q / p) over the bins with rows, where an empty side has half a row."""
    before, now = pair
    found = psi(np.array(before, dtype="float64"), np.array(now, dtype="float64"))
    if not sum(before) or not sum(now):
        assert isnan(found)
        return
    expected = 0.0
    for a, b in zip(before, now, strict=True):
        if not a + b:
            continue
        p, q = (a or 0.5) / sum(before), (b or 0.5) / sum(now)
        expected += (q - p) * log(q / p)
    assert found == pytest.approx(expected, abs=1e-12)
    back = psi(np.array(now, dtype="float64"), np.array(before, dtype="float64"))
    assert back == pytest.approx(found, abs=1e-12)


@given(st.lists(st.floats(0, 1) | st.just(nan), max_size=12))
def test_adjusting_is_holms_procedure(p_values):
    """The adjusted value is below a level exactly where the step-down procedure rejects."""
    adjusted = holm(p_values)
    assert [isnan(p) for p in adjusted] == [isnan(p) for p in p_values]
    assert all(isnan(p) or p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    tested = sorted((p, place) for place, p in enumerate(p_values) if not isnan(p))
    for level in (0.001, 0.01, 0.05, 0.3):
        rejected = set()
        for step, (p_value, place) in enumerate(tested):
            if p_value * (len(tested) - step) >= level:
                break
            rejected.add(place)
        assert {place for place, a in enumerate(adjusted) if a < level} == rejected


@given(*[st.integers(0, 300)] * 4)
def test_shares_are_tested_by_fisher(n_before, more_before, n_now, more_now):
    """Exactly, by the hypergeometric distribution; without any that counts there is no test."""
    found = share_test(n_before, n_before + more_before, n_now, n_now + more_now)
    if not n_before + n_now or not n_before + more_before or not n_now + more_now:
        assert isnan(found)
        return
    total, missing = n_before + more_before + n_now + more_now, n_before + n_now
    drawn = stats.hypergeom(total, missing, n_before + more_before)
    every = drawn.pmf(np.arange(missing + 1))
    expected = every[every <= drawn.pmf(n_before) * (1 + 1e-7)].sum()
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-300)


@pytest.mark.parametrize("make", [Numbers, Categories])
def test_an_empty_sample_is_compared_with_nothing(make):
    """No rows, or none that are known, on either side: no test, no size, no warning."""
    empty, lost, known = (np.array(v, dtype="float64") for v in ([], [nan] * 3, [1.0, 2.0, 3.0]))
    for reference, values in (
        (empty, empty), (empty, known), (lost, known), (known, empty), (known, lost), (lost, lost)
    ):  # fmt: skip
        found = make("x", "x", reference).compare(values)
        assert isnan(found.p_value)
        assert isnan(found.psi)
        assert found.severity == "ok"
        assert found.n_rows == len(there(values))


def test_a_shift_in_the_tail_alone_is_seen_by_the_test():
    """A tenth of the rows makes one bin: what moves within it is no large effect."""
    rng = np.random.default_rng(0)
    reference = rng.normal(size=10_000)
    numbers = Numbers("x", "x", reference)
    assert len(numbers.edges) == N_BINS - 1
    values = rng.normal(size=20_000)
    values[values > 1.6] += 5
    found = numbers.compare(values)
    assert found.p_value < 1e-9
    assert found.psi < 0.01
    assert found.unseen == pytest.approx(0.05, abs=0.02)
    assert found.unseen_p < 1e-9
