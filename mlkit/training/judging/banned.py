"""Find whether a model reads columns that it must not, by taking them from it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mlkit.training.judging.findings import Verdict
from mlkit.training.model import TrainedModel, pipeline_scores

#: Rows that it is tried on.
N_ROWS = 1000


def read_columns(
    model: TrainedModel, frame: pd.DataFrame, names: Sequence[str], seed: int = 0
) -> list[str]:
    """Return those of the columns that the model reads.

    A column is read if predictions change, or fail, when it is dropped, or when
    its values are shuffled over the rows (only when shuffled, where a bundle's
    graph predicts: that is always given its columns). Targets and outcomes never
    reach a model.

    Parameters
    ----------
    model
        What is tried.
    frame
        Validated rows; some of them will do.
    names
        Columns of the schema.
    seed
        Of the shuffling.
    """
    known = frame[model.schema.names(known_before=True)].iloc[:N_ROWS]
    expected = model.scores(known)
    order = np.random.default_rng(seed).permutation(len(known))

    def is_read(name: str) -> bool:
        shuffled = known.assign(**{name: known[name].iloc[order].set_axis(known.index)})
        if model.shipped is not None:
            return not np.array_equal(expected, model.scores(shuffled))
        try:
            found = [_predicted(model, rows) for rows in (known.drop(columns=name), shuffled)]
        except Exception:  # noqa: BLE001
            # A project's own code raises whatever it likes for want of a column.
            return True
        return not all(np.array_equal(expected, scores) for scores in found)

    return [name for name in names if name in known.columns and is_read(name)]


def _predicted(model: TrainedModel, known: pd.DataFrame) -> np.ndarray:
    return pipeline_scores(model.pipeline, known, model.target.task)


def banned_verdict(
    model: TrainedModel, frame: pd.DataFrame, names: Sequence[str], seed: int
) -> Verdict:
    """Return the verdict on banned columns, with those that are read in its words."""
    read = read_columns(model, frame, names, seed)
    what = f"the number of banned columns that are read ({', '.join(read or names)})"
    return Verdict(what=what, figure=len(read), bound=0, is_floor=False)
