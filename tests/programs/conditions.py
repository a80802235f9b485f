"""Booleans, compared and joined."""

from dataclasses import replace

from programs.writer import MOMENTS, NUMBERS, SPANS, TEXTS, NoTerm, Term, Writer, result


def _compared(w: Writer) -> Term:
    left = w.pick(*NUMBERS, "moment", "zoned", "span", "text")
    sign = w.use("==", "!=", *(["<", "<=", ">", ">="] if left.kind != "text" else []))
    if left.kind == "text":
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


def _compared_by_method(w: Writer) -> Term:
    name = w.use(".eq", ".ne", ".lt", ".le", ".gt", ".ge")
    left = w.series("float", "int")
    return Term(f"{left.code}{name}({w.pick(*NUMBERS).code})", "bool")


def _missing(w: Writer) -> Term:
    name = w.use(".isna", ".notna", "np.isnan", "np.isfinite", "np.isinf", "pd.isna", "pd.notna")
    if name in ("np.isnan", "np.isfinite", "np.isinf"):
        value = w.pick("float", exact=False)
        return Term(f"{name}({value.code})", "bool", is_series=value.is_series)
    value = w.series("float", "text", "moment", "boolean", "zoned", "span", "int", exact=False)
    code = f"{value.code}{name}()" if name.startswith(".") else f"{name}({value.code})"
    return Term(code, "bool")


def _logic(w: Writer) -> Term:
    name = w.use("&", "|", "^", "~")
    left, right = w.pick("bool", "boolean"), w.pick("bool", "boolean")
    if name == "~":
        return replace(left, code=f"~{left.code}")
    kind = "boolean" if "boolean" in (left.kind, right.kind) else "bool"
    if w.rng.random() < 0.2:
        code = f"{left.code} {name} {w.rng.choice(['True', 'False'])}"
        return replace(left, code=code)
    return result(f"{left.code} {name} {right.code}", left, right, kind=kind)


def _boolean_equality(w: Writer) -> Term:
    sign = w.use("==", "!=")
    left, right = w.series("boolean"), w.pick("bool", "boolean")
    if w.maybe():
        return replace(left, code=f"{left.code} {sign} {w.rng.choice(['True', 'False'])}")
    return result(f"{left.code} {sign} {right.code}", left, right, kind="boolean")


def _logical(w: Writer) -> Term:
    name = w.use("np.logical_and", "np.logical_or", "np.logical_xor", "np.logical_not")
    left, right = w.pick("bool"), w.pick("bool")
    if name == "np.logical_not":
        return replace(left, code=f"{name}({left.code})")
    return result(f"{name}({left.code}, {right.code})", left, right, kind="bool")


RULES = {
    _compared_by_method: 1,
    _compared: 5,
    _missing: 2,
    _logic: 4,
    _boolean_equality: 1,
    _logical: 1,
}
