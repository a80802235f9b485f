"""Datetimes and spans of time: their parts, by whole-number arithmetic on microseconds."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from spox import Var

from mlkit.core.rows import NO_INTEGER
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.trees import step_function
from mlkit.training.compilation.values import Value, cast, const, is_missing, or_missing

SECOND = 1_000_000
DAY = 86_400 * SECOND
_UNITS = {"D": DAY, "d": DAY, "h": 3600 * SECOND, "min": 60 * SECOND, "s": SECOND, "ms": 1000}
#: The Gregorian calendar, weekdays included, repeats after this many seconds.
_CYCLE = 146_097 * 86_400
_YEAR, _WEEK = 31_556_952, 7 * 86_400
#: Offsets change rarely before 1800, and from 2500 on as in the cycle before (s since 1970).
_FIRST, _DENSE, _LAST = -1968 * _YEAR, -170 * _YEAR, 530 * _YEAR


def part(value: Value, name: str) -> Value:
    """Return what `Series.dt` calls `name`, of datetimes in their own time zone."""
    if value.dtype == "timedelta":
        return _span_part(value, name)
    if name not in PARTS:
        raise Untraceable(f".dt.{name}", f"Of datetimes, take one of {', '.join(sorted(PARTS))}.")
    local = wall_clock(value)
    found = PARTS[name](local.var)
    is_flag = name.startswith("is_")
    if is_flag:
        held = op.and_(found, op.not_(is_missing(value))) if value.can_miss else found
        return Value(dtype="bool", var=held)
    number = Value(dtype="int32", var=op.cast(found, to=np.int32), wide=found)
    return or_missing(value, number)


def total_seconds(value: Value) -> Value:
    """Return spans of time in seconds."""
    if value.dtype != "timedelta":
        raise Untraceable(f"total_seconds of {value.dtype}", "Subtract two datetimes first.")
    if _seconds_apart():
        rest = op.mod(value.var, _number(SECOND))
        whole = op.div(op.sub(value.var, rest), _number(SECOND))
        part_of_one = op.div(op.cast(rest, to=np.float64), const(float(SECOND)))
        seconds = op.add(op.cast(whole, to=np.float64), part_of_one)
    else:
        seconds = op.div(op.cast(value.var, to=np.float64), const(float(SECOND)))
    return or_missing(value, Value(dtype="float64", var=seconds))


@cache
def _seconds_apart() -> bool:
    """Whether pandas adds a fraction to whole seconds, as 3.1 does; before, it divides once."""
    span = pd.Series(np.array([-300_000], dtype="timedelta64[us]"))
    return bool(span.dt.total_seconds()[0] != -0.3)


def floor(value: Value, unit: str) -> Value:
    """Round datetimes or spans down to days, hours, minutes or seconds, or several."""
    count = unit.rstrip("".join(_UNITS))
    size = _UNITS.get(unit.removeprefix(count))
    if size is None or (count and not (count.isdecimal() and int(count))):
        raise Untraceable(f"floor to {unit!r}", f"Use one of {', '.join(_UNITS)}, as in '15min'.")
    if value.tz not in (None, "UTC"):
        raise Untraceable(
            f"rounding in the zone {value.tz}", "Take .dt.tz_localize(None) of it first."
        )
    step = _number(size * int(count or 1))
    whole = op.sub(value.var, op.mod(value.var, step))
    if value.can_miss:
        whole = op.where(is_missing(value), value.var, whole)
    return Value(dtype=value.dtype, var=whole, can_miss=value.can_miss, tz=value.tz)


def wall_clock(value: Value) -> Value:
    """Return datetimes as the clocks of their zone show them, without a zone."""
    if value.tz in (None, "UTC"):
        return Value(dtype="datetime", var=value.var, can_miss=value.can_miss)
    seconds = _floor_div(value.var, SECOND)
    edges, offsets = _offsets(value.tz)
    if edges[-1] > _LAST - _CYCLE // 4:
        # The last rule goes on: what comes after the list is as it was a cycle before.
        start, cycle = _number(edges[-1] - _CYCLE), _number(_CYCLE)
        wrapped = op.add(start, op.mod(op.sub(seconds, start), cycle))
        late = op.greater_or_equal(seconds, _number(edges[-1]))
        seconds = op.where(late, wrapped, seconds)
    offset = step_function(op.cast(seconds, to=np.float64), edges, offsets)
    micros = op.mul(op.cast(offset, to=np.int64), _number(SECOND))
    var = op.add(value.var, micros)
    if value.can_miss:
        var = op.where(is_missing(value), _number(NO_INTEGER), var)
    return Value(dtype="datetime", var=var, can_miss=value.can_miss)


@cache
def _offsets(zone: str) -> tuple[list[int], list[int]]:
    """Return when pandas changes a zone's offset (s since 1970), and the offsets between (s)."""
    grid = np.r_[_FIRST:_DENSE:_YEAR, _DENSE:_LAST:_WEEK]
    found = _offsets_at(grid, zone)
    changes = np.flatnonzero(np.diff(found))
    before, after = grid[changes], grid[changes + 1]
    while (after - before > 1).any():
        middle = (before + after) // 2
        is_old = _offsets_at(middle, zone) == found[changes]
        before, after = np.where(is_old, middle, before), np.where(is_old, after, middle)
    if not len(after):
        return [_FIRST], [int(found[0])] * 2
    return after.tolist(), [int(found[0]), *found[changes + 1].tolist()]


