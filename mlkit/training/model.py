"""A fitted pipeline, and what must be known of it to judge it, to pack it and to use it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from joblib import parallel_config
from sklearn.pipeline import Pipeline

from mlkit.core.decision import THRESHOLD, check_finite
from mlkit.core.errors import DataError
from mlkit.core.rows import read_table
from mlkit.core.schema import Schema
from mlkit.scoring.prediction import Runtime
from mlkit.training.frames import no_rows
from mlkit.training.splitting import Split
from mlkit.training.target import Target


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A fitted pipeline, and what one must know to judge and to use it.

    Attributes
    ----------
    pipeline
        Featurizer, encoder, the selector if there is one, and estimator, fitted.
    schema, target
        What it was given, and what it predicts.
    classes
        Labels in the order of their codes; empty for a regression.
    prior
        What one would predict without features: each class's share of the
        training rows, or the mean of the training target.
    simple
        What its complexity is held against: a linear model of the schema's own columns.
    training_rows
        Sorted fingerprints (uint64) of the rows that it has seen: of what is
        known before, and the target's column.
    tuning_rows
        The same of the rows that its settings were chosen on.
    split
        Which rows of the frame given to `Trainer.fit` were held out.
    threshold
        From this probability on, the positive class of a binary target is chosen.
    name
        The bundle's that it was read from, with its digest; empty before it is packed.
    shipped
        What a bundle scores with in the pipeline's place: its graph, if it has one.
    is_as_packed
        Whether the pipeline still scores as it did when its bundle was packed: the
        project's features may have changed since.
    """

    pipeline: Pipeline
    schema: type[Schema]
    target: Target
    classes: tuple[Any, ...]
    prior: np.ndarray
    simple: Pipeline = field(repr=False)
    training_rows: np.ndarray = field(repr=False)
    tuning_rows: np.ndarray = field(default_factory=no_rows, repr=False)
    split: Split | None = field(default=None, repr=False)
    threshold: float = THRESHOLD
    name: str = ""
    shipped: Runtime | None = field(default=None, repr=False)
    is_as_packed: bool = True

    def scores(self, frame: pd.DataFrame) -> np.ndarray:
        """Score the rows of a validated frame; targets and outcomes are not looked at.

        See `Runtime.scores` for their shape, and for what is raised.
        """
        known = frame[self.schema.names(known_before=True)]
        if known.empty:
            return np.empty((0, len(self.classes)) if self.target.task == "multiclass" else 0)
        if self.shipped is not None:
            return self.shipped.scores(read_table(self.schema, known))
        return self._scores(self.pipeline, known)

    def features(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return what the featurizer makes of the rows of a validated frame."""
        made: pd.DataFrame = self.pipeline[0].transform(frame[self.schema.names(known_before=True)])
        return made

    def feature_scores(self, features: pd.DataFrame) -> np.ndarray:
        """Score rows of features, as `features` returns them, one row or more."""
        return self._scores(self.pipeline[1:], features)

    def simple_scores(self, frame: pd.DataFrame) -> np.ndarray:
        """Score the rows of a validated frame with the simple model."""
        return self._scores(self.simple, frame[list(self.simple.feature_names_in_)])

    def naive_scores(self, n_rows: int) -> np.ndarray:
        """Return what one would predict without features, for as many rows."""
        guess = self.prior[1] if self.target.task == "binary" else self.prior
        shape = (n_rows, len(self.classes)) if self.target.task == "multiclass" else (n_rows,)
        return np.array(np.broadcast_to(guess, shape), dtype="float64")

    def _scores(self, pipeline: Pipeline, known: pd.DataFrame) -> np.ndarray:
        return pipeline_scores(pipeline, known, self.target.task)

    def holdout(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the frame given to `Trainer.fit` that were held out."""
        return frame.iloc[self._known_split().holdout]

    def training(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the frame given to `Trainer.fit` that it was fitted on."""
        return frame.iloc[self._known_split().train]

    def _known_split(self) -> Split:
        if self.split is None:
            raise DataError(
                "A model read from a bundle no longer knows positions. Evaluate it on any frame: "
                "rows that it was trained on are left out."
            )
        return self.split


def pipeline_scores(pipeline: Pipeline, known: pd.DataFrame, task: str) -> np.ndarray:
    """Score at least one row with a fitted pipeline; see `Runtime.scores` for the shape.

    The same pipeline gives a row the same score to the last bit, always.
    """
    # A forest's threads add up its trees in the order in which they happen to end.
    with parallel_config(backend="sequential"):
        if task == "regression":
            return check_finite(np.asarray(pipeline.predict(known), dtype="float64"))
        scores = np.asarray(pipeline.predict_proba(known), dtype="float64")
    return check_finite(scores[:, 1] if task == "binary" else scores)
