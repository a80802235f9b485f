"""Real rows with their exact scores: what a bundle must still predict when it is loaded."""

import json
from collections.abc import Mapping
from datetime import datetime
from math import inf, nextafter
from typing import Any

import numpy as np
import pandas as pd

from mlkit.core.agreement import TOLERANCE, differences, scale_of
from mlkit.core.column import PYTHON_TYPES, Column
from mlkit.core.errors import DataError, FeaturizerError, listed
from mlkit.core.records import broken_rule
from mlkit.core.rows import ColumnRows
from mlkit.training.frames import from_columns, spread_evenly
from mlkit.training.model import TrainedModel

N_GOLDEN = 32


def golden_rows(model: TrainedModel, rows: ColumnRows, scores: np.ndarray) -> str:
    """Return rows evenly over their scores, with these, as the JSON of a `Golden`.

    Values of pii columns are replaced, and the rows scored again.

    Raises
    ------
    FeaturizerError
        If a row scores otherwise alone than among others.
    DataError
        If there are no rows.
    """
    if not len(rows):
        raise DataError("A bundle needs at least one row that the model has not seen.")
    order = np.argsort(scores.reshape(len(scores), -1)[:, -1], kind="stable")
    places = spread_evenly(len(order), N_GOLDEN)
    columns = rows[order[places]].columns
    chosen = _redacted(from_columns(model.schema, columns), model.schema.columns)
    scale = scale_of(scores, is_regression=not model.classes)
    scores = model.scores(chosen)
    alone = np.concatenate([model.scores(chosen.iloc[[row]]) for row in range(len(chosen))])
    # An estimator that computes in float32 adds up one row in another order than many.
    if (apart := differences(scores, alone, scale).max()) > TOLERANCE:
        raise FeaturizerError(
            "Rows score otherwise alone than together, so records would not get what tables get: "
            f"by up to {apart:.3g}. Features that differ: {listed(_fickle(model, chosen))}. "
            "Features of a row must come from that row and from what fit learned."
        )
    golden = {"records": _records(chosen), "scores": scores.tolist()}
    return json.dumps(golden, indent=1, ensure_ascii=False) + "\n"


def _fickle(model: TrainedModel, rows: pd.DataFrame) -> list[str]:
    """Return the features that a row has otherwise alone than together."""
    together = model.features(rows)
    alone = pd.concat([model.features(rows.iloc[[row]]) for row in range(len(rows))])
    return [
        str(name)
        for name in together.columns
        if name not in alone or not together[name].astype(object).equals(alone[name].astype(object))
    ]


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return validated rows as JSON records that parse to the same values."""
    columns = {
        name: [
            None if is_missing else value.isoformat() if hasattr(value, "isoformat") else value
            for value, is_missing in zip(rows[name].tolist(), rows[name].isna(), strict=True)
        ]
        for name in rows.columns
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _redacted(rows: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Replace personal data by constants that the schema allows and that tell nothing."""
    for column in columns.values():
        if column.pii and column.name in rows:
            values = rows[column.name]
            constant = pd.Series([placeholder(column)] * len(rows), values.index, dtype=object)
            if column.tz:
                constant = pd.to_datetime(constant, utc=True).dt.tz_convert(column.tz)
            rows = rows.assign(**{column.name: constant.astype(values.dtype)})
    return rows


def placeholder(column: Column) -> Any:
    """Return the constant that stands for a column's personal data; the schema allows it."""
    if column.nullable:
        return None
    if column.allowed:
        return column.allowed[0]
    if column.kind in ("number", "integer"):
        return _number(column)
    return {"string": "redacted", "boolean": False, "datetime": datetime(2000, 1, 1)}[column.kind]


def _number(column: Column) -> Any:
    """Return a number within the bounds: zero, a round one beside them, or what lies between."""
    limits = [*column.bounds.values()]
    beside = [limit + step for step in (0, 1, -1) for limit in limits]
    between = [sum(limits) / len(limits)] if limits else []
    close = [nextafter(limit, side) for limit in limits for side in (-inf, inf)]
    numbers = map(PYTHON_TYPES[column.kind], (0, *beside, *between, *close))
    return next(number for number in numbers if broken_rule(column, number) is None)