def _offsets_at(seconds: np.ndarray, zone: str) -> np.ndarray:
    utc = pd.DatetimeIndex(seconds.astype("datetime64[s]"), tz="UTC")
    local = utc.tz_convert(zone).tz_localize(None)
    return np.asarray(local.asi8 - utc.asi8)


def _floor_div(var: Var, divisor: int) -> Var:
    by = _number(divisor)
    return op.div(op.sub(var, op.mod(var, by)), by)


def _number(value: int) -> Var:
    return const(value, "int64")


def _days(micros: Var) -> Var:
    return _floor_div(micros, DAY)


def _in_day(micros: Var, unit: int, count: int | None = None) -> Var:
    """Return how many whole units of the day have gone by, of `count` before it starts anew."""
    whole = op.div(op.mod(micros, _number(DAY)), _number(unit))
    return whole if count is None else op.mod(whole, _number(count))


def _civil(micros: Var) -> tuple[Var, Var, Var]:
    """Return year, month and day.

    After Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013): years
    that begin in March, in eras of 400, make every division one of non-negative
    numbers.
    """
    n = _number
    shifted = op.add(_days(micros), n(719_468))
    era = _floor_div(shifted, 146_097)
    of_era = op.sub(shifted, op.mul(era, n(146_097)))
    leaps = op.sub(
        op.add(op.sub(of_era, op.div(of_era, n(1460))), op.div(of_era, n(36_524))),
        op.div(of_era, n(146_096)),
    )
    year_of_era = op.div(leaps, n(365))
    before = op.sub(
        op.add(op.mul(year_of_era, n(365)), op.div(year_of_era, n(4))),
        op.div(year_of_era, n(100)),
    )
    of_year = op.sub(of_era, before)
    shifted_month = op.div(op.add(op.mul(of_year, n(5)), n(2)), n(153))
    start = op.div(op.add(op.mul(shifted_month, n(153)), n(2)), n(5))
    day = op.add(op.sub(of_year, start), n(1))
    month = op.add(op.mod(op.add(shifted_month, n(2)), n(12)), n(1))
    year = op.add(op.add(year_of_era, op.mul(era, n(400))), op.cast(_early(month), to=np.int64))
    return year, month, day


def _early(month: Var) -> Var:
    return op.less_or_equal(month, _number(2))


