"""The fitted `TableEncoder` as a graph: features to the matrix that the estimator takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.pipeline import Pipeline
from spox import Var

from mlkit.core.rows import NO_TEXT
from mlkit.training.compilation.choices import lookup_text, traced_back
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.moments import part
from mlkit.training.compilation.values import NUMBERS, Table, Value, cast
from mlkit.training.encoding import MOMENT_PARTS, TableEncoder

Joined = Callable[[Sequence[str]], Var]
#: Texts of all columns, times columns: the most numbers of one table for them all, of 8 MB.
_MOST_ENTRIES = 1_000_000


def encode(encoder: TableEncoder, features: Mapping[str, Value], joined: Joined) -> Var:
    """Return the matrix float64 (n_rows, n_encoded) of the features.

    Parameters
    ----------
    encoder
        Fitted.
    features
        By name.
    joined
        Gives untouched columns of numbers as one variable (n_rows, n_columns).

    Raises
    ------
    Untraceable
        If the encoder is no `TableEncoder`, or a feature of another kind than in
        training.
    """
    if type(encoder) is not TableEncoder:
        raise Untraceable(f"the encoder {type(encoder).__name__}", "Use mlkit.TableEncoder.")
    blocks: list[Var] = []
    lookups: list[_Lookup] = []
    widths: list[int] = []
    for name, fitted, columns in encoder.encoder_.transformers_:
        if not columns or name == "remainder":
            continue
        values = [features[column] for column in columns]
        if name == "few":
            places = [_places(fitted, position, value) for position, value in enumerate(values)]
            lookups += [lookup for lookup, _ in places]
            widths += [width for _, width in places]
        elif name == "many":
            lookups += _target_means(fitted, values)
        elif name == "numbers":
            blocks += _numbers(fitted, values, joined)
        else:
            blocks += _moments(fitted, values)
    blocks += _looked_up(lookups, widths, joined)
    return blocks[0] if len(blocks) == 1 else op.concat(blocks, axis=1)


def passed_through(encoder: TableEncoder) -> list[str]:
    """Return the features that the first columns of the matrix are, as they are."""
    _, fitted, _ = encoder.encoder_.transformers_[0]
    return [] if isinstance(fitted, Pipeline) else numbers(encoder)


def numbers(encoder: TableEncoder) -> list[str]:
    """Return the features that the first columns of the matrix are, as they are or scaled."""
    name, _, columns = encoder.encoder_.transformers_[0]
    return list(columns) if name == "numbers" else []


def _numbers(fitted: Any, values: list[Value], joined: Joined) -> list[Var]:
    columns: list[Var] = []
    for is_untouched, run in groupby(values, lambda v: v.dtype == "float64" and bool(v.source)):
        if is_untouched:
            columns.append(joined([str(value.source) for value in run]))
        else:
            columns += map(_number, run)
    return _finished(fitted, columns)


def _number(value: Value) -> Var:
    if value.dtype not in (*NUMBERS, "boolean"):
        raise Untraceable(f"a feature of {value.dtype} that was a number", "Return one kind.")
    return cast(value, "float64").var


def _moments(fitted: Any, values: list[Value]) -> list[Var]:
    if any(value.dtype != "datetime" for value in values):
        raise Untraceable("a feature that was a datetime", "Return one kind.")
    parts = [cast(part(v, name), "float64").var for v in values for name in MOMENT_PARTS]
    return _finished(fitted, parts)


def _finished(fitted: Any, columns: list[Var]) -> list[Var]:
    """Impute, mark and scale, where the encoder standardizes."""
    if not isinstance(fitted, Pipeline):
        return columns
    block = columns[0] if len(columns) == 1 else op.concat(columns, axis=1)
    imputer, scaler = fitted[-2], fitted[-1]
    is_missing = op.isnan(block)
    filled = op.where(is_missing, op.const(imputer.statistics_[None, :].astype("float64")), block)
    marked = imputer.indicator_.features_
    if len(marked):
        chosen = op.gather(is_missing, op.const(np.asarray(marked, dtype="int64")), axis=1)
        filled = op.concat([filled, op.cast(chosen, to=np.float64)], axis=1)
    centred = op.sub(filled, op.const(scaler.mean_[None, :]))
    return [op.div(centred, op.const(scaler.scale_[None, :]))]


@dataclass(frozen=True, slots=True)
class _Lookup:
    """A text, the number of each of its values, and that of any other."""

    value: Value
    table: Table
    default: float

    def __post_init__(self) -> None:
        if self.value.dtype != "str":
            raise Untraceable(f"a feature of {self.value.dtype} that was text", "Return one kind.")


def _places(fitted: Any, position: int, value: Value) -> tuple[_Lookup, int]:
    """Return the column of each category among its own, and their number."""
    categories = [NO_TEXT if c is None else c for c in fitted.categories_[position]]
    rare = fitted.infrequent_categories_[position]
    are_rare = set() if rare is None else {NO_TEXT if c is None else c for c in rare}
    frequent = [c for c in categories if c not in are_rare]
    places = {c: float(place) for place, c in enumerate(frequent)}
    # The rare share the last place, and with them what was never seen.
    others = -1 if rare is None else len(frequent)
    return _Lookup(value, places, float(others)), max(len(frequent), others + 1)


def _target_means(fitted: Any, values: list[Value]) -> list[_Lookup]:
    means = fitted[0] if isinstance(fitted, Pipeline) else fitted
    per_column = len(means.encodings_) // len(values)
    overall = np.atleast_1d(np.asarray(means.target_mean_, dtype="float64"))
    lookups = []
    for position, value in enumerate(values):
        categories = [NO_TEXT if c is None else c for c in means.categories_[position]]
        for place in range(per_column):
            number = position * per_column + place
            # A mean is never missing, so scaling is all that is left: done here, not for each row.
            table, default = (
                _scaled(fitted, np.asarray(x, dtype="float64"), number)
                for x in (means.encodings_[number], overall[place : place + 1])
            )
            entries = dict(zip(categories, table.tolist(), strict=True))
            lookups.append(_Lookup(value, entries, default.item()))
    return lookups


def _scaled(fitted: Any, values: np.ndarray, place: int) -> np.ndarray:
    if not isinstance(fitted, Pipeline):
        return values
    scaled: np.ndarray = (values - fitted[-1].mean_[place]) / fitted[-1].scale_[place]
    return scaled


def _looked_up(lookups: Sequence[_Lookup], widths: Sequence[int], joined: Joined) -> list[Var]:
    """Return flags for the first texts, as many as there are widths, and the others' numbers."""
    if not lookups:
        return []
    found, n_flagged = _numbers_of(lookups, joined), len(widths)
    if not n_flagged:
        return [found]
    flags = _flags(found, len(lookups), widths)
    if n_flagged == len(lookups):
        return [flags]
    ends = (op.const(np.array([end])) for end in (n_flagged, len(lookups), 1))
    return [flags, op.slice(found, *ends)]


