"""Real rows with their exact scores: what a bundle must still predict when it is loaded."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from mlkit.core.column import Column
from mlkit.core.errors import DataError, FeaturizerError
from mlkit.scoring.prediction import GOLDEN_TOLERANCE
from mlkit.training.trainer import TrainedModel

N_GOLDEN = 32


def golden_rows(model: TrainedModel, frame: pd.DataFrame) -> str:
    """Return rows evenly over the scores, with their scores, as the JSON of a `Golden`.

    Values of pii columns are replaced first.

    Raises
    ------
    FeaturizerError
        If a row scores otherwise alone than among others.
    DataError
        If there are no rows.
    """
    rows = _redacted(model.schema.validate(frame, outcomes=False), model.schema.columns)
    if rows.empty:
        raise DataError("A bundle needs at least one row that the model has not seen.")
    scores = model.scores(rows)
    order = np.argsort(scores.reshape(len(scores), -1)[:, -1], kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, N_GOLDEN).astype(int))
    chosen = rows.iloc[order[places]]
    scores = model.scores(chosen)
    alone = np.concatenate([model.scores(chosen.iloc[[row]]) for row in range(len(chosen))])
    if not np.allclose(alone, scores, rtol=GOLDEN_TOLERANCE, atol=GOLDEN_TOLERANCE):
        raise FeaturizerError(
            "Rows score otherwise alone than together, so records would not get what tables get: "
            f"by up to {np.abs(alone - scores).max():.3g}. Features of a row must come from that "
            "row and from what fit learned; mlkit.testing.check_featurizer names the feature."
        )
    golden = {"records": _records(chosen), "scores": scores.tolist()}
    return json.dumps(golden, indent=1, ensure_ascii=False) + "\n"


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
            constant = pd.Series([_constant(column)] * len(rows), values.index, dtype=object)
            if column.tz:
                constant = pd.to_datetime(constant, utc=True).dt.tz_convert(column.tz)
            rows = rows.assign(**{column.name: constant.astype(values.dtype)})
    return rows


def _constant(column: Column) -> Any:
    if column.nullable:
        return None
    if column.allowed:
        return column.allowed[0]
    if column.kind in ("number", "integer"):
        low = column.bounds.get("ge", column.bounds.get("gt", -np.inf) + 1)
        high = column.bounds.get("le", column.bounds.get("lt", np.inf) - 1)
        return min(max(0, low), high)
    return {"string": "redacted", "boolean": False, "datetime": datetime(2000, 1, 1)}[column.kind]
