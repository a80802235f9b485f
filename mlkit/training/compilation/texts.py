"""Text: cased, trimmed, sliced and searched as pandas does, character by character.

ONNX Runtime changes case by the machine's locale, and knows neither slices nor
lengths; so text is taken apart into characters, looked up in tables that pandas
itself fills, and joined again. Text of ASCII alone, the usual kind, takes a
short way where there is one.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from mlkit.core.rows import NO_TEXT
from mlkit.training.compilation import pieces
from mlkit.training.compilation.cases import (
    around_sigma,
    changed_by,
    every_character,
    final_sigma,
    widened,
)
from mlkit.training.compilation.choices import lookup_text
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.values import (
    Value,
    const,
    const_axes,
    is_missing,
    or_missing,
    sum_of_row,
    text_array,
    where,
)
from mlkit.training.frames import STRING

_NONE = "\ufdd2"
#: A pattern that no text matches.
_NOTHING = "[^\\x00-\\x{10ffff}]"
_SPECIAL = frozenset("\\.+*?()|[]{}^$")


def matches(value: Value, name: str, pattern: str, na: Any) -> Value:
    """Return which texts match a pattern (RE2) as a whole; `na` where they are missing."""
    is_given = isinstance(na, (bool, np.bool_))
    if value.can_miss and not is_given and STRING != "str":
        raise Untraceable(f".str.{name} of text that may be missing", "Say na=False.")
    found = op.regex_full_match(value.var, pattern=f"(?s)(?:{pattern})")
    if value.can_miss:
        is_gone = is_missing(value)
        found = op.or_(found, is_gone) if is_given and na else op.and_(found, op.not_(is_gone))
    return Value(dtype="bool", var=found)


def startswith(value: Value, prefix: str | tuple[str, ...], na: Any = None) -> Value:
    """Return which texts begin with a literal, or with one of several."""
    return matches(value, "startswith", f"(?:{_either(prefix)}).*", na)


def endswith(value: Value, suffix: str | tuple[str, ...], na: Any = None) -> Value:
    """Return which texts end with a literal, or with one of several."""
    return matches(value, "endswith", f".*(?:{_either(suffix)})", na)


def contains(value: Value, literal: str, na: Any = None, *, regex: bool = True) -> Value:
    """Return which texts hold a literal."""
    if regex and _SPECIAL & set(literal):
        raise Untraceable(f".str.contains({literal!r})", "Say regex=False if it is a literal.")
    return matches(value, "contains", f".*{quoted(literal)}.*", na)


def _either(literals: str | tuple[str, ...]) -> str:
    several = (literals,) if isinstance(literals, str) else literals
    return "|".join(map(quoted, several)) if several else _NOTHING


def quoted(literal: str) -> str:
    """Return a pattern that matches the literal alone."""
    return "".join(f"\\{c}" if c in _SPECIAL else "\\x00" if c == "\0" else c for c in literal)


def length(value: Value) -> Value:
    """Return the number of characters, NaN where missing."""
    return or_missing(value, Value(dtype="int64", var=pieces.lengths(pieces.characters(value.var))))


def cased(value: Value, name: str) -> Value:
    """Return text in upper or lower case."""
    table = changed_by(name)

    def plain() -> list[Var]:
        flat = op.reshape(value.var, op.const(np.array([-1])))
        action = "UPPER" if name == "upper" else "LOWER"
        changed = op.string_normalizer(flat, case_change_action=action, locale="C")
        return [op.reshape(changed, op.const(np.array([-1, 1])))]

    def by_character() -> list[Var]:
        has_finals = name == "lower" and final_sigma()
        characters = pieces.characters(_final_sigmas(value.var) if has_finals else value.var)
        found = lookup_text(characters, table, default=_NONE)
        kept = op.where(op.equal(found, op.const(_NONE)), characters, found)
        return [pieces.joined(kept)]

    is_plain = op.regex_full_match(value.var, pattern="[\\x00-\\x7f]*|\\x{fdd0}")
    changed = _like(value, _either_way(is_plain, plain, by_character))
    return replace(changed, origin=(value, partial(widened, name)))


def stripped(value: Value, name: str, characters: str | None = None) -> Value:
    """Return text without the whitespace, or other characters, at its ends."""
    dropped = _whitespace() if characters is None else frozenset(characters)

    def trimmed() -> list[Var]:
        found = pieces.characters(value.var)
        solid = op.not_(
            op.or_(
                pieces.is_pad(found),
                lookup_text(found, dict.fromkeys(dropped, True), default=False),
            )
        )
        places, n_places = pieces.places(found), pieces.width(found)
        first = op.where(solid, places, n_places)
        last = op.where(solid, places, const(-1, "int64"))
        keep = op.not_(pieces.is_pad(found))
        if name != "rstrip":
            start = op.reduce_min(first, const_axes(), keepdims=1)
            keep = op.and_(keep, op.greater_or_equal(places, start))
        if name != "lstrip":
            end = op.reduce_max(last, const_axes(), keepdims=1)
            keep = op.and_(keep, op.less_or_equal(places, end))
        return [pieces.joined(op.where(keep, found, op.const("")))]

    if not dropped:
        return value
    ends = "|".join(map(quoted, sorted(dropped)))
    edge = {
        "strip": f"(?:{ends}).*|.*(?:{ends})",
        "lstrip": f"(?:{ends}).*",
        "rstrip": f".*(?:{ends})",
    }
    is_clean = op.not_(op.regex_full_match(value.var, pattern=f"(?s)(?:{edge[name]})"))
    return _like(value, _either_way(is_clean, lambda: [op.identity(value.var)], trimmed))


def sliced(value: Value, start: int | None, stop: int | None, step: int | None = None) -> Value:
    """Return the characters from `start` to before `stop`, as Python slices text."""
    if step not in (None, 1):
        raise Untraceable(".str.slice with a step", "Slice without one.")
    found = pieces.characters(value.var)
    keep = op.not_(pieces.is_pad(found))
    places = pieces.places(found)
    if (start or 0) < 0 or (stop or 0) < 0:
        size = sum_of_row(op.cast(keep, to=np.int64))
    for bound, holds in ((start, op.greater_or_equal), (stop, op.less)):
        if bound is not None:
            limit = const(bound, "int64")
            keep = op.and_(keep, holds(places, op.add(size, limit) if bound < 0 else limit))
    if stop is not None and stop >= 0:
        first = op.const(np.array([stop]))
        found, keep = (
            op.slice(x, op.const(np.array([0])), first, op.const(np.array([1])))
            for x in (found, op.cast(keep, to=np.int64))
        )
        keep = op.cast(keep, to=np.bool_)
    cut = Value(dtype="str", var=pieces.joined(op.where(keep, found, op.const(""))))
    return _like(value, _kept_missing(value, cut.var))


def character(value: Value, place: int) -> Value:
    """Return one character, missing where the text is too short."""
    stop = None if place == -1 else place + 1
    cut = sliced(value, place, stop)
    gone = Value(dtype="str", var=const(NO_TEXT), can_miss=True)
    return where(op.equal(cut.var, const("")), gone, cut)


def replaced(value: Value, old: str, new: str) -> Value:
    """Return text with each occurrence of a literal replaced."""
    if not (old and all(isinstance(literal, str) for literal in (old, new))):
        raise Untraceable(".str.replace of a pattern", "Replace a literal by a literal.")
    parts, count = pieces.split(value.var, old)
    place = pieces.places(parts)
    is_later = op.and_(op.greater(place, const(0, "int64")), op.less(place, count))
    between = op.where(is_later, const(text_array([new])[:, None]), op.const(""))
    return _like(value, _kept_missing(value, pieces.joined(op.string_concat(between, parts))))


def _final_sigmas(var: Var) -> Var:
    """Write the capital sigmas that end words as the small one that they become.

    One ends a word that stands behind a letter and before none, whatever dots,
    apostrophes and accents come between.
    """
    parts, count = pieces.split(var, "Σ")
    place = pieces.places(parts)
    letter, ignored = map(_any_of, around_sigma())
    # Before the first is the last, which does not matter: no sigma stands there.
    one_back = op.sub(op.squeeze(place, op.const(np.array([0]))), op.const(np.array([1])))
    before = op.gather(parts, one_back, axis=1)
    is_behind = op.or_(
        op.regex_full_match(before, pattern=f"(?s).*{letter}{ignored}*"),
        op.and_(
            op.regex_full_match(before, pattern=f"{ignored}*"), op.greater(place, const(1, "int64"))
        ),
    )
    is_before = op.or_(
        op.regex_full_match(parts, pattern=f"(?s){ignored}*{letter}.*"),
        op.and_(
            op.regex_full_match(parts, pattern=f"{ignored}*"),
            op.less(place, op.sub(count, const(1, "int64"))),
        ),
    )
    is_later = op.and_(op.greater(place, const(0, "int64")), op.less(place, count))
    is_final = op.and_(is_behind, op.not_(is_before))
    sigma = op.where(is_final, op.const("ς"), op.const("Σ"))
    return pieces.joined(op.string_concat(op.where(is_later, sigma, op.const("")), parts))


def _any_of(characters: str) -> str:
    """Return a pattern for one of the characters, which are sorted."""
    points = np.array(list(map(ord, characters)))
    ends = np.flatnonzero(np.diff(points) > 1)
    first, last = points[np.append(0, ends + 1)], points[np.append(ends, -1)]
    spans = zip(first.tolist(), last.tolist(), strict=True)
    return "[" + "".join(f"\\x{{{a:x}}}-\\x{{{b:x}}}" for a, b in spans) + "]"


def _like(value: Value, var: Var) -> Value:
    return Value(dtype="str", var=var, can_miss=value.can_miss)


def _kept_missing(value: Value, var: Var) -> Var:
    return op.where(is_missing(value), value.var, var) if value.can_miss else var


def _either_way(
    is_plain: Var, plain: Callable[[], list[Var]], other: Callable[[], list[Var]]
) -> Var:
    """Take the short way if every row is plain."""
    all_plain = op.reduce_min(op.cast(is_plain, to=np.int32), keepdims=0)
    (var,) = op.if_(op.cast(all_plain, to=np.bool_), then_branch=plain, else_branch=other)
    return var


@cache
def _whitespace() -> frozenset[str]:
    """Return the characters that pandas strips."""
    every = every_character()
    return frozenset(every[(every.str.strip() == "").to_numpy(dtype=bool)].tolist())
