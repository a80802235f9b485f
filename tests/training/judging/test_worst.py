"""The slices where a model errs most are found on one half, and told of by the other."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from mlkit import Schema, column
from mlkit.training.judging.metrics import row_losses
from mlkit.training.judging.slices import Slice
from mlkit.training.judging.worst import worst_slices


class Trip(Schema):
    """A trip; who took it is personal."""

    distance: float | None = column(ge=0)
    origin: str | None
    left_at: datetime = column(role="event_time")
    rider: str = column(pii=True)
    number: int = column(role="key")


def trips(n_rows: int = 4000, seed: int = 0) -> pd.DataFrame:
    """Return trips of which a tenth lack a distance."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "distance": np.where(rng.random(n_rows) < 0.1, np.nan, rng.uniform(0, 2000, n_rows)),
            "origin": rng.choice(["EWR", "JFK", "LGA"], n_rows),
            "left_at": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 8760, n_rows), "h"),
            "rider": rng.choice(["Ann", "Bo"], n_rows),
            "number": np.arange(n_rows),
        }
    )
    return Trip.validate(frame)


def found(frame: pd.DataFrame, losses: np.ndarray, **settings: object) -> list[Slice]:
    """Search with the settings of the default evaluation."""
    return worst_slices(frame, losses, Trip, **{"least": 50, "seed": 0, **settings})


def noise(frame: pd.DataFrame, seed: int = 0) -> np.ndarray:
    """Return losses that have nothing to do with the rows."""
    return np.random.default_rng(seed).exponential(size=len(frame))


def test_a_planted_slice_is_found_and_named():
    """Long trips from JFK, at twice the loss, are the worst slice, under their own name."""
    frame = trips()
    is_bad = ((frame["distance"] > 1400) & (frame["origin"] == "JFK")).to_numpy()
    worst, *_ = found(frame, noise(frame) + 2 * is_bad)
    assert set(worst.name.split(" and ")) >= {"origin=JFK"}
    assert "distance > 1" in worst.name
    assert is_bad[worst.rows].mean() > 0.9
    assert set(worst.column.split(", ")) >= {"origin", "distance"}


@pytest.mark.parametrize(
    ("is_bad", "name"),
    [
        (lambda frame: frame["distance"].isna(), "distance is missing"),
        (lambda frame: frame["left_at"].dt.hour > 17, "hour of left_at > 17.5"),
        (lambda frame: frame["origin"] != "LGA", "origin≠LGA"),
    ],
)
def test_every_kind_of_column_can_name_a_part(is_bad, name):
    """Missing values, parts of a moment, and all but one value."""
    frame = trips()
    (worst, *_) = found(frame, 0.01 * noise(frame) + is_bad(frame).to_numpy())
    assert name in worst.name.split(" and ")


def test_rows_are_what_the_name_says():
    """A row without a distance is in no slice that its distance names."""
    frame = trips()
    losses = noise(frame) + 3 * (frame["distance"] > 1000).to_numpy()
    for part in found(frame, losses):
        assert (frame["distance"].iloc[part.rows] > 900).all()


def test_personal_data_and_keys_name_no_part():
    """A slice by who rode would show personal data, one by number none that comes again."""
    frame = trips()
    losses = noise(frame) + 3 * (frame["rider"] == "Ann") + 3 * (frame["number"] > 3000)
    names = " ".join(part.name for part in found(frame, losses.to_numpy()))
    assert "rider" not in names
    assert "number" not in names


@pytest.mark.parametrize("start", range(0, 200, 100))
def test_none_is_found_where_errors_are_alike(start):
    """At a risk of 5 %, of 100 samples without a worse slice few name one."""
    frame = trips(800)
    named = [
        bool(found(frame, noise(frame, seed), seed=seed)) for seed in range(start, start + 100)
    ]
    assert sum(named) <= 10


def test_days_that_were_bad_are_no_part():
    """Losses that whole days share do not count as often as the days have rows."""
    frame = trips(1500)
    days = pd.factorize(frame["left_at"].dt.floor("5D"))[0]
    named = 0
    for seed in range(60):
        by_day = np.random.default_rng(seed).exponential(size=days.max() + 1)[days]
        named += bool(found(frame, by_day, clusters=days, seed=seed, least=100))
    assert named <= 8


def test_few_rows_have_no_slices():
    """Halves that could hold no two slices are not searched."""
    frame = trips(150)
    assert found(frame, noise(frame) + 5 * (frame["origin"] == "JFK").to_numpy()) == []


def test_losses_of_each_task():
    """The log loss of the truth, in two or more classes, or the absolute error."""
    binary = row_losses(np.array([1, 0]), np.array([0.5, 0.5]))
    several = row_losses(np.array([2, 0]), np.array([[0.25, 0.25, 0.5], [0.5, 0.25, 0.25]]))
    np.testing.assert_allclose([binary, several], np.log(2))
    np.testing.assert_array_equal(row_losses(np.array([1.0, 2.0]), np.array([3.0, 2.0])), [2, 0])
