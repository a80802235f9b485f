"""Held-out rows are later, other groups, or a fair share; never seen in training."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from mlkit import Schema, Splitter, column
from mlkit.core.errors import ConfigError, DataError

N_ROWS = 200
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "at": pd.to_datetime("2024-01-01") + pd.to_timedelta(RNG.integers(0, 90, N_ROWS), unit="D"),
        "owner": RNG.choice([f"o{i}" for i in range(20)], N_ROWS),
        "number": [f"n{i}" for i in range(N_ROWS)],
        "zone": pd.to_datetime(["2024-01-01T00:00Z"] * N_ROWS).tz_convert("Europe/Berlin"),
    }
)
CODES = RNG.integers(0, 2, N_ROWS)


class Timed(Schema):
    """A row with a time and an owner."""

    at: datetime = column(role="event_time")
    owner: str = column(role="key")


class Owned(Schema):
    """A row with an owner, whom several rows share."""

    number: str = column(role="key")
    owner: str | None = column(role="key")


class Numbered(Schema):
    """A row with a number of its own."""

    number: str = column(role="key")


@pytest.mark.parametrize(
    ("schema", "kind"), [(Timed, "time"), (Owned, "group"), (Numbered, "stratified")]
)
def test_the_default_follows_the_schema(schema, kind):
    """In time where there is one, by group where rows share a key, else stratified."""
    split = Splitter().split(FRAME, schema, CODES)
    assert split.kind == kind
    assert sorted([*split.train, *split.holdout]) == list(range(N_ROWS))


def test_time_holds_out_the_latest_rows():
    """Every held-out row is later than every training row; rows of one moment stay together."""
    split = Splitter(test_fraction=0.3).split(FRAME, Timed, CODES)
    assert FRAME["at"].iloc[split.train].max() < FRAME["at"].iloc[split.holdout].min()
    assert 0.25 < len(split.holdout) / N_ROWS < 0.35


def test_a_cut_overrides_the_share():
    """All rows from the cut on are held out."""
    split = Splitter(cut="2024-03-01").split(FRAME, Timed, CODES)
    assert (FRAME["at"].iloc[split.holdout] >= "2024-03-01").all()
    assert (FRAME["at"].iloc[split.train] < "2024-03-01").all()


def test_groups_stay_whole():
    """No owner is on both sides, and rows without one are spread by themselves."""
    frame = FRAME.assign(owner=FRAME["owner"].where(FRAME["owner"] != "o1", None))
    split = Splitter(seed=1).split(frame, Owned, CODES)
    owners = frame["owner"]
    assert not set(owners.iloc[split.train].dropna()) & set(owners.iloc[split.holdout].dropna())


def test_stratified_keeps_the_classes_proportions():
    """The share of each class is the same on both sides, within a row."""
    split = Splitter(kind="stratified").split(FRAME, Timed, CODES)
    assert CODES[split.holdout].mean() == pytest.approx(CODES.mean(), abs=1 / len(split.holdout))


def test_a_seed_decides():
    """The same seed gives the same rows, another gives others."""
    once, twice, other = (
        Splitter(kind="stratified", seed=seed).split(FRAME, Timed, CODES).holdout
        for seed in (1, 1, 2)
    )
    assert once.tolist() == twice.tolist() != other.tolist()


@pytest.mark.parametrize(
    ("splitter", "schema", "error", "message"),
    [
        (Splitter(kind="time"), Owned, ConfigError, "event_time"),
        (Splitter(kind="group"), Numbered, ConfigError, "several rows share"),
        (Splitter(cut="2030-01-01"), Timed, DataError, "0 to evaluate"),
        (Splitter(cut="2000-01-01"), Timed, DataError, "0 rows to train"),
        (Splitter(cut="soon"), Timed, ConfigError, "ISO 8601"),
    ],
)
def test_refuses_a_split_that_cannot_be(splitter, schema, error, message):
    """A kind without its column, or an empty side, is named."""
    with pytest.raises(error, match=message):
        splitter.split(FRAME, schema, CODES)


def test_refuses_too_few_rows():
    """One row of a class cannot be on both sides; nor can a row be without its time."""
    with pytest.raises(DataError, match="single row"):
        Splitter(kind="stratified").split(FRAME[:3], Timed, np.array([0, 0, 1]))
    with pytest.raises(DataError, match="4 rows are too few"):
        Splitter(kind="stratified").split(FRAME[:4], Timed, np.array([0, 0, 1, 1]))
    timeless = FRAME.assign(at=FRAME["at"].where(FRAME.index > 0))
    with pytest.raises(DataError, match="1 rows have no at"):
        Splitter().split(timeless, Timed, CODES)


@pytest.mark.parametrize("arguments", [{"kind": "random"}, {"test_fraction": 1.0}])
def test_refuses_settings_out_of_range(arguments):
    """A wrong kind or share is named."""
    with pytest.raises(ConfigError, match=r"split\."):
        Splitter(**arguments)
