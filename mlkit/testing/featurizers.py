"""Hold a Featurizer to its contract."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.base import clone

from mlkit.core.column import Column
from mlkit.core.errors import FeaturizerError
from mlkit.core.schema import Schema
from mlkit.training.features import Featurizer

_N_ROWS = 50
_UNSEEN = "value never seen before ✓"


def check_featurizer(featurizer: Featurizer, frame: pd.DataFrame, schema: type[Schema]) -> None:
    """Hold a Featurizer to its contract, on real rows.

    One row gives the same features alone, in a batch, in any order and in
    chunks; twice the same; with its index; without targets or outcomes; and
    unseen text, missing values and an empty frame survive.

    Parameters
    ----------
    featurizer
        Not fitted; it is cloned.
    frame
        Raw rows of `schema`, at least two; the first 50 are used one by one.
    schema
        What the rows are.

    Raises
    ------
    FeaturizerError
        Naming the first rule that is broken, and where.
    """
    known = schema.validate(frame, outcomes=False)
    fitted = clone(featurizer)
    if fitted.get_params(deep=False).keys() != featurizer.get_params(deep=False).keys():
        raise _broken(featurizer, "its __init__ must only store its parameters")
    fitted.fit(known, np.arange(len(known)) % 2)
    rows = known.iloc[:_N_ROWS].copy()
    expected = fitted.transform(rows)
    if not rows.equals(known.iloc[:_N_ROWS]):
        raise _broken(featurizer, "it changes the frame that it is given; work on a copy")
    if not len(expected.columns):
        raise _broken(featurizer, "it returns no columns")
    for rule, found in _variants(fitted, rows):
        _compare(featurizer, rule, expected, found)
    for rule, odd in _oddities(schema, rows):
        try:
            found = fitted.transform(odd)
        except Exception as error:
            raise _broken(featurizer, f"{rule} must survive, but raised {error!r}") from error
        if list(found.columns) != list(expected.columns):
            raise _broken(featurizer, f"{rule} must give the same columns")


def _variants(fitted: Featurizer, rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the features of the same rows, computed another way, in the rows' order."""
    yield "two calls", fitted.transform(rows)
    alone = [fitted.transform(rows.iloc[[position]]) for position in range(len(rows))]
    yield "rows one by one", _joined(alone)
    half = len(rows) // 2
    chunks = [fitted.transform(part) for part in (rows.iloc[:half], rows.iloc[half:]) if len(part)]
    yield "rows in chunks", _joined(chunks)
    order = np.random.default_rng(0).permutation(len(rows))
    back = np.argsort(order)
    yield "rows in another order", fitted.transform(rows.iloc[order]).iloc[back]
    renamed = rows.set_axis([f"row {position}" for position in range(len(rows))])
    yield "rows with another index", fitted.transform(renamed).set_axis(rows.index)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the parts as one frame, or the first whose columns are not those of the others."""
    columns = list(parts[0].columns)
    odd = next((part for part in parts if list(part.columns) != columns), None)
    return pd.concat(parts) if odd is None else odd


def _compare(
    featurizer: Featurizer, rule: str, expected: pd.DataFrame, found: pd.DataFrame
) -> None:
    if list(found.columns) != list(expected.columns):
        raise _broken(featurizer, f"{rule} must give the same columns")
    for name in expected.columns:
        left, right = expected[name].astype(object), found[name].astype(object)
        is_equal = (left == right) | (left.isna() & right.isna())
        differs = ~is_equal.to_numpy(dtype=bool, na_value=False)
        if differs.any():
            row = int(np.flatnonzero(differs)[0])
            raise _broken(
                featurizer,
                f"{rule} must give the same features, but {name} of row {row} is "
                f"{left.iloc[row]!r} and {right.iloc[row]!r}. Learn from other rows in fit only",
            )


def _oddities(schema: type[Schema], rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "an empty frame", rows.iloc[:0]
    for column in schema.columns.values():
        if column.name not in rows:
            continue
        if column.nullable:
            missing = pd.Series([None] * len(rows), index=rows.index, dtype=object)
            odd = rows.assign(**{column.name: missing})
            yield f"a missing {column.name}", schema.validate(odd, outcomes=False)
        if _is_free_text(column):
            yield f"an unseen {column.name}", rows.assign(**{column.name: _UNSEEN})


def _is_free_text(column: Column) -> bool:
    return column.kind == "string" and column.allowed is None


def _broken(featurizer: Featurizer, what: str) -> FeaturizerError:
    return FeaturizerError(f"{type(featurizer).__name__} breaks its contract: {what}.")
