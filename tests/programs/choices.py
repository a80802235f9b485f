"""What is filled, chosen, looked up, cut or cast."""

from dataclasses import replace

from programs.writer import (
    FLOAT_CONSTANTS,
    INTEGER_CONSTANTS,
    MOMENTS,
    NUMBERS,
    TEXTS,
    NoTerm,
    Term,
    Writer,
    kind_of,
    result,
)


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
        both = replace(result(code, value, other), kind=kind)
        return replace(both, may_miss=value.may_miss and other.may_miss)
    return replace(value, code=f"{value.code}.fillna({w.rng.choice(fillings)})", may_miss=False)


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
        made = result("", left, right)
        if "float" not in (left.kind, right.kind) or not (left.is_series or right.is_series):
            made = replace(made, kind=kind_of(left, right))
    elif kind == "text":
        left, right = (
            Term(w.rng.choice(TEXTS), "text") if w.maybe() else w.series("text") for _ in range(2)
        )
        made = result("", left, right, kind="text")
    else:
        left, right = w.pick("bool"), w.pick("bool")
        made = result("", left, right, kind="bool")
    code = f"np.where({condition.code}, {left.code}, {right.code})"
    if kind == "text" or w.maybe():
        w.use("pd.Series(…, index=frame.index)")
        return replace(made, code=f"pd.Series({code}, index=frame.index)", is_series=True)
    return replace(made, code=code, is_series=False)


def _selected(w: Writer) -> Term:
    w.use("np.select")
    first, second = w.condition(), w.condition()
    kind = w.rng.choice(["float", "int", "text"])
    if kind == "text":
        labels = w.rng.sample(TEXTS, 3)
        chosen = f"[{first.code}, {second.code}], [{labels[0]}, {labels[1]}], default={labels[2]}"
        code = f"np.select({chosen})"
        return Term(f"pd.Series({code}, index=frame.index)", "text")
    left, right = w.pick(kind), w.pick(kind)
    chosen = f"[{first.code}, {second.code}], [{left.code}, {right.code}]"
    code = f"np.select({chosen}, default={w.number(kind)})"
    return result(code, left, right, kind=kind, is_series=False)


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


def _isin_of_numpy(w: Writer) -> Term:
    w.use("np.isin")
    value = w.pick("float", "int")
    items = ", ".join([*w.rng.sample(INTEGER_CONSTANTS, 3), "0.5"])
    return Term(f"np.isin({value.code}, [{items}])", "bool", is_series=False)


def _combined(w: Writer) -> Term:
    w.use(".combine_first")
    kind = w.rng.choice(["float", "text", "moment"])
    value, other = w.series(kind), w.series(kind)
    both = value.may_miss and other.may_miss
    return replace(value, code=f"{value.code}.combine_first({other.code})", may_miss=both)


def _between(w: Writer) -> Term:
    w.use(".between")
    value = w.series("float", "int")
    low, high = sorted((w.number("int"), w.number("int")), key=int)
    how = w.rng.choice(["both", "neither", "left", "right"])
    return Term(f"{value.code}.between({low}, {high}, inclusive='{how}')", "bool")


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


def _whole(w: Writer) -> Term:
    w.used |= {".astype", "np.floor", ".fillna", ".clip"}
    value = w.series("float")
    return Term(f"np.floor({value.code}.fillna(0).clip(-1e6, 1e6)).astype(int)", "int")


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


def _typed(w: Writer) -> Term:
    name = w.use("pd.to_numeric", "pd.to_datetime")
    value = w.series(*NUMBERS) if name == "pd.to_numeric" else w.series("moment")
    return replace(value, code=f"{name}({value.code})")


RULES = {
    _filled: 3,
    _kept: 3,
    _chosen: 3,
    _selected: 1,
    _isin: 1,
    _isin_of_numpy: 1,
    _combined: 1,
    _between: 1,
    _mapped: 2,
    _replaced: 1,
    _cast: 2,
    _whole: 1,
    _cut: 1,
    _typed: 1,
}
