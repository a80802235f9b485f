"""Rows for programs, tame or wild."""

import random
from ast import literal_eval
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from programs.writer import TEXTS, Sample

_TINY = 5e-324
_WILD = [
    1e308,
    -1e308,
    2.0**53,
    -(2.0**53),
    0.0,
    -0.0,
    _TINY,
    -1e-300,
    0.1,
    1e16,
    4503599627370497.5,
]
#: Whole numbers whose lower half, by which ONNX Runtime compares some, is another number.
_HALVES = [2**31, 2**32 + 1, 2**40, -(2**40)]
_TAME = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, 2.0, 3.7, 100.0, -2.5, 0.1, 1e-9]
_WORDS = [
    *map(literal_eval, TEXTS), "A", "Straße", "İstanbul", "café", "cafe\u0301", "👩‍👩‍👧", "日本語",
    "a\0b", " a\n", "\ta ", "\xa0a\xa0", "\u2003x", "abc", "ABC", "aab.yx.y", "none", "ßa", "ﬁ",
    "ǆ", "Σας", "\x1f", "nan",
]  # fmt: skip
#: Ends of months and years, leap days, and both sides of changes of the clock.
_DAYS = [
    "2024-03-31T01:30:00", "2024-10-27T01:30:00", "2024-10-27T00:30:00", "2024-03-10T07:00:00",
    "2024-11-03T05:59:59.999999", "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00",
    "2024-02-29T12:30:00", "2023-12-31T23:00:00", "2024-01-01T00:00:00", "2038-01-19T03:14:08",
    "2100-03-01T00:00:00", "2019-06-30T22:15:00",
]  # fmt: skip
_FAR = [
    "0001-01-02T00:00:00", "9999-12-30T23:59:59.999999", "1582-10-15T00:00:00",
    "1900-03-01T00:00:01", "1893-04-01T00:00:00", "2500-07-01T12:00:00", "4000-02-29T23:59:59",
]  # fmt: skip


def sample(seed: int, *, wild: bool, n_rows: int = 24) -> pd.DataFrame:
    """Return validated rows; wild ones hold extremes."""
    rng = random.Random(seed)  # noqa: S311

    def tame() -> float:
        return rng.choice([rng.choice(_TAME), rng.uniform(-5, 5), round(rng.uniform(-5, 5), 1)])

    def number() -> float:
        return (
            rng.choice([*_WILD, rng.uniform(-1e6, 1e6)]) if wild and rng.random() < 0.5 else tame()
        )

    def integer() -> int:
        extremes = [2**63 - 1, -(2**63) + 1, 2**53 + 1, -(2**31), 10**12, *_HALVES]
        return rng.choice(extremes) if wild and rng.random() < 0.3 else rng.randint(-10, 10)

    def text() -> str:
        if rng.random() < 0.3:
            return "".join(
                rng.choice(["a", "b", " ", ".", "ß", "X", "é"]) for _ in range(rng.randint(0, 6))
            )
        return rng.choice(_WORDS)

    def moment() -> datetime:
        if wild and rng.random() < 0.3:
            return datetime.fromisoformat(rng.choice(_FAR))
        if rng.random() < 0.5:
            return datetime.fromisoformat(rng.choice(_DAYS))
        years = (1800, 2200) if wild else (1950, 2037)
        start, end = (datetime(year, 1, 1) for year in years)
        return start + timedelta(
            microseconds=rng.randrange(int((end - start).total_seconds() * 1e6))
        )

    def lacking(make: Any) -> Any:
        return lambda: None if rng.random() < 0.25 else make()

    makers: dict[str, Any] = {
        "wide": number, "wild": lacking(number), "share": tame, "level": lacking(tame),
        "big": integer, "small": lambda: rng.randint(-10, 10),
        "rank": lacking(lambda: rng.randint(-10, 10)),
        "on": lambda: rng.random() < 0.5, "off": lambda: rng.random() < 0.5,
        "ok": lacking(lambda: rng.random() < 0.5), "fine": lacking(lambda: rng.random() < 0.5),
        "word": text, "name": lacking(text), "at": moment, "until": lacking(moment),
        "seen": moment, "met": lacking(moment),
    }  # fmt: skip
    data = {n: [make() for _ in range(n_rows)] for n, make in makers.items()}
    frame = pd.DataFrame({n: pd.Series(v, dtype=object) for n, v in data.items()})
    for name in ("seen", "met"):
        frame[name] = pd.Series(np.array(data[name], dtype="datetime64[us]")).dt.tz_localize("UTC")
    frame.index = rng.sample(range(100, 1000), n_rows)
    return Sample.validate(frame)
