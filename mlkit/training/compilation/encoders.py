"""The fitted `TableEncoder` as a graph: features to the matrix that the estimator takes."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.pipeline import Pipeline
from spox import Var

from mlkit.core.rows import NO_TEXT
from mlkit.training.compilation.choices import looked_up
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.moments import part
from mlkit.training.compilation.values import NUMBERS, Value, cast
from mlkit.training.encoding import MOMENT_PARTS, TableEncoder

Joined = Callable[[Sequence[str]], Var]


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
        If a feature is of another kind than in training.
    """
    blocks = []
    for name, fitted, columns in encoder.encoder_.transformers_:
        if not columns or name == "remainder":
            continue
        values = [features[column] for column in columns]
        blocks += _ENCODERS[name](fitted, values, joined)
    return blocks[0] if len(blocks) == 1 else op.concat(blocks, axis=1)


def check_encoder(encoder: Any) -> None:
    """Raise Untraceable if the encoder is no `TableEncoder`."""
    if type(encoder) is not TableEncoder:
        raise Untraceable(f"the encoder {type(encoder).__name__}", "Use mlkit.TableEncoder.")


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


def _moments(fitted: Any, values: list[Value], joined: Joined) -> list[Var]:
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


def _text(value: Value) -> Value:
    if value.dtype != "str":
        raise Untraceable(f"a feature of {value.dtype} that was text", "Return one kind.")
    return value


def _one_hot(fitted: Any, values: list[Value], joined: Joined) -> list[Var]:
    flags = []
    for position, value in enumerate(values):
        places, n_columns, default = _one_hot_places(fitted, position)
        place = looked_up(_text(value), places, default=default)
        flags.append(op.equal(place, op.const(np.arange(n_columns)[None, :])))
    together = flags[0] if len(flags) == 1 else op.concat(flags, axis=1)
    return [op.cast(together, to=np.float64)]


def _one_hot_places(fitted: Any, position: int) -> tuple[dict[str, int], int, int]:
    """Return each category's column, their number, and the column of what was not seen."""
    categories = [NO_TEXT if c is None else c for c in fitted.categories_[position]]
    rare = fitted.infrequent_categories_[position]
    if rare is None:
        return {c: place for place, c in enumerate(categories)}, len(categories), -1
    are_rare = {NO_TEXT if c is None else c for c in rare}
    frequent = [c for c in categories if c not in are_rare]
    places = {c: place for place, c in enumerate(frequent)}
    return places, len(frequent) + 1, len(frequent)


def _target_means(fitted: Any, values: list[Value], joined: Joined) -> list[Var]:
    means = fitted[0] if isinstance(fitted, Pipeline) else fitted
    n_columns = len(values)
    per_column = len(means.encodings_) // n_columns
    overall = np.atleast_1d(np.asarray(means.target_mean_, dtype="float64"))
    columns = []
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
            columns.append(looked_up(_text(value), entries, default=default.item()))
    return columns


def _scaled(fitted: Any, values: np.ndarray, place: int) -> np.ndarray:
    if not isinstance(fitted, Pipeline):
        return values
    scaled: np.ndarray = (values - fitted[-1].mean_[place]) / fitted[-1].scale_[place]
    return scaled


_ENCODERS = {"numbers": _numbers, "moments": _moments, "few": _one_hot, "many": _target_means}
