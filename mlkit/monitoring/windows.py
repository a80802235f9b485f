"""Cut rows into spans of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

#: What numpy calls the spans that begin where its own do.
_UNITS = {"hour": "h", "day": "D", "month": "M"}
_DAYS = {"hour": 1 / 24, "day": 1, "week": 7, "month": 28, "all": 28}
#: 1970-01-01 was a Thursday.
_THURSDAY = 3
#: Share of a window that must have been looked at, for its hours and weekdays to be all there.
_WHOLE = 0.9
#: Days without windows from which on one more or less of an hour or a weekday is no drift.
_MANY_DAYS = {"hour": 7, "weekday": 28}
#: After how many days each begins again.
_CYCLES = {"hour": 1, "weekday": 7}
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One window and its rows.

    Attributes
    ----------
    name
        Such as `2013-04`.
    start, end
        In UTC, as ISO 8601; empty where there are no times.
    rows
        Positions in the order of `order`.
    parts
        What a moment may be compared by in it, `hour` and `weekday`: an unfinished day has not
        all hours, and that is no drift.
    """

    name: str
    start: str
    end: str
    rows: slice
    parts: frozenset[str]


def weekdays(moments: np.ndarray) -> np.ndarray:
    """Return the days of the week (n_rows,) from 0, Monday; of NaT any number."""
    found: np.ndarray = (moments.astype("datetime64[D]").astype("int64") + _THURSDAY) % 7
    return found


def least_days(window: str) -> float:
    """Return how many days a window of a kind has at least."""
    return _DAYS[window]


def parts(window: str) -> list[str]:
    """Return what a moment may be compared by in a whole window of a kind; see `Span.parts`."""
    return [part for part, days in _CYCLES.items() if least_days(window) >= days]


def cut(
    times: np.ndarray | None,
    n_rows: int,
    window: str,
    between: tuple[np.datetime64, np.datetime64] | None = None,
) -> tuple[np.ndarray | None, list[Span]]:
    """Return the order in which rows are by window, and the windows that have rows, by time.

    Parameters
    ----------
    times
        Shape (n_rows,), datetime64[us] in UTC, none missing; None: all rows are one window.
    n_rows
        How many there are.
    window
        `hour`, `day`, `week` (from Monday), `month` or `all`.
    between
        The first moment that was looked at, and the one after the last; None: windows are
        whole.

    Returns
    -------
    tuple
        The order is None where rows are in it already.
    """
    if not n_rows:
        return None, []
    if times is None or window == "all":
        start, end = ("", "") if times is None else _bounds(times)
        days = _DAYS["all"] if times is None else (times.max() - times.min()) / _DAY
        many = frozenset(part for part, least in _MANY_DAYS.items() if days >= least)
        return None, [Span(name="all", start=start, end=end, rows=slice(0, n_rows), parts=many)]
    starts = _starts(times, window)
    order = None
    if (np.diff(starts.astype("int64")) < 0).any():
        order = np.argsort(starts, kind="stable")
        starts = starts[order]
    return order, list(_spans(starts, window, between))


def _spans(
    starts: np.ndarray, window: str, between: tuple[np.datetime64, np.datetime64] | None
) -> Iterator[Span]:
    within = frozenset(parts(window))
    distinct, first = np.unique(starts, return_index=True)
    lasts = [*first[1:], len(starts)]
    for start, begin, end in zip(distinct, first, lasts, strict=True):
        following = start + (7 if window == "week" else 1)
        yield Span(
            name=str(start),
            start=_iso(start),
            end=_iso(following),
            rows=slice(int(begin), int(end)),
            parts=within if _is_whole(start, following, between) else frozenset(),
        )


def _is_whole(
    start: np.datetime64,
    following: np.datetime64,
    between: tuple[np.datetime64, np.datetime64] | None,
) -> bool:
    if between is None:
        return True
    ends = np.array([start, following], dtype="datetime64[us]")
    looked = np.clip(ends, *between)
    return bool(looked[1] - looked[0] >= _WHOLE * (ends[1] - ends[0]))


def _starts(times: np.ndarray, window: str) -> np.ndarray:
    if window != "week":
        return times.astype(f"datetime64[{_UNITS[window]}]")
    mondays: np.ndarray = times.astype("datetime64[D]") - weekdays(times)
    return mondays


def _bounds(times: np.ndarray) -> tuple[str, str]:
    # The end of a span is not in it.
    return _iso(times.min()), _iso(times.max() + np.timedelta64(1, "us"))


def _iso(moment: Any) -> str:
    return f"{np.datetime64(moment, 'us').item().isoformat()}Z"
