"""Terms, and what a program is written with."""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime

from mlkit import Schema, column


class Sample(Schema):
    """A column of every type, twice where its values may be wild."""

    wide: float
    wild: float | None
    share: float
    level: float | None
    big: int
    small: int
    rank: int | None
    on: bool
    off: bool
    ok: bool | None
    fine: bool | None
    word: str
    name: str | None
    at: datetime
    until: datetime | None
    seen: datetime = column(tz="Europe/Berlin")
    met: datetime | None = column(tz="America/New_York")


@dataclass(frozen=True)
class Term:
    """An expression, and what is known of it.

    Attributes
    ----------
    code
        Its source.
    kind
        float, float32, int, int32, bool, boolean, text, moment, zoned or span.
    may_miss
        Whether a value may be missing.
    is_exact
        Whether both sides compute it alike to the last bit; else it must not be
        compared, rounded down or told apart.
    is_series
        Whether it is a Series, not an array.
    is_signed
        Whether its zeros have kept their sign: ONNX Runtime makes 0.0 of -0.0
        where it chooses, which shows only where something is divided by it.
    """

    code: str
    kind: str
    may_miss: bool = False
    is_exact: bool = True
    is_series: bool = True
    is_signed: bool = True


COLUMNS = [
    Term('frame["wide"]', "float"),
    Term('frame["wild"]', "float", may_miss=True),
    Term('frame["share"]', "float"),
    Term('frame["level"]', "float", may_miss=True),
    Term('frame["big"]', "int"),
    Term('frame["small"]', "int"),
    Term('frame["rank"]', "float", may_miss=True),
    Term('frame["on"]', "bool"),
    Term('frame["off"]', "bool"),
    Term('frame["ok"]', "boolean", may_miss=True),
    Term('frame["fine"]', "boolean", may_miss=True),
    Term('frame["word"]', "text"),
    Term('frame["name"]', "text", may_miss=True),
    Term('frame["at"]', "moment"),
    Term('frame["until"]', "moment", may_miss=True),
    Term('frame["seen"]', "zoned"),
    Term('frame["met"]', "zoned", may_miss=True),
]
FLOATS = ("float", "float32")
INTEGERS = ("int", "int32")
NUMBERS = (*FLOATS, *INTEGERS)
FLOAT_CONSTANTS = [
    "0.0",
    "-0.0",
    "1.0",
    "-1.0",
    "0.5",
    "2.0",
    "3.7",
    "1e-3",
    "100.0",
    "1e10",
    "-2.5",
]
INTEGER_CONSTANTS = ["-7", "-3", "-1", "0", "1", "2", "3", "10", "100"]
TEXTS = [
    "''",
    "'a'",
    "'A'",
    "'ß'",
    "'İ'",
    "'é'",
    "' '",
    "'x.y'",
    "'b'",
    "'na'",
    "'日本'",
    "'ab'",
    "'\\n'",
]
MOMENTS = [
    "pd.Timestamp('2024-02-29 12:30:00')",
    "pd.Timestamp('1969-12-31 23:59:59.999999')",
    "pd.Timestamp('2038-01-19')",
    "datetime(2000, 1, 1)",
]  # fmt: skip
SPANS = [
    "pd.Timedelta(hours=1)", "pd.Timedelta('1 day')", "np.timedelta64(1, 'D')",
    "np.timedelta64(90, 'm')", "timedelta(seconds=1)", "pd.Timedelta(minutes=-7)",
    "pd.Timedelta(microseconds=1)",
]  # fmt: skip
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
PARTS = [
    "year", "month", "day", "hour", "minute", "second", "microsecond", "dayofweek",
    "day_of_week", "weekday", "dayofyear", "day_of_year", "days_in_month", "daysinmonth",
    "quarter",
]  # fmt: skip
FLAGS = [
    "is_month_end", "is_month_start", "is_quarter_end", "is_quarter_start", "is_year_end",
    "is_year_start", "is_leap_year",
]  # fmt: skip
SMOOTH = [
    "log", "log1p", "log2", "log10", "exp", "expm1", "exp2", "sin", "cos", "tan", "arcsin",
    "arccos", "arctan", "tanh", "radians", "deg2rad", "degrees", "rad2deg",
]  # fmt: skip


class NoTerm(Exception):  # noqa: N818
    """There is no term of that kind yet."""


@dataclass
class Writer:
    """What a program is written with: chance, the terms so far, the operations used."""

    rng: random.Random
    terms: list[Term] = field(default_factory=lambda: list(COLUMNS))
    used: set[str] = field(default_factory=set)
    picked: list[Term] = field(default_factory=list)

    def pick(
        self,
        *kinds: str,
        may_miss: bool | None = None,
        exact: bool = True,
        series: bool | None = None,
        signed: bool = False,
    ) -> Term:
        """Return a term of such a kind, of late ones rather."""
        found = [
            t
            for t in self.terms
            if t.kind in kinds
            and (may_miss is None or t.may_miss == may_miss)
            and (not exact or t.is_exact)
            and (not signed or t.is_signed)
            and (series is None or t.is_series == series)
        ]
        if not found:
            raise NoTerm
        late = [t for t in found if t not in COLUMNS]
        term = self.rng.choice(late if late and self.rng.random() < 0.6 else found)
        self.picked.append(term)
        return term

    def series(self, *kinds: str, may_miss: bool | None = None, exact: bool = True) -> Term:
        """Return a term that is a Series."""
        return self.pick(*kinds, may_miss=may_miss, exact=exact, series=True)

    def divisor(self, *kinds: str) -> Term:
        """Return a term whose zeros have kept their sign."""
        return self.pick(*kinds, signed=True)

    def use(self, *names: str) -> str:
        """Choose one of some operations, and note it."""
        name = self.rng.choice(names)
        self.used.add(name)
        return name

    def number(self, kind: str) -> str:
        """Return a constant that fits numbers of a kind."""
        if kind in INTEGERS:
            return self.rng.choice(INTEGER_CONSTANTS)
        return self.rng.choice(FLOAT_CONSTANTS + INTEGER_CONSTANTS[2:])

    def condition(self) -> Term:
        """Return booleans that are not missing."""
        return self.pick("bool")

    def maybe(self) -> bool:
        """Toss a coin."""
        return self.rng.random() < 0.5


def kind_of(*terms: Term, division: bool = False) -> str:
    """Return the kind of number that an operation makes of terms."""
    kinds = {t.kind for t in terms}
    if "float" in kinds or (division and kinds != {"float32"}):
        return "float"
    if "float32" in kinds:
        return "float" if kinds & set(INTEGERS) else "float32"
    return "int32" if kinds <= {"int32", "bool"} and "int32" in kinds else "int"


def result(code: str, *terms: Term, **changes: object) -> Term:
    """Return what an operation makes of terms: as exact, as missing, as much a Series as they."""
    made = Term(
        code,
        kind_of(*terms),
        may_miss=any(t.may_miss for t in terms),
        is_exact=all(t.is_exact for t in terms),
        is_series=any(t.is_series for t in terms),
    )
    return replace(made, **changes)  # type: ignore[arg-type]