def _leap(year: Var) -> Var:
    def divides(by: int) -> Var:
        return op.equal(op.mod(year, _number(by)), _number(0))

    return op.or_(op.and_(divides(4), op.not_(divides(100))), divides(400))


def _weekday(micros: Var) -> Var:
    # 1 January 1970 was a Thursday; Monday is 0.
    monday = op.add(micros, _number(3 * DAY))
    return op.div(op.mod(monday, _number(7 * DAY)), _number(DAY))


def _day_of_year(micros: Var) -> Var:
    year, month, day = _civil(micros)
    n = _number
    # Days before each month of a plain year, by the same line as in `_civil`.
    march_on = op.div(op.add(op.mul(op.sub(month, n(3)), n(153)), n(2)), n(5))
    leap_day = op.cast(_leap(year), to=np.int64)
    late = op.add(op.add(march_on, n(59)), leap_day)
    early = op.mul(op.sub(month, n(1)), n(31))
    return op.add(op.where(_early(month), early, late), day)


def _days_in_month(micros: Var) -> Var:
    year, month, _ = _civil(micros)
    n = _number
    # 31 and 30 alternate, and start anew in August.
    odd = op.mod(op.add(month, op.div(month, n(8))), n(2))
    february = op.add(n(28), op.cast(_leap(year), to=np.int64))
    return op.where(op.equal(month, n(2)), february, op.add(n(30), odd))


def _quarter(micros: Var) -> Var:
    return op.add(op.div(op.sub(_civil(micros)[1], _number(1)), _number(3)), _number(1))


def _is(found: Var, number: int) -> Var:
    return op.equal(found, _number(number))


def _starts(micros: Var, months: int) -> Var:
    """Return which days are the first of a span of months that begins with January."""
    _, month, day = _civil(micros)
    return op.and_(_is(day, 1), _is(op.mod(op.sub(month, _number(1)), _number(months)), 0))


def _ends(micros: Var, months: int) -> Var:
    return _starts(op.add(micros, _number(DAY)), months)


PARTS: dict[str, Callable[[Var], Var]] = {
    "year": lambda t: _civil(t)[0],
    "month": lambda t: _civil(t)[1],
    "day": lambda t: _civil(t)[2],
    "hour": lambda t: _in_day(t, 3600 * SECOND),
    "minute": lambda t: _in_day(t, 60 * SECOND, 60),
    "second": lambda t: _in_day(t, SECOND, 60),
    "microsecond": lambda t: op.mod(t, _number(SECOND)),
    "dayofweek": _weekday,
    "day_of_week": _weekday,
    "weekday": _weekday,
    "dayofyear": _day_of_year,
    "day_of_year": _day_of_year,
    "days_in_month": _days_in_month,
    "daysinmonth": _days_in_month,
    "quarter": _quarter,
    "is_month_start": lambda t: _starts(t, 1),
    "is_month_end": lambda t: _ends(t, 1),
    "is_quarter_start": lambda t: _starts(t, 3),
    "is_quarter_end": lambda t: _ends(t, 3),
    "is_year_start": lambda t: _starts(t, 12),
    "is_year_end": lambda t: _ends(t, 12),
    "is_leap_year": lambda t: _leap(_civil(t)[0]),
}
SPAN_PARTS = ("days", "seconds", "microseconds")


def _span_part(value: Value, name: str) -> Value:
    if name not in SPAN_PARTS:
        raise Untraceable(
            f".dt.{name} of a span of time", f"Take {', '.join(SPAN_PARTS)} or total_seconds()."
        )
    if name == "days":
        found, dtype = _days(value.var), "int64"
    elif name == "seconds":
        found, dtype = _in_day(value.var, SECOND), "int32"
    else:
        found, dtype = op.mod(value.var, _number(SECOND)), "int32"
    return or_missing(value, cast(Value(dtype="int64", var=found), dtype))
