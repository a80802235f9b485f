"""Keep some of the rows that a model was made of: what its use is compared with later."""

import numpy as np
import pandas as pd
import pyarrow as pa

from mlkit.core.rows import ColumnRows
from mlkit.training.frames import as_table, from_columns, plain_columns
from mlkit.training.model import TrainedModel

#: Rows of either part. A test of a window against as many is hardly weaker than against all.
N_ROWS = 10_000
TRAINED, HELD_OUT = "trained", "held_out"
PART, SCORE, TRUTH = "part", "score", "truth"


def reference_rows(
    model: TrainedModel,
    seen: ColumnRows,
    held_out: ColumnRows,
    scores: np.ndarray,
    codes: np.ndarray,
) -> pa.Table:
    """Return rows drawn from those that a model has seen, and from those that it has not.

    Neither personal data nor keys are kept.

    Parameters
    ----------
    model
        Tells the schema.
    seen
        What it was fitted on.
    held_out
        What it was not.
    scores
        What it says of the held-out rows; see `TrainedModel.scores`.
    codes
        Their answers (n_rows,), as `Target.codes` gives them, in float64: NaN where unknown.

    Returns
    -------
    pyarrow.Table
        `part` (`trained` or `held_out`), the schema's columns, and of held-out rows
        `score.0`, `score.1` and so on, one for each column of the scores, and `truth`.
    """
    by_row = scores.reshape(len(scores), -1)
    places = _drawn(len(held_out))
    told = {f"{SCORE}.{n}": column[places] for n, column in enumerate(by_row.T)}
    kept = {
        TRAINED: _frame(model, seen[_drawn(len(seen))]),
        HELD_OUT: _frame(model, held_out[places]).assign(**told, **{TRUTH: codes[places]}),
    }
    frames = [frame.assign(**{PART: part}) for part, frame in kept.items()]
    names = [PART, *frames[1].columns.drop(PART)]
    tables = [as_table(frame[[name for name in names if name in frame]]) for frame in frames]
    table = pa.concat_tables(tables, promote_options="default")
    # It names the versions of libraries.
    return table.select(names).replace_schema_metadata(None)


def _drawn(n_rows: int) -> np.ndarray:
    if n_rows <= N_ROWS:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(0).choice(n_rows, N_ROWS, replace=False))


def _frame(model: TrainedModel, rows: ColumnRows) -> pd.DataFrame:
    names = [column.name for column in plain_columns(model.schema)]
    return from_columns(model.schema, {name: rows.column(name) for name in names})
