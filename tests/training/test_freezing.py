"""A frozen holdout stays what it is, whatever rows come later."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from mlkit import Schema, Splitter, column
from mlkit.core.errors import ConfigError, DataError
from mlkit.training.freezing import freeze

RNG = np.random.default_rng(0)


class Timed(Schema):
    """A row with a time."""

    at: datetime = column(role="event_time")
    number: float
    answer: bool = column(role="target")


class Owned(Schema):
    """A row with an owner, whom several rows share."""

    owner: str = column(role="key")
    number: float
    answer: bool = column(role="target")


def rows(n_rows: int, first_day: int = 0) -> pd.DataFrame:
    """Return rows of thirty days from one on."""
    days = first_day + RNG.integers(0, 30, n_rows)
    return pd.DataFrame(
        {
            "at": pd.to_datetime("2024-01-01") + pd.to_timedelta(days, unit="D"),
            "owner": RNG.choice([f"o{i}" for i in range(20)], n_rows),
            "number": RNG.random(n_rows),
            "answer": RNG.random(n_rows) < 0.5,
        }
    )


OLD, NEW = rows(200), rows(200, first_day=15)


def split_with(splitter, frame, schema):
    """Split as the Trainer does."""
    frame = schema.validate(frame)
    return splitter.split(frame, schema, frame["answer"].to_numpy().astype("int64"))


@pytest.fixture
def frozen(tmp_path):
    """Return what freezes the default holdout of the old rows of a schema."""

    def freeze_old(schema):
        holdout = OLD.iloc[split_with(Splitter(), OLD, schema).holdout]
        freeze(tmp_path / "holdout.npy", schema.validate(holdout), schema)
        return holdout, Splitter(holdout=str(tmp_path / "holdout.npy"))

    return freeze_old


def test_the_same_rows_are_held_out_when_others_come(frozen):
    """In whatever order, and though an answer was corrected."""
    holdout, splitter = frozen(Timed)
    both = pd.concat([NEW, OLD.assign(answer=~OLD["answer"])], ignore_index=True)
    both = both.sample(frac=1, random_state=0)
    found = both.iloc[split_with(splitter, both, Timed).holdout]
    assert sorted(found["number"]) == sorted(holdout["number"])


def test_later_rows_than_the_frozen_ones_do_not_train(frozen):
    """They would tell a model of the holdout's days; the description says how many."""
    holdout, splitter = frozen(Timed)
    both = pd.concat([OLD, NEW], ignore_index=True)
    split = split_with(splitter, both, Timed)
    first = holdout["at"].min()
    assert both["at"].iloc[split.train].max() < first
    n_others = int((both["at"] >= first).sum()) - len(holdout)
    assert f"and {n_others} others at or after the first of them" in split.description
    spaced = split_with(replace(splitter, gap="5D"), both, Timed)
    assert both["at"].iloc[spaced.train].max() < first - pd.Timedelta("5D")


def test_groups_of_the_frozen_rows_do_not_train(frozen):
    """A new row of a held-out owner is known by halves."""
    holdout, splitter = frozen(Owned)
    both = pd.concat([OLD, NEW], ignore_index=True)
    split = split_with(splitter, both, Owned)
    assert not set(both["owner"].iloc[split.train]) & set(holdout["owner"])
    assert len(split.train) > 200


def test_a_holdout_is_frozen_once(frozen, tmp_path):
    """Another file would be another holdout."""
    frozen(Timed)
    with pytest.raises(ConfigError, match="is there already"):
        freeze(tmp_path / "holdout.npy", Timed.validate(OLD), Timed)
    with pytest.raises(ConfigError, match=r"ends in \.npy"):
        freeze(tmp_path / "holdout.txt", Timed.validate(OLD), Timed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (np.arange(3.0), "is no frozen holdout: it holds float64"),
        (np.arange(3, dtype="uint64"), "None of the 3 rows frozen"),
    ],
)
def test_a_file_of_other_rows_is_refused(tmp_path, content, message):
    """Absent, of another kind, or of rows that are not there."""
    path = tmp_path / "holdout.npy"
    if content is not None:
        np.save(path, content)
    with pytest.raises(DataError, match=message):
        split_with(Splitter(holdout=str(path)), OLD, Timed)
