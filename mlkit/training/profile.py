"""What the rows were that a model learned from: the reference that drift is measured against."""

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
        `n_rows`; `columns`, by name: `missing` (share), and `edges` and `counts`
        of ten bins with about as many values each, `mean` and `std`, or the
        most frequent `values` with their counts and `other`, the count of the
        rest; `scores`: edges and counts, one list of each for each class.
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
    spread = {"mean": float(numbers.mean()), "std": float(numbers.std())}
    return found | spread | _bins(numbers)


def _bins(numbers: np.ndarray) -> dict[str, list[Any]]:
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, N_BINS + 1)))
    counts, _ = np.histogram(numbers, edges if len(edges) > 1 else 1)
    return {"edges": edges.tolist(), "counts": counts.tolist()}