def _flags(numbers: Var, n_numbers: int, widths: Sequence[int]) -> Var:
    """Return one column for each place that the first numbers may be, 1 where it is taken."""
    if n_numbers > 1:
        # Each number beside itself, as often as it has columns: quicker than a Gather.
        spread = np.repeat(np.eye(n_numbers)[:, : len(widths)], widths, axis=1)
        numbers = op.matmul(numbers, op.const(spread))
    places = np.concatenate([np.arange(float(width)) for width in widths])[None, :]
    return op.cast(op.equal(numbers, op.const(places)), to=np.float64)


def _numbers_of(lookups: Sequence[_Lookup], joined: Joined) -> Var:
    """Return each text's number, float64 (n_rows, n_lookups)."""
    back = [traced_back(lookup.value, lookup.table) for lookup in lookups]
    texts = list(dict.fromkeys(chain.from_iterable(table for _, table in back)))
    sources = [value.source for value, _ in back]
    if len(back) == 1 or None in sources or len(back) * len(texts) > _MOST_ENTRIES:
        each = [
            lookup_text(value.var, table, default=lookup.default)
            for lookup, (value, table) in zip(lookups, back, strict=True)
        ]
        return each[0] if len(each) == 1 else op.concat(each, axis=1)
    # Text is slow: it is read once, all columns together, and becomes a number at once.
    names = list(dict.fromkeys(map(str, sources)))
    numbers = {text: number for number, text in enumerate(texts, start=1)}
    found = lookup_text(joined(names), numbers, default=0)
    if names != sources:
        order = np.array([names.index(str(source)) for source in sources])
        found = op.gather(found, op.const(order), axis=1)
    entries = [
        [lookup.default, *(table.get(text, lookup.default) for text in texts)]
        for lookup, (_, table) in zip(lookups, back, strict=True)
    ]
    starts = np.arange(len(entries))[None, :] * (len(texts) + 1)
    return op.gather(op.const(np.array(entries).ravel()), op.add(found, op.const(starts)))
