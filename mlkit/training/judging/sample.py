"""The rows that a model is judged on: labelled, and seen by none of those who are compared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlkit.core.errors import DataError
from mlkit.core.schema import Schema
from mlkit.training.frames import digest, fingerprints
from mlkit.training.splitting import grouped, shared_key
from mlkit.training.trainer import TrainedModel


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Rows to judge on, and what the model says of them.

    Attributes
    ----------
    frame
        Validated rows.
    codes
        The answers, as `Target.codes` gives them.
    scores
        What the model predicts, as `TrainedModel.scores` gives it.
    n_unlabelled
        Rows left out because their target is missing.
    n_seen
        Rows left out because a model was trained or tuned on them.
    digest
        SHA-256 of the rows' sorted fingerprints.
    others
        What each of the models that it is compared with predicts.
    """

    frame: pd.DataFrame
    codes: np.ndarray
    scores: np.ndarray
    n_unlabelled: int
    n_seen: int
    digest: str
    others: tuple[np.ndarray, ...] = ()

    def clusters(self, model: TrainedModel) -> tuple[np.ndarray | None, str]:
        """Return which of these rows are alike, and what they share; see `alike`."""
        return alike(self.frame, model.schema)


def alike(frame: pd.DataFrame, schema: type[Schema]) -> tuple[np.ndarray | None, str]:
    """Return which rows are alike for a reason of their own, and what they share.

    Rows of one day share its weather, rows of one key whatever it stands for.

    Returns
    -------
    tuple of numpy.ndarray or None, and str
        Each row's number (n_rows,), from 0; None where every row stands for itself.
    """
    name = schema.event_time()
    if name is not None:
        days = frame[name].dt.floor("D")
        if 1 < days.nunique() < len(days):
            return pd.factorize(days, use_na_sentinel=False)[0], f"days of {name}"
    key = shared_key(frame, schema)
    if key is not None:
        return grouped(frame[key]), f"values of {key}"
    return None, "rows"


def draw_sample(
    model: TrainedModel,
    frame: pd.DataFrame,
    *,
    held_out: bool = False,
    others: Sequence[TrainedModel] = (),
) -> Sample:
    """Return the rows of `frame` that `model` may be judged on, and its scores.

    Parameters
    ----------
    model
        What to judge.
    frame
        Raw rows of the model's schema, with their targets.
    held_out
        Whether these rows are the model's own holdout, so that none of them was
        trained on. Otherwise, of rows that are alike, as many are left out as it
        was trained on. What it was tuned on is left out in any case.
    others
        Models that it is compared with: what they have seen is left out as well.

    Raises
    ------
    DataError
        If the rows break a model's schema, carry unknown labels, or none are left.
    """
    # Each by its own schema, for fingerprints are of its columns.
    frames = [_validated(other, frame) for other in others]
    frame = model.schema.validate(frame)
    answers = model.target.values(frame)
    is_labelled = answers.notna().to_numpy()
    prints = _prints(model, frame)
    is_seen = _among(prints, model.tuning_rows)
    if not held_out:
        is_seen |= _among(prints, model.training_rows)
    for other, rows in zip(others, frames, strict=True):
        known = _prints(other, rows)
        is_seen |= _among(known, other.training_rows) | _among(known, other.tuning_rows)
    is_seen &= is_labelled
    keep = is_labelled & ~is_seen
    if not keep.any():
        raise DataError(
            f"None of the {len(frame):,} rows can be judged: {int((~is_labelled).sum()):,} "
            f"have no {model.target.column}, and {int(is_seen.sum()):,} were trained or tuned "
            "on. Bring labelled rows that no model has seen."
        )
    frame = frame.iloc[keep]
    return Sample(
        frame=frame,
        codes=model.target.codes(answers.iloc[keep], model.classes),
        scores=model.scores(frame),
        n_unlabelled=int((~is_labelled).sum()),
        n_seen=int(is_seen.sum()),
        digest=digest(prints[keep]),
        others=tuple(
            other.scores(rows.iloc[keep]) for other, rows in zip(others, frames, strict=True)
        ),
    )


def _prints(model: TrainedModel, frame: pd.DataFrame) -> np.ndarray:
    return fingerprints(frame[model.target.judged_columns(model.schema)])


def _validated(other: TrainedModel, frame: pd.DataFrame) -> pd.DataFrame:
    try:
        return other.schema.validate(frame)
    except DataError as error:
        raise DataError(
            f"The champion cannot score these rows: {error} Bring rows that hold to both "
            "schemas, or compare with a champion of this one.",
            error.violations,
        ) from None


def _among(prints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return which rows were seen; each that was (sorted) accounts for one of those alike."""
    copies = pd.Series(prints).groupby(prints).cumcount().to_numpy()
    first = np.searchsorted(seen, prints, side="left")
    known = np.searchsorted(seen, prints, side="right") - first
    is_among: np.ndarray = copies < known
    return is_among
