"""Datetimes and spans of time."""

from dataclasses import replace

from mlkit.training.frames import STRING
from programs.writer import FLAGS, MOMENTS, PARTS, SPANS, ZONES, Term, Writer, result


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
    unit = w.rng.choice(["D", "h", "min", "s", "15min", "7D"])
    code = (
        f"{value.code}.dt.floor('{unit}')"
        if name == ".dt.floor"
        else f"{value.code}.dt.normalize()"
    )
    return replace(value, code=code)


def _difference(w: Writer) -> Term:
    """Return a span of time: one that there is, or a difference."""
    spans = [term for term in w.terms if term.kind == "span"]
    if spans and w.maybe():
        return w.rng.choice(spans)
    left, right = (w.series(kind) for kind in [w.rng.choice(["moment", "zoned"])] * 2)
    return result(f"({left.code} - {right.code})", left, right, kind="span")


def _span(w: Writer) -> Term:
    name = w.use("time - time", "span + span", "span * n", "abs of a span", "-span")
    if name == "time - time":
        kind = w.rng.choice(["moment", "zoned"])
        left, right = w.series(kind), w.series(kind)
        if kind == "moment" and w.maybe():
            constant = w.rng.choice(MOMENTS)
            code = f"{left.code} - {constant}" if w.maybe() else f"{constant} - {left.code}"
            return replace(left, code=code, kind="span")
        return result(f"{left.code} - {right.code}", left, right, kind="span")
    value = _difference(w)
    if name in ("abs of a span", "-span"):
        code = f"{value.code}.abs()" if name == "abs of a span" else f"-{value.code}"
        return replace(value, code=code)
    if name == "span * n":
        return replace(value, code=f"{value.code} * {w.rng.choice(['2', '-1', '0'])}")
    other = _difference(w)
    if w.maybe():
        return replace(value, code=f"{value.code} {w.rng.choice('+-')} {w.rng.choice(SPANS)}")
    return result(f"{value.code} {w.rng.choice('+-')} {other.code}", value, other, kind="span")


def _of_span(w: Writer) -> Term:
    value = _difference(w)
    name = w.use(
        ".dt.total_seconds", ".dt.days", ".dt.seconds", "span / span", "span // span", "span % span"
    )
    if name == ".dt.total_seconds" and w.maybe():
        return Term(f"{value.code}{name}()", "float", value.may_miss, is_exact=False)
    if name in (".dt.total_seconds", "span / span", "span // span", "span % span"):
        # Beyond 285 years, pandas rounds, and otherwise where another row is missing.
        century = f"{value.code}.abs() < pd.Timedelta(days=36525)"
        value = replace(value, code=f"{value.code}.where({century})", may_miss=True)
    if name == "span % span":
        # pandas 2 takes a rest by microseconds in floats.
        whole = [span for span in SPANS if "microseconds" not in span]
        return replace(value, code=f"{value.code} % {w.rng.choice(whole)}")
    if name.startswith("span"):
        code = f"({value.code} {name.split()[1]} {w.rng.choice(SPANS)}).astype('float64')"
    elif name == ".dt.total_seconds":
        code = f"{value.code}{name}()"
    else:
        code = f"{value.code}{name}.astype('float64')"
    # pandas 2 divides in nanoseconds, which are more than a float holds exactly.
    is_exact = name != "span / span" or STRING == "str"
    return Term(code, "float", may_miss=value.may_miss, is_exact=is_exact)


RULES = {_part: 5, _moment: 2, _span: 3, _of_span: 4}
