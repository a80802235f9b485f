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
from onnx import TensorProto, helper
from spox import Var, inline

from mlkit.core.rows import NO_TEXT
from mlkit.training.compilation.cases import changed_by, every_character, widened
from mlkit.training.compilation.choices import const_axes, lookup_text
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.values import Value, const, is_missing, or_missing, where
from mlkit.training.frames import STRING

#: What stands behind the last character of a shorter text: a noncharacter, as `NO_TEXT` is.
_PAD = "\ufdd1"
_NONE = "\ufdd2"
#: A pattern that no text matches.
_NOTHING = "[^\\x00-\\x{10ffff}]"
_SPECIAL = frozenset("\\.+*?()|[]{}^$")


def _check(value: Value, name: str) -> None:
    if value.dtype != "str":
        raise Untraceable(f".str.{name} of {value.dtype}", "It is for columns of text.")


def matches(value: Value, name: str, pattern: str, na: Any) -> Value:
    """Return which texts match a pattern (RE2) as a whole; `na` where they are missing."""
    _check(value, name)
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
    _check(value, "len")
    return or_missing(value, Value(dtype="int64", var=_lengths(_characters(value.var))))


def cased(value: Value, name: str) -> Value:
    """Return text in upper or lower case."""
    _check(value, name)
    table = changed_by(name)

    def plain() -> list[Var]:
        flat = op.reshape(value.var, op.const(np.array([-1])))
        action = "UPPER" if name == "upper" else "LOWER"
        changed = op.string_normalizer(flat, case_change_action=action, locale="C")
        return [op.reshape(changed, op.const(np.array([-1, 1])))]

    def by_character() -> list[Var]:
        characters = _characters(value.var)
        found = lookup_text(characters, table, default=_NONE)
        kept = op.where(op.equal(found, op.const(_NONE)), characters, found)
        return [_joined(kept)]

    is_plain = op.regex_full_match(value.var, pattern="[\\x00-\\x7f]*|\\x{fdd0}")
    changed = _like(value, _either_way(is_plain, plain, by_character))
    return replace(changed, origin=(value, partial(widened, name)))


def stripped(value: Value, name: str, characters: str | None = None) -> Value:
    """Return text without the whitespace, or other characters, at its ends."""
    _check(value, name)
    dropped = _whitespace() if characters is None else frozenset(characters)

    def trimmed() -> list[Var]:
        found = _characters(value.var)
        solid = op.not_(
            op.or_(_is_pad(found), lookup_text(found, dict.fromkeys(dropped, True), default=False))
        )
        places, n_places = _places(found), _width(found)
        first = op.where(solid, places, n_places)
        last = op.where(solid, places, const(-1, "int64"))
        keep = op.not_(_is_pad(found))
        if name != "rstrip":
            start = op.reduce_min(first, const_axes(), keepdims=1)
            keep = op.and_(keep, op.greater_or_equal(places, start))
        if name != "lstrip":
            end = op.reduce_max(last, const_axes(), keepdims=1)
            keep = op.and_(keep, op.less_or_equal(places, end))
        return [_joined(op.where(keep, found, op.const("")))]

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
    _check(value, "slice")
    if step not in (None, 1):
        raise Untraceable(".str.slice with a step", "Slice without one.")
    found = _characters(value.var)
    keep = op.not_(_is_pad(found))
    places = _places(found)
    if (start or 0) < 0 or (stop or 0) < 0:
        size = op.reduce_sum(op.cast(keep, to=np.int64), const_axes(), keepdims=1)
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
    cut = Value(dtype="str", var=_joined(op.where(keep, found, op.const(""))))
    return _like(value, _kept_missing(value, cut.var))


def character(value: Value, place: int) -> Value:
    """Return one character, missing where the text is too short."""
    stop = None if place == -1 else place + 1
    cut = sliced(value, place, stop)
    gone = Value(dtype="str", var=const(NO_TEXT), can_miss=True)
    return where(op.equal(cut.var, const("")), gone, cut)


def replaced(value: Value, old: str, new: str) -> Value:
    """Return text with each occurrence of a literal replaced."""
    _check(value, "replace")
    if not (old and all(isinstance(literal, str) for literal in (old, new))):
        raise Untraceable(".str.replace of a pattern", "Replace a literal by a literal.")
    parts, counts = op.string_split(value.var, delimiter=old)
    rows = op.shape(value.var, end=1)
    parts = op.reshape(parts, op.concat([rows, op.shape(parts, start=2)], axis=0))
    places = _places(parts)
    is_later = op.greater(places, const(0, "int64"))
    is_there = op.less(places, op.reshape(counts, op.const(np.array([-1, 1]))))
    between = op.where(op.and_(is_later, is_there), op.const(np.array([[new]])), op.const(""))
    return _like(value, _kept_missing(value, _joined(op.string_concat(between, parts))))


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


def _characters(var: Var) -> Var:
    """Return each text's characters (n_rows, most characters), `_PAD` behind the last."""
    (found,) = inline(_TOKENIZER)(text=var).values()
    return op.squeeze(found, const_axes())


_TOKENIZER = helper.make_model(
    helper.make_graph(
        [
            helper.make_node(
                "Tokenizer", ["text"], ["characters"], domain="com.microsoft",
                mark=0, mincharnum=1, pad_value=_PAD, separators=[""],
            )
        ],
        "characters",
        [helper.make_tensor_value_info("text", TensorProto.STRING, [None, 1])],
        [helper.make_tensor_value_info("characters", TensorProto.STRING, [None, 1, None])],
    ),
    opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)],
    ir_version=10,
)  # fmt: skip


def _is_pad(characters: Var) -> Var:
    return op.equal(characters, op.const(_PAD))


def _lengths(characters: Var) -> Var:
    is_there = op.cast(op.not_(_is_pad(characters)), to=np.int64)
    return op.reduce_sum(is_there, const_axes(), keepdims=1)


def _width(characters: Var) -> Var:
    return op.shape(characters, start=1)


def _places(characters: Var) -> Var:
    scalar = op.const(np.array([], dtype="int64"))
    width = op.reshape(_width(characters), scalar)
    places = op.range(op.const(np.int64(0)), width, op.const(np.int64(1)))
    return op.unsqueeze(places, op.const(np.array([0])))


def _joined(characters: Var) -> Var:
    """Join each row's characters to a text (n_rows, 1): pairs first, then pairs of pairs."""
    one, two = op.const(np.array([1])), op.const(np.array([2]))
    rows = op.concat([op.shape(characters, end=1), one], axis=0)
    nothing = op.expand(op.const(np.array([[""]])), rows)
    solid = op.where(_is_pad(characters), op.const(""), characters)

    def body(i: Var, go: Var, pieces: Var) -> list[Var]:
        width = _width(pieces)
        padded = op.concat([pieces, nothing], axis=1)
        left = op.slice(padded, op.const(np.array([0])), width, one, two)
        right = op.slice(padded, one, op.add(width, one), one, two)
        joined = op.string_concat(left, right)
        return [op.greater(_width(joined), one), joined]

    # A column of nothing first, so that there is one even where no text has a character.
    pieces = op.concat([nothing, solid], axis=1)
    is_many = op.greater(_width(pieces), one)
    endless = op.const(np.array([2**31]))
    (joined,) = op.loop(endless, is_many, [pieces], body=body)
    return joined


@cache
def _whitespace() -> frozenset[str]:
    """Return the characters that pandas strips."""
    every = every_character()
    return frozenset(every[(every.str.strip() == "").to_numpy(dtype=bool)].tolist())
