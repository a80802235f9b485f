"""Numbers, computed."""

from dataclasses import replace

from programs.writer import FLOATS, INTEGERS, NUMBERS, SMOOTH, NoTerm, Term, Writer, kind_of, result


def _arithmetic(w: Writer) -> Term:
    sign = w.use("+", "-", "*", "/")
    left = w.divisor(*NUMBERS) if sign == "/" else w.pick(*NUMBERS)
    if w.maybe():
        constant = w.number(left.kind)
        code = f"{left.code} {sign} {constant}" if w.maybe() else f"{constant} {sign} {left.code}"
        is_wider = left.kind in INTEGERS and sign == "/"
        kind = "float" if is_wider else left.kind
        return result(code, left, kind=kind, may_miss=kind in FLOATS)
    right = w.divisor(*NUMBERS, "bool") if sign == "/" else w.pick(*NUMBERS, "bool")
    kind = kind_of(left, right, division=sign == "/")
    code = f"{left.code} {sign} {right.code}"
    if left.is_series and w.rng.random() < 0.2:
        name = {"+": ".add", "-": ".sub", "*": ".mul", "/": ".div"}[sign]
        code = f"{left.code}{w.use(name)}({right.code})"
    return result(code, left, right, kind=kind, may_miss=kind in FLOATS)


def _division_with_rest(w: Writer) -> Term:
    sign = w.use("//", "%")
    left = w.pick(*NUMBERS)
    if w.maybe():
        constants = ["-7", "-1", "1", "2", "3", "10"]
        if left.kind in FLOATS:
            constants += ["0", "0.5", "-2.5", "0.1", "1e10"]
        constant = w.rng.choice(constants)
        return result(f"{left.code} {sign} {constant}", left, may_miss=left.kind in FLOATS)
    right = w.divisor("float", "int", "int32")
    if not (left.is_series or right.is_series):
        raise NoTerm
    code = f"({left.code} {sign} {right.code}).astype('float64')"
    return result(code, left, right, kind="float", may_miss=True)


def _power(w: Writer) -> Term:
    w.use("**")
    base = w.divisor("float", "int")
    if base.kind == "int":
        return result(f"{base.code} ** {w.rng.choice('0123')}", base)
    if w.maybe():
        return result(f"{base.code} ** {w.rng.choice(['2', '0.5'])}", base, may_miss=True)
    power = w.rng.choice(["0", "1", "3", "-1", "1.5", "-0.5", "0.1", w.pick("float").code])
    return result(f"{base.code} ** {power}", base, may_miss=True, is_exact=False)


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
    made = result(code.format(value.code), value)
    return replace(made, kind="float") if form == "np.fabs" else made


def _smooth(w: Writer) -> Term:
    name = w.rng.choice(SMOOTH)
    w.used.add(f"np.{name}")
    value = w.pick("float", "int", "int32")
    return result(f"np.{name}({value.code})", value, kind="float", may_miss=True, is_exact=False)


def _two_smooth(w: Writer) -> Term:
    w.use("np.hypot")
    left, right = w.pick("float", "int"), w.pick("float", "int")
    code = f"np.hypot({left.code}, {right.code})"
    return result(code, left, right, kind="float", may_miss=True, is_exact=False)


def _steps(w: Writer) -> Term:
    name = w.use(
        "np.floor", "np.ceil", "np.rint", "np.trunc", "np.sqrt", "np.square", "np.reciprocal"
    )
    value = w.divisor("float") if name == "np.reciprocal" else w.pick("float")
    return result(f"{name}({value.code})", value, may_miss=value.may_miss or "s" in name[3:])


def _integer_steps(w: Writer) -> Term:
    name = w.use("np.floor", "np.ceil", "np.rint", "np.trunc", "np.sqrt", "np.square")
    value = w.pick("int", "int32")
    kind = "float" if name in ("np.rint", "np.sqrt") else value.kind
    return result(f"{name}({value.code})", value, kind=kind, may_miss=name == "np.sqrt")


