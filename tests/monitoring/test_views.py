"""Each column is looked at as what it is: numbers, categories, the hour and the weekday."""

from datetime import datetime

import numpy as np
import pytest

from mlkit import Schema, column
from mlkit.monitoring.drift import Categories, Numbers
from mlkit.monitoring.views import MOST_VALUES, matrix, views

N = 2_000


class Stay(Schema):
    """A column of each kind, and those that are not compared."""

    guest: str = column(role="key")
    email: str | None = column(pii=True)
    came: datetime | None = column(role="event_time")
    booked: datetime | None = column(tz="America/New_York")
    price: float | None
    nights: int
    beds: int | None
    breakfast: bool | None
    room: str | None
    stars: float = column(role="target")


def reference(seed: int = 0) -> dict[str, np.ndarray]:
    """Return checked values of each column."""
    rng = np.random.default_rng(seed)
    hours = rng.integers(0, 24 * 365, N).astype("timedelta64[h]")
    moments = np.datetime64("2013-01-01", "us") + hours
    moments[:100] = np.datetime64("NaT")
    price = rng.gamma(2, 40, N)
    price[:200] = np.nan
    return {
        "came": moments,
        "booked": moments,
        "price": price,
        "nights": rng.integers(1, 60, N),
        "beds": rng.choice(np.array([1, 2, 3, None], dtype=object), N),
        "breakfast": rng.choice(np.array([True, False, None], dtype=object), N),
        "room": rng.choice(np.array(["single", "double", None], dtype=object), N),
    }


@pytest.mark.parametrize(
    ("window", "parts"),
    [
        ("hour", ()),
        ("day", ("hour",)),
        *((w, ("hour", "weekday")) for w in ("week", "month", "all")),
    ],
)
def test_keys_personal_data_and_moments_are_not_compared(window, parts):
    """But the hours and weekdays of moments, where the windows have more than one."""
    found = views(Stay, reference(), window)
    of_moments = [(name, part) for name in ("came", "booked") for part in parts]
    rest = [(name, "") for name in ("price", "nights", "beds", "breakfast", "room")]
    assert [(view.column, view.part) for view in found] == of_moments + rest
    assert {view.name for view in found} >= {f"{name} ({part})" for name, part in of_moments}


def test_numbers_of_few_values_are_categories():
    """Up to twenty; of one more they are numbers."""
    for n_values, kind in ((MOST_VALUES, Categories), (MOST_VALUES + 1, Numbers)):
        values = reference() | {"nights": np.arange(N) % n_values}
        (nights,) = (v for v in views(Stay, values, "day") if v.column == "nights")
        assert type(nights.reference) is kind
    kinds = {view.column: type(view.reference) for view in views(Stay, reference(), "hour")}
    assert kinds == {
        "price": Numbers, "nights": Numbers, "beds": Categories, "breakfast": Categories,
        "room": Categories,
    }  # fmt: skip


def test_the_hour_and_the_weekday_are_the_calendars():
    """Also before 1970; a moment that is missing has neither."""
    moments = np.array(
        ["2013-04-08T00:30", "2013-04-14T23:59", "1969-12-31T22:00", "NaT"], dtype="datetime64[us]"
    )
    hour, weekday, *_ = views(Stay, reference(), "week")
    assert hour.of(moments)[:3].tolist() == [0, 23, 22]
    assert weekday.of(moments)[:3].tolist() == [
        datetime(2013, 4, 8).weekday(), datetime(2013, 4, 14).weekday(),
        datetime(1969, 12, 31).weekday(),
    ]  # fmt: skip
    assert np.isnan(hour.of(moments)[3])
    assert np.isnan(weekday.of(moments)[3])


def test_a_matrix_holds_numbers_and_the_places_of_categories():
    """A category is the same number in every sample, a new one another, a missing one NaN."""
    values = reference()
    chosen = views(Stay, values, "hour")
    rows, are_categories = matrix(chosen, values)
    assert rows.shape == (N, 5)
    assert are_categories == [False, False, True, True, True]
    np.testing.assert_array_equal(rows[:, 0], values["price"])
    room = chosen[-1]
    asked = np.array(["single", "suite", None, "double", "single"], dtype=object)
    single, suite, lost, double, again = room.numbers(asked).tolist()
    assert single == again
    assert len({single, double, suite}) == 3
    assert np.isnan(lost)
    np.testing.assert_array_equal(room.numbers(values["room"]), rows[:, -1])


def test_a_window_of_the_same_values_has_not_moved():
    """Whatever the kind, in any order."""
    values = reference()
    order = np.random.default_rng(1).permutation(N)
    for view in views(Stay, values, "week"):
        found = view.reference.compare(view.of(values[view.column][order]))
        assert (found.psi, found.statistic) == (pytest.approx(0), pytest.approx(0))
        assert (found.p_value, found.unseen) == (pytest.approx(1), 0)
        assert found.missing == found.missing_before
