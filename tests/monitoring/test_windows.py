"""Every row is in one window, which is the one of its time."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlkit.monitoring.windows import cut, least_days

KINDS = ("hour", "day", "week", "month")
moments = st.lists(
    st.datetimes(min_value=datetime(1960, 1, 1), max_value=datetime(2100, 1, 1)), min_size=1
)


def as_array(times: list[datetime]) -> np.ndarray:
    """Return moments as windows are cut of."""
    return np.array(times, dtype="datetime64[us]")


def starting(time: datetime, window: str) -> datetime:
    """Return when the window of a moment begins, by the calendar."""
    hour = time.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    return {
        "hour": hour,
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
    }[window]


def following(start: datetime, window: str) -> datetime:
    """Return when the next window begins."""
    days = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
    later = start + days.get(window, timedelta(days=31))
    return later.replace(day=1) if window == "month" else later


@given(moments, st.sampled_from(KINDS))
def test_every_row_is_in_one_window_its_own(times, window):
    """By the calendar in UTC: windows ascend, and the end of one is not in it."""
    order, spans = cut(as_array(times), len(times), window)
    places = np.arange(len(times)) if order is None else order
    assert sorted(places.tolist()) == list(range(len(times)))
    assert [span.rows.start for span in spans] == [0, *(span.rows.stop for span in spans[:-1])]
    assert spans[-1].rows.stop == len(times)
    for span in spans:
        starts = {starting(times[place], window) for place in places[span.rows]}
        (start,) = starts
        assert span.start == f"{start.isoformat()}Z"
        assert span.end == f"{following(start, window).isoformat()}Z"
    assert [span.start for span in spans] == sorted(
        {f"{starting(time, window).isoformat()}Z" for time in times}
    )


@given(moments, st.sampled_from([*KINDS, "all"]), st.randoms())
def test_the_order_of_rows_makes_no_window(times, window, random):
    """Of the same rows in any order there are the same windows."""
    mixed = random.sample(times, len(times))
    assert (
        cut(as_array(times), len(times), window)[1] == cut(as_array(mixed), len(mixed), window)[1]
    )


@pytest.mark.parametrize(
    ("window", "name", "start", "end"),
    [
        ("hour", "2013-04-10T23", "2013-04-10T23:00:00Z", "2013-04-11T00:00:00Z"),
        ("day", "2013-04-10", "2013-04-10T00:00:00Z", "2013-04-11T00:00:00Z"),
        ("week", "2013-04-08", "2013-04-08T00:00:00Z", "2013-04-15T00:00:00Z"),
        ("month", "2013-04", "2013-04-01T00:00:00Z", "2013-05-01T00:00:00Z"),
        ("all", "all", "2013-04-10T23:59:59.999999Z", "2013-04-11T00:00:00Z"),
    ],
)
def test_a_window_is_called_by_its_beginning(window, name, start, end):
    """A week by its Monday; all rows as such, from the first to right after the last."""
    _, (span,) = cut(as_array([datetime(2013, 4, 10, 23, 59, 59, 999_999)]), 1, window)
    assert (span.name, span.start, span.end) == (name, start, end)


@pytest.mark.parametrize("window", [*KINDS, "all"])
def test_rows_without_a_time_are_one_window(window):
    """Which begins and ends nowhere; of no rows there is none."""
    order, (span,) = cut(None, 3, window)
    assert (order, span.name, span.start, span.end, span.rows) == (None, "all", "", "", slice(0, 3))
    assert cut(None, 0, window) == (None, [])
    assert cut(as_array([]), 0, window) == (None, [])


def test_a_window_has_at_least_some_days():
    """As its kind says."""
    assert [least_days(kind) for kind in (*KINDS, "all")] == [1 / 24, 1, 7, 28, 28]
