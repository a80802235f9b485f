"""Text."""

from dataclasses import replace

from programs.writer import TEXTS, Term, Writer, result


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
        return result(f"{value.code} + {other.code}", value, other, kind="text")
    constant = w.rng.choice(TEXTS)
    code = f"{value.code} + {constant}" if w.maybe() else f"{constant} + {value.code}"
    return replace(value, code=code)


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


RULES = {_text: 5, _of_text: 3}
