"""Read from a bundle what its model learned from, and what it was worth."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.monitoring.drift import Numbers
from mlkit.monitoring.estimation import Lessons
from mlkit.monitoring.quality import Expected
from mlkit.monitoring.records import Records
from mlkit.monitoring.views import View, matrix, views
from mlkit.training.reference import HELD_OUT, PART, SCORE, TRAINED, TRUTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a model learned from, and what it was judged on.

    Attributes
    ----------
    views
        How each column was distributed in the rows that it was trained on.
    are_categories
        Which of them are of categories.
    rows
        Rows that it was trained on, as numbers; see `matrix`.
    scores
        How its scores were on the rows that it was judged on, one for each class.
    lessons
        Those of these rows whose answers are known.
    expected
        What it was worth on them.
    """

    views: Sequence[View]
    are_categories: Sequence[bool]
    rows: np.ndarray
    scores: Sequence[Numbers]
    lessons: Lessons
    expected: Expected


def read_reference(bundle: Bundle, expected: Expected, window: str) -> Reference:
    """Return what a bundle's use is compared with.

    Parameters
    ----------
    bundle
        The model's.
    expected
        What it was worth.
    window
        The windows' kind; see `views`.
    """
    table = pq.read_table(io.BytesIO(bundle.read(layout.REFERENCE)))
    parts = table[PART].to_pandas().to_numpy()
    records = Records(table)
    columns = {
        name: records.checked(column)[0]
        for name, column in bundle.schema.columns.items()
        if name in records.names
    }
    trained, held_out = (
        {name: values[parts == part] for name, values in columns.items()}
        for part in (TRAINED, HELD_OUT)
    )
    chosen = views(bundle.schema, trained, window)
    rows, are_categories = matrix(chosen, trained)
    names = [name for name in table.column_names if name.startswith(f"{SCORE}.")]
    by_class = np.column_stack([table[name].to_numpy()[parts == HELD_OUT] for name in names])
    truth = table[TRUTH].to_numpy()[parts == HELD_OUT]
    scores = by_class if bundle.manifest.task == "multiclass" else by_class[:, 0]
    features = np.empty((len(truth), 0))
    if bundle.manifest.task == "regression":
        features, _ = matrix(chosen, held_out)
    return Reference(
        views=chosen,
        are_categories=are_categories,
        rows=rows,
        scores=[
            Numbers(name, "", column)
            for name, column in zip(_score_names(bundle), by_class.T, strict=True)
        ],
        lessons=Lessons(scores=scores, codes=truth, features=features)[~np.isnan(truth)],
        expected=expected,
    )


def _score_names(bundle: Bundle) -> list[str]:
    if bundle.manifest.task == "multiclass":
        return [f"probability of {label}" for label in bundle.manifest.classes]
    return ["probability" if bundle.manifest.classes else "prediction"]
