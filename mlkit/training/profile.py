"""What the rows were that a model learned from: the reference that drift is measured against."""

from math import isfinite
from typing import Any

import numpy as np

from mlkit.core.arrays import missing
from mlkit.core.column import Column
from mlkit.core.rows import ColumnRows
from mlkit.core.schema import Schema

#: A bin for each tenth of the rows, as population stability indices are read.
N_BINS = 10
#: Most values of a column of text that are counted one by one.
N_VALUES = 50


def profile(schema: type[Schema], rows: ColumnRows, scores: np.ndarray) -> dict[str, Any]:
    """Return the distributions of rows and of their scores, as JSON-able values.

    Parameters
    ----------
    schema
        What the rows are; of personal data only the missing share is kept.
    rows
        Validated rows.
    scores
        What the model says of them, or of rows like them; see `TrainedModel.scores`.

    Returns
    -------
    dict
        `n_rows`; `columns`, by name: `missing` (share), and of those that have
        values one more: of numbers `edges` and `counts` of bins with about as
        many values each, ten or fewer where values repeat, `mean` and `std`
        (None where a float cannot hold them); of text and booleans the most
        frequent `values` with their counts, and `other`, the count of the rest;
        of datetimes `low` and `high`; `scores`: edges and counts, one list of
        each for each class.
    """
    columns = {name: _column(schema.columns[name], v) for name, v in rows.columns.items()}
    return {
        "n_rows": len(rows),
        "columns": columns,
        "scores": [_bins(column) for column in scores.reshape(len(scores), -1).T],
    }


def _column(column: Column, values: np.ndarray) -> dict[str, Any]:
    is_missing = missing(values)
    there = values[~is_missing]
    found = {"missing": float(is_missing.mean()) if len(values) else 0.0}
    if column.pii or not len(there):
        return found
    if column.kind in ("string", "boolean"):
        distinct, counts = np.unique(
            there.astype(str if column.kind == "string" else bool), return_counts=True
        )
        order = np.argsort(-counts, kind="stable")[:N_VALUES]
        counted = [[distinct[place].item(), int(counts[place])] for place in order]
        return found | {"values": counted, "other": int(counts.sum() - counts[order].sum())}
    if column.kind == "datetime":
        return found | {"low": str(there.min()), "high": str(there.max())}
    numbers = there.astype("float64")
    with np.errstate(over="ignore", invalid="ignore"):
        spread = {"mean": float(numbers.mean()), "std": float(numbers.std())}
    finite = {name: value if isfinite(value) else None for name, value in spread.items()}
    return found | finite | _bins(numbers)


def _bins(numbers: np.ndarray) -> dict[str, list[Any]]:
    # The nearest value, for the way from one to the next may be more than a float holds.
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, N_BINS + 1), method="nearest"))
    if len(edges) == 1:
        return {"edges": edges.tolist(), "counts": [len(numbers)]}
    counts, _ = np.histogram(numbers, edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}
