"""A model is judged apart on parts of the rows, named so that people know them."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from mlkit import Schema, column
from mlkit.core.errors import ConfigError
from mlkit.training.judging.slices import MOST_VALUES, slices


class Trip(Schema):
    """A trip."""

    city: str | None
    passenger: str = column(pii=True)
    stops: int
    fare: float | None
    is_night: bool
    at: datetime = column(role="event_time")


@pytest.fixture
def trips() -> pd.DataFrame:
    """Return 120 trips; a tenth has no city, a quarter no fare."""
    n_rows = np.arange(120)
    return Trip.validate(
        pd.DataFrame(
            {
                "city": np.where(n_rows % 10 == 0, None, np.where(n_rows % 3, "Ulm", "Bern")),
                "passenger": [f"p{n}" for n in n_rows],
                "stops": n_rows % 3,
                "fare": np.where(n_rows % 4 == 0, np.nan, n_rows * 1.5),
                "is_night": n_rows % 2 == 0,
                "at": pd.Timestamp("2024-01-30") + pd.to_timedelta(n_rows % 3, unit="D"),
            }
        )
    )


def found(trips: pd.DataFrame, *names: str, least: int = 1) -> dict[str, int]:
    """Return how many rows each slice has."""
    return {part.name: len(part.rows) for part in slices(trips, Trip, names, least=least)}


def test_few_values_are_a_slice_each(trips):
    """Text, booleans, small whole numbers; and what is missing is a slice of its own."""
    assert found(trips, "city", "stops", "is_night") == {
        "city=Bern": 36,
        "city=Ulm": 72,
        "city is missing": 12,
        "stops=0": 40,
        "stops=1": 40,
        "stops=2": 40,
        "is_night=False": 60,
        "is_night=True": 60,
    }


def test_numbers_are_cut_at_their_quartiles(trips):
    """Many distinct numbers make four slices of about as many rows."""
    parts = found(trips, "fare")
    assert parts.pop("fare is missing") == 30
    assert list(parts.values()) == [23, 22, 22, 23]


def test_datetimes_are_cut_by_month(trips):
    """Each month that occurs is a slice."""
    assert found(trips, "at") == {"at=2024-01": 80, "at=2024-02": 40}


def test_small_slices_are_left_out(trips):
    """A slice needs as many rows as were asked for."""
    assert found(trips, "city", least=40) == {"city=Ulm": 72}


def test_only_the_most_frequent_values_are_slices(trips):
    """Text of many values gives no more slices than a person reads."""
    rare = trips.assign(city=[f"city {n % 60}" if n < 60 else "Ulm" for n in range(120)])
    parts = found(Trip.validate(rare), "city")
    assert len(parts) == MOST_VALUES
    assert parts["city=Ulm"] == 60


def test_slices_hold_the_rows_that_their_name_says(trips):
    """Positions are those of the rows with that value."""
    for part in slices(trips, Trip, ["city"], least=1):
        values = trips["city"].iloc[part.rows]
        expected = None if part.name.endswith("missing") else part.name.partition("=")[2]
        assert values.isna().all() if expected is None else (values == expected).all()


def test_personal_data_are_no_slices(trips):
    """A slice's name would show whose rows they are."""
    with pytest.raises(ConfigError, match="passenger would show personal data"):
        found(trips, "passenger")


def test_an_unknown_column_names_the_nearest(trips):
    """A misspelt column is a ConfigError before anything is cut."""
    with pytest.raises(ConfigError, match="city"):
        found(trips, "citty")