def _extremes(w: Writer) -> Term:
    name = w.use("np.maximum", "np.minimum", "np.fmax", "np.fmin")
    left, right = w.pick(*NUMBERS), w.pick(*NUMBERS)
    if w.maybe():
        constant = w.number(left.kind)
        return result(f"{name}({left.code}, {constant})", left)
    return result(f"{name}({left.code}, {right.code})", left, right)


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
    return result(code, value)


def _clipped(w: Writer) -> Term:
    name = w.use(".clip", "np.clip")
    value = w.series("float", "int", exact=False) if name == ".clip" else w.pick("float", "int")
    low, high = sorted((w.number("int"), w.number("int")), key=int)
    if name == "np.clip":
        return result(f"np.clip({value.code}, {low}, {high})", value)
    if w.rng.random() < 0.3:
        other = w.series(value.kind)
        return result(f"{value.code}.clip(lower={other.code})", value, other, may_miss=True)
    bounds = w.rng.choice([f"{low}, {high}", f"lower={low}", f"upper={high}"])
    return result(f"{value.code}.clip({bounds})", value)


def _array(w: Writer) -> Term:
    value = w.series("float", "int", exact=False)
    form = w.use(".to_numpy", ".values")
    code = f"{value.code}.to_numpy()" if form == ".to_numpy" else f"{value.code}.values"
    return replace(value, code=code, is_series=False)


def _made_numbers(w: Writer) -> Term:
    name = w.use("np.nan_to_num", "np.zeros_like", "np.ones_like", "np.full_like")
    value = w.series("float", "int")
    argument = ", 3" if name == "np.full_like" else ""
    return Term(f"{name}({value.code}{argument})", value.kind, is_series=False)


def _method(w: Writer) -> Term:
    name = w.use(".add", ".sub", ".mul", ".div", ".radd", ".rsub", ".rmul", ".pipe")
    value = w.series("float")
    argument = "np.square" if name == ".pipe" else w.divisor("float", "int").code
    return replace(value, code=f"{value.code}{name}({argument})", may_miss=True)


def _of_frame(w: Writer) -> Term:
    name = w.use(
        "frame.round", "frame.abs", "frame.isna", "frame.notna", "np.sqrt", "frame.clip",
        "frame.fillna",
    )  # fmt: skip
    table = 'frame[["wide", "level", "rank"]]'
    column = w.rng.choice(["wide", "level", "rank"])
    code = {
        "frame.round": f"{table}.round(1)",
        "frame.abs": f"{table}.abs()",
        "frame.isna": f"{table}.isna()",
        "frame.notna": f"{table}.notna()",
        "np.sqrt": f"np.sqrt({table})",
        "frame.clip": f"{table}.clip(-1, 3)",
        "frame.fillna": f"{table}.fillna(self.median_)",
    }[name]
    is_asked = name in ("frame.isna", "frame.notna")
    kind = "bool" if is_asked else "float"
    return Term(f'{code}["{column}"]', kind, may_miss=not is_asked)


def _across(w: Writer) -> Term:
    name = w.use("frame.sum", "frame.mean", "frame.min", "frame.max", "frame.any", "frame.all")
    kind = "bool" if name in ("frame.any", "frame.all") else w.rng.choice(["float", "int"])
    names = {
        "bool": ["on", "off"],
        "int": ["big", "small"],
        "float": ["wide", "wild", "share", "level", "rank"],
    }[kind]
    chosen = w.rng.sample(names, w.rng.randint(1, len(names)))
    code = f"frame[{chosen}]{name.removeprefix('frame')}(axis=1)"
    is_float = kind == "float" or (kind == "int" and name == "frame.mean")
    return Term(code, "float" if is_float else kind, may_miss=is_float)


RULES = {
    _array: 1,
    _made_numbers: 1,
    _method: 1,
    _of_frame: 1,
    _across: 1,
    _arithmetic: 6,
    _division_with_rest: 2,
    _power: 1,
    _signs: 1,
    _smooth: 3,
    _two_smooth: 1,
    _steps: 2,
    _integer_steps: 1,
    _extremes: 2,
    _rounded: 2,
    _clipped: 2,
}
#: Of the others, ONNX Runtime makes 0.0 where -0.0 comes of it.
KEEP_SIGNS = {_array, _arithmetic, _method, _rounded}
