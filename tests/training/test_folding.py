"""Cross-validation leaks no more than the split does."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlkit import Schema, Splitter, column
from mlkit.core.errors import ConfigError, DataError
from mlkit.training.folding import folds


class Visit(Schema):
    """A visit of somebody, at some time."""

    visitor: str | None = column(role="key")
    value: float
    at: datetime = column(role="event_time")


def visits(n_rows: int, seed: int = 0) -> pd.DataFrame:
    """Return visits of eight people within 60 days, in no order."""
    rng = np.random.default_rng(seed)
    return Visit.validate(
        pd.DataFrame(
            {
                "visitor": rng.choice(list("abcdefgh"), n_rows),
                "value": rng.normal(size=n_rows),
                "at": pd.Timestamp("2024-01-01")
                + pd.to_timedelta(rng.integers(0, 60, n_rows), unit="D"),
            }
        )
    )


@given(seed=st.integers(0, 2**32 - 1), n_folds=st.integers(2, 6), gap=st.sampled_from([None, "3D"]))
def test_folds_in_time_train_on_the_past_only(seed, n_folds, gap):
    """Every training row lies before the judged ones by more than the gap; none is judged twice."""
    frame = visits(300, seed)
    codes = np.random.default_rng(seed).integers(0, 2, 300)
    found = folds(Splitter(gap=gap), frame, Visit, codes, n_folds)
    assert len(found) == n_folds
    for fold in found:
        before = frame["at"].iloc[fold.train].max()
        after = frame["at"].iloc[fold.holdout].min()
        assert after - before > pd.Timedelta(gap or 0)
    judged = np.concatenate([fold.holdout for fold in found])
    assert len(np.unique(judged)) == len(judged)
    latest = frame["at"].iloc[judged].min()
    assert set(judged) == set(np.flatnonzero(frame["at"] >= latest))


@given(seed=st.integers(0, 2**32 - 1), is_class=st.booleans())
def test_folds_by_group_share_no_key(seed, is_class):
    """Each key is judged once, and never on both sides."""
    frame = visits(200, seed)
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, 200) if is_class else rng.normal(size=200)
    found = folds(Splitter(kind="group"), frame, Visit, codes, 4)
    for fold in found:
        sides = [set(frame["visitor"].iloc[rows]) for rows in (fold.train, fold.holdout)]
        assert not sides[0] & sides[1]
    assert sorted(np.concatenate([fold.holdout for fold in found])) == list(range(200))


def test_stratified_folds_keep_the_classes_proportions():
    """Each of five folds judges a fifth of each class."""
    codes = np.repeat([0, 1], [150, 50])
    found = folds(Splitter(kind="stratified"), visits(200), Visit, codes, 5)
    assert [np.bincount(codes[fold.holdout]).tolist() for fold in found] == [[30, 10]] * 5


def test_a_fold_can_be_cut_into_folds_of_its_own():
    """Nested validation never looks at the outer fold's judged rows."""
    frame = visits(300)
    codes = np.arange(300) % 2
    for outer in folds(Splitter(), frame, Visit, codes, 3):
        inner_frame = frame.iloc[outer.train]
        for inner in folds(Splitter(), inner_frame, Visit, codes[outer.train], 2):
            assert (
                inner_frame["at"].iloc[inner.holdout].max() < frame["at"].iloc[outer.holdout].min()
            )


@pytest.mark.parametrize(
    ("kind", "codes", "n_folds", "message"),
    [
        ("stratified", np.repeat([0, 1], [27, 3]), 5, "rarest class has 3 rows, too few for 5"),
        ("group", np.arange(30) % 2, 20, "values of visitor are too few for 20 folds"),
        ("time", np.arange(30) % 2, 40, "30 rows at .* moments of at are too few for 40 folds"),
        ("stratified", np.arange(30.0), 31, "30 rows are too few for 31 folds"),
        ("time", np.repeat([0, 1], [29, 1]), 3, "training rows of fold 1 of 3 lack a class"),
    ],
)
def test_too_little_for_the_folds_is_an_error(kind, codes, n_folds, message):
    """Too few rows, moments, keys or classes are named before anything is fitted."""
    frame = visits(30).sort_values("at", ignore_index=True)
    with pytest.raises(DataError, match=message):
        folds(Splitter(kind=kind), frame, Visit, codes, n_folds)


def test_one_fold_is_none():
    """Fewer than two folds are refused."""
    with pytest.raises(ConfigError, match="at least 2 folds, got 1"):
        folds(Splitter(), visits(30), Visit, np.arange(30) % 2, 1)


def test_a_gap_keeps_the_days_before_the_holdout_out():
    """Rows in the gap are on neither side."""
    frame = visits(300)
    split = Splitter(cut="2024-02-10", gap="7D").split(frame, Visit, np.arange(300) % 2)
    in_gap = (frame["at"] >= "2024-02-03") & (frame["at"] < "2024-02-10")
    assert set(np.flatnonzero(in_gap)).isdisjoint([*split.train, *split.holdout])
    assert len(split.train) + len(split.holdout) + in_gap.sum() == 300
    assert "the 7D before it left out" in split.description


@pytest.mark.parametrize("gap", ["soon", "-3D"])
def test_a_gap_that_is_no_time_is_refused(gap):
    """What pandas cannot read as a time, or what lies behind, is a ConfigError."""
    with pytest.raises(ConfigError, match=r"split\.gap must be a time"):
        Splitter(gap=gap)
