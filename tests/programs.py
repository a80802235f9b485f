"""Write programs: small `transform`s out of the operations that compile, as Python source.

Every program is drawn from a seed: a few statements, each an operation on columns
or on what earlier statements made, typed so that pandas can run it.
"""

import random
from collections.abc import Callable, Iterable
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
    """

    code: str
    kind: str
    may_miss: bool = False
    is_exact: bool = True
    is_series: bool = True


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
    "pd.Timedelta(hours=1)", "pd.Timedelta('1 day')", "np.timedelta64(1, 'D')", "np.timedelta64(90, 'm')",
    "timedelta(seconds=1)", "pd.Timedelta(minutes=-7)", "pd.Timedelta(microseconds=1)",
]  # fmt: skip
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
PARTS = """year month day hour minute second microsecond dayofweek day_of_week weekday dayofyear
day_of_year days_in_month daysinmonth quarter""".split()
FLAGS = """is_month_end is_month_start is_quarter_end is_quarter_start is_year_end is_year_start
is_leap_year""".split()
SMOOTH = """log log1p log2 log10 exp expm1 exp2 sin cos tan arcsin arccos arctan tanh radians
deg2rad degrees rad2deg""".split()

Rule = Callable[["Writer"], Term]
RULES: list[Rule] = []


class NoTerm(Exception):  # noqa: N818
    """There is no term of that kind yet."""


def rule(weight: int = 1) -> Callable[[Rule], Rule]:
    """Add a way to make a term, `weight` times."""

    def add(function: Rule) -> Rule:
        RULES.extend([function] * weight)
        return function

    return add


@dataclass
class Writer:
    """What a program is written with: chance, the terms so far, the operations used."""

    rng: random.Random
    terms: list[Term] = field(default_factory=lambda: list(COLUMNS))
    used: set[str] = field(default_factory=set)

    def pick(
        self,
        *kinds: str,
        may_miss: bool | None = None,
        exact: bool = True,
        series: bool | None = None,
    ) -> Term:
        """Return a term of such a kind, of late ones rather."""
        found = [
            t
            for t in self.terms
            if t.kind in kinds
            and (may_miss is None or t.may_miss == may_miss)
            and (not exact or t.is_exact)
            and (series is None or t.is_series == series)
        ]
        if not found:
            raise NoTerm
        late = [t for t in found if t not in COLUMNS]
        return self.rng.choice(late if late and self.rng.random() < 0.6 else found)

    def series(self, *kinds: str, may_miss: bool | None = None, exact: bool = True) -> Term:
        """Return a term that is a Series."""
        return self.pick(*kinds, may_miss=may_miss, exact=exact, series=True)

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


def _kind(*terms: Term, division: bool = False) -> str:
    kinds = {t.kind for t in terms}
    if "float" in kinds or (division and kinds != {"float32"}):
        return "float"
    if "float32" in kinds:
        return "float" if kinds & set(INTEGERS) else "float32"
    return "int32" if kinds <= {"int32", "bool"} and "int32" in kinds else "int"


def _result(code: str, *terms: Term, **changes: object) -> Term:
    """Return what an operation makes of terms: as exact, as missing, as much a Series as they."""
    made = Term(
        code,
        _kind(*terms),
        may_miss=any(t.may_miss for t in terms),
        is_exact=all(t.is_exact for t in terms),
        is_series=any(t.is_series for t in terms),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@rule(6)
def _arithmetic(w: Writer) -> Term:
    sign = w.use("+", "-", "*", "/")
    left = w.pick(*NUMBERS)
    if w.maybe():
        constant = w.number(left.kind)
        code = f"{left.code} {sign} {constant}" if w.maybe() else f"{constant} {sign} {left.code}"
        is_wider = left.kind in INTEGERS and sign == "/"
        kind = "float" if is_wider else left.kind
        return _result(code, left, kind=kind, may_miss=kind in FLOATS)
    right = w.pick(*NUMBERS, "bool")
    kind = _kind(left, right, division=sign == "/")
    code = f"{left.code} {sign} {right.code}"
    if left.is_series and w.rng.random() < 0.2:
        name = {"+": ".add", "-": ".sub", "*": ".mul", "/": ".div"}[sign]
        code = f"{left.code}{w.use(name)}({right.code})"
    return _result(code, left, right, kind=kind, may_miss=kind in FLOATS)


@rule(2)
def _division_with_rest(w: Writer) -> Term:
    sign = w.use("//", "%")
    left = w.pick(*NUMBERS)
    if w.maybe():
        constants = ["-7", "-1", "1", "2", "3", "10"]
        if left.kind in FLOATS:
            constants += ["0", "0.5", "-2.5", "0.1", "1e10"]
        constant = w.rng.choice(constants)
        return _result(f"{left.code} {sign} {constant}", left, may_miss=left.kind in FLOATS)
    right = w.pick("float", "int", "int32")
    if not (left.is_series or right.is_series):
        raise NoTerm
    code = f"({left.code} {sign} {right.code}).astype('float64')"
    return _result(code, left, right, kind="float", may_miss=True)


@rule()
def _power(w: Writer) -> Term:
    w.use("**")
    base = w.pick("float", "int")
    if base.kind == "int":
        return _result(f"{base.code} ** {w.rng.choice('0123')}", base)
    if w.maybe():
        return _result(f"{base.code} ** {w.rng.choice(['2', '0.5'])}", base, may_miss=True)
    power = w.rng.choice(["0", "1", "3", "-1", "1.5", "-0.5", "0.1", w.pick("float").code])
    return _result(f"{base.code} ** {power}", base, may_miss=True, is_exact=False)


@rule()
def _signs(w: Writer) -> Term:
    value = w.pick(*NUMBERS, exact=False)
    form = w.use("-x", "abs()", ".abs", "np.abs", "np.negative", "np.fabs", "np.sign", "+x")
    if form in ("np.fabs", "np.sign"):
        value = w.pick("float", "int")
    if form == ".abs":
        value = w.series(*NUMBERS)
    code = {"-x": "-{}", "+x": "+{}", "abs()": "abs({})", ".abs": "{}.abs()"}.get(
        form, form + "({})"
    )
    made = _result(code.format(value.code), value)
    return replace(made, kind="float") if form == "np.fabs" else made


@rule(3)
def _smooth(w: Writer) -> Term:
    name = w.rng.choice(SMOOTH)
    w.used.add(f"np.{name}")
    value = w.pick("float", "int", "int32")
    return _result(f"np.{name}({value.code})", value, kind="float", may_miss=True, is_exact=False)


@rule()
def _two_smooth(w: Writer) -> Term:
    w.use("np.hypot")
    left, right = w.pick("float", "int"), w.pick("float", "int")
    code = f"np.hypot({left.code}, {right.code})"
    return _result(code, left, right, kind="float", may_miss=True, is_exact=False)


@rule(2)
def _steps(w: Writer) -> Term:
    name = w.use(
        "np.floor", "np.ceil", "np.rint", "np.trunc", "np.sqrt", "np.square", "np.reciprocal"
    )
    value = w.pick("float")
    return _result(f"{name}({value.code})", value, may_miss=value.may_miss or "s" in name[3:])


@rule()
def _integer_steps(w: Writer) -> Term:
    name = w.use("np.floor", "np.ceil", "np.rint", "np.trunc", "np.sqrt", "np.square")
    value = w.pick("int", "int32")
    kind = "float" if name in ("np.rint", "np.sqrt") else value.kind
    return _result(f"{name}({value.code})", value, kind=kind, may_miss=name == "np.sqrt")


@rule(2)
def _extremes(w: Writer) -> Term:
    name = w.use("np.maximum", "np.minimum", "np.fmax", "np.fmin")
    left, right = w.pick(*NUMBERS), w.pick(*NUMBERS)
    if w.maybe():
        constant = w.number(left.kind)
        return _result(f"{name}({left.code}, {constant})", left)
    return _result(f"{name}({left.code}, {right.code})", left, right)


@rule(2)
def _rounded(w: Writer) -> Term:
    name = w.use(".round", "np.round")
    value = (
        w.series("float", "int", "int32") if name == ".round" else w.pick("float", "int", "int32")
    )
    places = ["0", "1", "2", "-1", "-2", "5"] if value.kind == "float" else ["0", "1", "2"]
    digits = w.rng.choice(places)
    code = (
        f"{value.code}.round({digits})" if name == ".round" else f"np.round({value.code}, {digits})"
    )
    return _result(code, value)


@rule(2)
def _clipped(w: Writer) -> Term:
    name = w.use(".clip", "np.clip")
    value = w.series("float", "int", exact=False) if name == ".clip" else w.pick("float", "int")
    low, high = sorted((w.number("int"), w.number("int")), key=int)
    if name == "np.clip":
        return _result(f"np.clip({value.code}, {low}, {high})", value)
    if w.rng.random() < 0.3:
        other = w.series(value.kind)
        return _result(f"{value.code}.clip(lower={other.code})", value, other, may_miss=True)
    bounds = w.rng.choice([f"{low}, {high}", f"lower={low}", f"upper={high}"])
    return _result(f"{value.code}.clip({bounds})", value)


@rule(3)
def _filled(w: Writer) -> Term:
    w.use(".fillna")
    kind = w.rng.choice(["float", "float", "boolean", "text", "moment"])
    value = w.series(kind, exact=False)
    fillings = {
        "float": [w.number("float"), "self.median_"],
        "boolean": ["False", "True"],
        "text": ["''", "'none'"],
        "moment": MOMENTS[:1],
    }[kind]
    if w.maybe():
        other = w.series(kind)
        code = f"{value.code}.fillna({other.code})"
        both = replace(_result(code, value, other), kind=kind)
        return replace(both, may_miss=value.may_miss and other.may_miss)
    return replace(value, code=f"{value.code}.fillna({w.rng.choice(fillings)})", may_miss=False)


@rule(3)
def _kept(w: Writer) -> Term:
    name = w.use(".where", ".mask")
    value = w.series("float", "int", "text", "moment", exact=False)
    condition = w.condition()
    choice = w.rng.random()
    if choice < 0.3 and value.kind != "int":
        return replace(value, code=f"{value.code}{name}({condition.code})", may_miss=True)
    if choice < 0.65:
        other = w.series(value.kind)
        return replace(
            value,
            code=f"{value.code}{name}({condition.code}, {other.code})",
            may_miss=value.may_miss or other.may_miss,
        )
    constants = {
        "float": ["0.0", "1", "-2.5"],
        "int": ["0", "7"],
        "text": TEXTS,
        "moment": MOMENTS[:1],
    }
    constant = w.rng.choice(constants[value.kind])
    return replace(value, code=f"{value.code}{name}({condition.code}, {constant})")


@rule(3)
def _chosen(w: Writer) -> Term:
    w.use("np.where")
    kind = w.rng.choice(["number", "number", "text", "bool"])
    condition = w.condition()
    if kind == "number":
        left, right = (
            Term(w.number("float"), "float", is_series=False)
            if w.rng.random() < 0.3
            else w.pick(*NUMBERS, exact=False)
            for _ in range(2)
        )
        made = _result("", left, right)
        if "float" not in (left.kind, right.kind) or not (left.is_series or right.is_series):
            made = replace(made, kind=_kind(left, right))
    elif kind == "text":
        left, right = (
            Term(w.rng.choice(TEXTS), "text") if w.maybe() else w.series("text") for _ in range(2)
        )
        made = _result("", left, right, kind="text")
    else:
        left, right = w.pick("bool"), w.pick("bool")
        made = _result("", left, right, kind="bool")
    code = f"np.where({condition.code}, {left.code}, {right.code})"
    if kind == "text" or w.maybe():
        w.use("pd.Series(…, index=frame.index)")
        return replace(made, code=f"pd.Series({code}, index=frame.index)", is_series=True)
    return replace(made, code=code, is_series=False)


@rule()
def _selected(w: Writer) -> Term:
    w.use("np.select")
    first, second = w.condition(), w.condition()
    kind = w.rng.choice(["float", "int", "text"])
    if kind == "text":
        labels = w.rng.sample(TEXTS, 3)
        code = f"np.select([{first.code}, {second.code}], [{labels[0]}, {labels[1]}], default={labels[2]})"
        return Term(f"pd.Series({code}, index=frame.index)", "text")
    left, right = w.pick(kind), w.pick(kind)
    code = f"np.select([{first.code}, {second.code}], [{left.code}, {right.code}], default={w.number(kind)})"
    return _result(code, left, right, kind=kind, is_series=False)


@rule()
def _isin(w: Writer) -> Term:
    w.use(".isin")
    value = w.series("float", "int", "text", "int32")
    if value.kind == "text":
        items = ", ".join(w.rng.sample(TEXTS, 3)) + ", None" * (w.rng.random() < 0.3)
    else:
        items = ", ".join(w.rng.sample(INTEGER_CONSTANTS, 4)) + (
            ", np.nan" if w.rng.random() < 0.3 and value.kind == "float" else ""
        )
    return Term(f"{value.code}.isin([{items}])", "bool")


@rule()
def _between(w: Writer) -> Term:
    w.use(".between")
    value = w.series("float", "int")
    low, high = sorted((w.number("int"), w.number("int")), key=int)
    how = w.rng.choice(["both", "neither", "left", "right"])
    return Term(f"{value.code}.between({low}, {high}, inclusive='{how}')", "bool")


@rule(2)
def _mapped(w: Writer) -> Term:
    w.use(".map")
    value = w.series("text", "text", "int", "bool", "float", "int32")
    keys = {"text": TEXTS, "bool": ["True", "False"]}.get(value.kind, INTEGER_CONSTANTS)
    if value.kind == "text" and w.rng.random() < 0.3:
        table = w.rng.choice(["self.table_", "self.lookup_"])
        return Term(f"{value.code}.map({table})", "float", may_miss=True)
    chosen = w.rng.sample(keys, min(4, len(keys)))
    if w.maybe():
        entries = [f"{k}: {w.rng.choice(FLOAT_CONSTANTS)}" for k in chosen]
        kind = "float"
    else:
        entries = [f"{k}: {w.rng.choice(TEXTS)}" for k in chosen]
        kind = "text"
    return Term(f"{value.code}.map({{{', '.join(entries)}}})", kind, may_miss=True)


@rule()
def _replaced(w: Writer) -> Term:
    w.use(".replace")
    value = w.series("float", "int", "text")
    values = TEXTS if value.kind == "text" else INTEGER_CONSTANTS
    a, b, c, d = w.rng.sample(values, 4)
    if value.kind == "float" and w.rng.random() < 0.2:
        a = "np.nan"
    form = w.rng.choice(
        [f"{a}, {c}", f"[{a}, {b}], {c}", f"[{a}, {b}], [{c}, {d}]", f"{{{a}: {c}, {b}: {d}}}"]
    )
    return replace(value, code=f"{value.code}.replace({form})")


@rule(2)
def _cast(w: Writer) -> Term:
    w.use(".astype")
    value = w.pick("float", "int", "int32", "bool", "boolean")
    if value.kind == "boolean":
        target = "float64" if value.may_miss else w.rng.choice(["float64", "int64", "bool"])
    elif value.kind == "float" and not value.may_miss and value.is_series:
        target = w.rng.choice(["float32", "bool", "float64"])
    elif value.kind == "float":
        target = w.rng.choice(["float64", "float32"])
    else:
        target = w.rng.choice(["float64", "int64", "int32", "bool", "float32"])
    kind = {"float64": "float", "int64": "int"}.get(target, target)
    spelled = w.rng.choice(
        [
            f"'{target}'",
            {"float64": "float", "int64": "int", "bool": "bool"}.get(target, f"np.{target}"),
        ]
    )
    return replace(value, code=f"{value.code}.astype({spelled})", kind=kind)


@rule()
def _whole(w: Writer) -> Term:
    w.used |= {".astype", "np.floor", ".fillna", ".clip"}
    value = w.series("float")
    return Term(f"np.floor({value.code}.fillna(0).clip(-1e6, 1e6)).astype(int)", "int")


@rule()
def _cut(w: Writer) -> Term:
    w.use("pd.cut")
    value = w.pick("float", "int")
    edges = w.rng.choice(["[-1, 0, 2, 10]", "[-np.inf, 0.5, 1, np.inf]", "self.edges_"])
    options = w.rng.choice(["", ", right=False", ", include_lowest=True"])
    labels = w.rng.choice(["False", "['a', 'b', 'c']", "[1.5, 2.5, 4.0]"])
    kind = "text" if "a" in labels and labels != "False" else "float"
    code = f"pd.cut({value.code}, {edges}, labels={labels}{options})"
    if labels != "False":
        code = f"pd.Series({code}, index=frame.index)"
        if kind == "float":
            code += ".astype(float)"
        else:
            code += ".astype(object).astype('str')" if False else ".astype(object)"
        if not value.is_series:
            raise NoTerm
        # An object column is no text to every operation: it ends here.
        return (
            Term(code, "label", may_miss=True)
            if kind == "text"
            else Term(code, "float", may_miss=True)
        )
    return Term(code, "float", may_miss=True, is_series=value.is_series)


@rule()
def _typed(w: Writer) -> Term:
    name = w.use("pd.to_numeric", "pd.to_datetime")
    value = w.series(*NUMBERS) if name == "pd.to_numeric" else w.series("moment")
    return replace(value, code=f"{name}({value.code})")


@rule(5)
def _compared(w: Writer) -> Term:
    sign = w.use("==", "!=", "<", "<=", ">", ">=")
    left = w.pick(*NUMBERS, "moment", "zoned", "span", "text")
    if left.kind == "text":
        sign = w.use("==", "!=")
        right = w.rng.choice([w.rng.choice(TEXTS), w.series("text").code])
    elif left.kind in NUMBERS:
        other = w.pick(*NUMBERS)
        if w.maybe():
            return Term(
                f"{left.code} {sign} {w.number(left.kind)}", "bool", is_series=left.is_series
            )
        code = f"{left.code} {sign} {other.code}"
        return Term(code, "bool", is_series=left.is_series or other.is_series)
    else:
        constants = {
            "moment": MOMENTS,
            "zoned": ["pd.Timestamp('2024-03-31 01:30', tz='Europe/Berlin')"],
            "span": SPANS,
        }
        right = w.rng.choice([w.rng.choice(constants[left.kind]), w.series(left.kind).code])
        if not left.is_series:
            raise NoTerm
    return Term(f"{left.code} {sign} {right}", "bool", is_series=left.is_series)


@rule(2)
def _missing(w: Writer) -> Term:
    name = w.use(".isna", ".notna", "np.isnan", "np.isfinite", "np.isinf", "pd.isna", "pd.notna")
    if name in ("np.isnan", "np.isfinite", "np.isinf"):
        value = w.pick("float", exact=False)
        return Term(f"{name}({value.code})", "bool", is_series=value.is_series)
    value = w.series("float", "text", "moment", "boolean", "zoned", "span", "int", exact=False)
    code = f"{value.code}{name}()" if name.startswith(".") else f"{name}({value.code})"
    return Term(code, "bool")


@rule(4)
def _logic(w: Writer) -> Term:
    name = w.use("&", "|", "^", "~")
    left, right = w.pick("bool", "boolean"), w.pick("bool", "boolean")
    if name == "~":
        return replace(left, code=f"~{left.code}")
    kind = "boolean" if "boolean" in (left.kind, right.kind) else "bool"
    if w.rng.random() < 0.2:
        code = f"{left.code} {name} {w.rng.choice(['True', 'False'])}"
        return replace(left, code=code)
    return _result(f"{left.code} {name} {right.code}", left, right, kind=kind)


@rule()
def _boolean_equality(w: Writer) -> Term:
    sign = w.use("==", "!=")
    left, right = w.series("boolean"), w.pick("bool", "boolean")
    if w.maybe():
        return replace(left, code=f"{left.code} {sign} {w.rng.choice(['True', 'False'])}")
    return _result(f"{left.code} {sign} {right.code}", left, right, kind="boolean")


@rule()
def _logical(w: Writer) -> Term:
    name = w.use("np.logical_and", "np.logical_or", "np.logical_xor", "np.logical_not")
    left, right = w.pick("bool"), w.pick("bool")
    if name == "np.logical_not":
        return replace(left, code=f"{name}({left.code})")
    return _result(f"{name}({left.code}, {right.code})", left, right, kind="bool")


@rule(5)
def _part(w: Writer) -> Term:
    name = w.rng.choice(PARTS + FLAGS)
    w.used.add(f".dt.{name}")
    value = w.series("moment", "zoned")
    kind = "bool" if name in FLAGS else "float" if value.may_miss else "int32"
    code = f"{value.code}.dt.{name}"
    # With a missing moment among the rows they are floats to pandas, else int32.
    if kind == "float":
        code += ".astype('float64')"
    return Term(code, kind, may_miss=value.may_miss and kind == "float")


@rule(2)
def _moment(w: Writer) -> Term:
    name = w.use(
        ".dt.floor", ".dt.normalize", ".dt.tz_convert", ".dt.tz_localize(None)", "+ span", "- span"
    )
    if name == ".dt.tz_convert":
        value = w.series("zoned")
        return replace(value, code=f"{value.code}.dt.tz_convert('{w.rng.choice(ZONES)}')")
    if name == ".dt.tz_localize(None)":
        value = w.series("zoned")
        return replace(value, code=f"{value.code}.dt.tz_localize(None)", kind="moment")
    if name.endswith("span"):
        value = w.series("moment", "zoned")
        return replace(value, code=f"{value.code} {name[0]} {w.rng.choice(SPANS)}")
    value = w.series("moment")
    unit = w.rng.choice(["D", "h", "min", "s"])
    code = (
        f"{value.code}.dt.floor('{unit}')"
        if name == ".dt.floor"
        else f"{value.code}.dt.normalize()"
    )
    return replace(value, code=code)


@rule(2)
def _span(w: Writer) -> Term:
    name = w.use("time - time", "span + span", "span * n")
    if name == "time - time":
        kind = w.rng.choice(["moment", "zoned"])
        left, right = w.series(kind), w.series(kind)
        if kind == "moment" and w.maybe():
            constant = w.rng.choice(MOMENTS)
            code = f"{left.code} - {constant}" if w.maybe() else f"{constant} - {left.code}"
            return replace(left, code=code, kind="span")
        return _result(f"{left.code} - {right.code}", left, right, kind="span")
    value = w.series("span")
    if name == "span * n":
        return replace(value, code=f"{value.code} * {w.rng.choice(['2', '-1', '0'])}")
    other = w.series("span")
    if w.maybe():
        return replace(value, code=f"{value.code} {w.rng.choice('+-')} {w.rng.choice(SPANS)}")
    return _result(f"{value.code} {w.rng.choice('+-')} {other.code}", value, other, kind="span")


@rule(2)
def _of_span(w: Writer) -> Term:
    value = w.series("span")
    name = w.use(
        ".dt.total_seconds", ".dt.days", ".dt.seconds", "span / span", "span // span", "span % span"
    )
    if name == "span % span":
        return replace(value, code=f"{value.code} % {w.rng.choice(SPANS)}")
    if name.startswith("span"):
        code = f"({value.code} {name.split()[1]} {w.rng.choice(SPANS)}).astype('float64')"
    elif name == ".dt.total_seconds":
        code = f"{value.code}{name}()"
    else:
        code = f"{value.code}{name}.astype('float64')"
    return Term(code, "float", may_miss=value.may_miss)


@rule(5)
def _text(w: Writer) -> Term:
    name = w.use(
        ".str.lower", ".str.upper", ".str.strip", ".str.lstrip", ".str.rstrip", ".str.slice",
        ".str[a:b]", ".str[i]", ".str.get", ".str.replace", "text + text",
    )  # fmt: skip
    value = w.series("text")
    start, stop = (w.rng.choice(["None", "0", "1", "2", "-1", "-2", "5"]) for _ in range(2))
    if name in (".str.lower", ".str.upper"):
        return replace(value, code=f"{value.code}{name}()")
    if name.endswith("strip"):
        return replace(
            value, code=f"{value.code}{name}({w.rng.choice(['', repr('a '), repr('ßx')])})"
        )
    if name == ".str.slice":
        return replace(value, code=f"{value.code}.str.slice({start}, {stop})")
    if name == ".str[a:b]":
        bounds = f"{start}:{stop}".replace("None", "")
        return replace(value, code=f"{value.code}.str[{bounds}]")
    if name in (".str[i]", ".str.get"):
        place = w.rng.choice(["0", "1", "3", "-1", "-2"])
        form = f".str[{place}]" if name == ".str[i]" else f".str.get({place})"
        return replace(value, code=value.code + form, may_miss=True)
    if name == ".str.replace":
        old = w.rng.choice([t for t in TEXTS if t != "''"])
        option = w.rng.choice(["", ", regex=False"])
        return replace(
            value, code=f"{value.code}.str.replace({old}, {w.rng.choice(TEXTS)}{option})"
        )
    if w.maybe():
        other = w.series("text")
        return _result(f"{value.code} + {other.code}", value, other, kind="text")
    constant = w.rng.choice(TEXTS)
    code = f"{value.code} + {constant}" if w.maybe() else f"{constant} + {value.code}"
    return replace(value, code=code)


@rule(3)
def _of_text(w: Writer) -> Term:
    value = w.series("text")
    name = w.use(".str.len", ".str.startswith", ".str.endswith", ".str.contains")
    if name == ".str.len":
        kind = "float" if value.may_miss else "int"
        code = f"{value.code}.str.len()" + (".astype('float64')" if value.may_miss else "")
        return Term(code, kind, may_miss=value.may_miss)
    literal = w.rng.choice(TEXTS)
    if name == ".str.contains":
        literal += w.rng.choice([", regex=False"]) if "." in literal else ""
    elif w.rng.random() < 0.3:
        literal = f"({literal}, {w.rng.choice(TEXTS)})"
    na = w.rng.choice([", na=False", ", na=True"]) if value.may_miss else ""
    return Term(f"{value.code}{name}({literal}{na})", "bool")


ENDINGS: list[Callable[[Writer, list[str]], list[str]]] = []


def ending(function: Callable[["Writer", list[str]], list[str]]) -> None:
    """Add a way to return features."""
    ENDINGS.append(function)


@ending
def _as_dict(w: Writer, names: list[str]) -> list[str]:
    w.use("pd.DataFrame({…})")
    items = ", ".join(f'"{n}": {n}' for n in names)
    return [f"return pd.DataFrame({{{items}}}, index=frame.index)"]


@ending
def _assigned(w: Writer, names: list[str]) -> list[str]:
    w.used |= {".assign", "[[…]]"}
    items = ", ".join(f"{n}={n}" for n in names)
    listed = ", ".join(f'"{n}"' for n in [*names, "share", "on"])
    return [f"return frame.assign({items})[[{listed}]]"]


@ending
def _set(w: Writer, names: list[str]) -> list[str]:
    w.used |= {".copy", "frame[…] = …", ".drop", ".rename"}
    lines = ["frame = frame.copy()", *(f'frame["{n}"] = {n}' for n in names)]
    dropped = [t.code[7:-2] for t in COLUMNS if t.code != 'frame["level"]']
    return [*lines, f"return frame.drop(columns={dropped}).rename(columns={{'level': 'height'}})"]


@ending
def _side_by_side(w: Writer, names: list[str]) -> list[str]:
    w.used |= {
        "pd.concat(…, axis=1)",
        "frame.fillna",
        "frame.clip",
        "frame.astype",
        "frame.add_prefix",
    }
    items = ", ".join(f'"{n}": {n}' for n in names)
    return [
        f"made = pd.DataFrame({{{items}}}, index=frame.index)",
        'numbers = frame[["share", "level", "rank"]].fillna({"level": self.median_, "rank": 0}).clip(-2, 3)',
        'flags = frame[["on", "off"]].astype(int).add_prefix("is_")',
        "return pd.concat([made, numbers, flags], axis=1)",
    ]


@dataclass(frozen=True)
class Program:
    """The body of a `transform`, with the operations that it uses."""

    seed: int
    body: str
    terms: dict[str, Term]
    used: frozenset[str]

    @property
    def source(self) -> str:
        """It as a class of its own."""
        return self.function.replace("def program", "def transform")

    @property
    def function(self) -> str:
        """It as a function of the featurizer and the frame."""
        lines = self.body.splitlines()
        return "\n".join([f"def program_{self.seed}(self, frame):", *(f"    {x}" for x in lines)])


def write(seed: int, n_statements: int = 4) -> Program:
    """Return the program of that seed."""
    w = Writer(random.Random(seed))  # noqa: S311
    lines, made = [], {}
    while len(made) < n_statements:
        try:
            term = w.rng.choice(RULES)(w)
        except NoTerm:
            continue
        name = f"f{len(made)}"
        lines.append(f"{name} = {term.code}")
        made[name] = replace(term, code=name)
        w.terms.append(made[name])
    lines += w.rng.choice(ENDINGS)(w, list(made))
    return Program(seed, "\n".join(lines), made, frozenset(w.used))


HEADER = """
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from mlkit import Featurizer
"""


def used(programs: Iterable[Program]) -> set[str]:
    """Return the operations that the programs use."""
    return set().union(*(p.used for p in programs))
