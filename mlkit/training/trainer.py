"""Fit featurizer, encoder and estimator as one pipeline, on rows that may be seen."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import InvalidParameterError

from mlkit.core.decision import THRESHOLD, check_finite
from mlkit.core.errors import ConfigError, DataError
from mlkit.core.log import get_logger, stage
from mlkit.core.schema import Schema
from mlkit.training.encoding import TableEncoder
from mlkit.training.features import Featurizer
from mlkit.training.folding import folds
from mlkit.training.frames import fingerprints, no_rows
from mlkit.training.simple import fit_simple
from mlkit.training.splitting import Split, Splitter
from mlkit.training.target import Target

log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A fitted pipeline, and what one must know to judge and to use it.

    Attributes
    ----------
    pipeline
        Featurizer, encoder and estimator, fitted.
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

    def scores(self, frame: pd.DataFrame) -> np.ndarray:
        """Score the rows of a validated frame; targets and outcomes are not looked at.

        See `Runtime.scores` for their shape, and for what is raised.
        """
        known = frame[self.schema.names(known_before=True)]
        if known.empty:
            return np.empty((0, len(self.classes)) if self.target.task == "multiclass" else 0)
        return self._scores(self.pipeline, known)

    def simple_scores(self, frame: pd.DataFrame) -> np.ndarray:
        """Score the rows of a validated frame with the simple model."""
        return self._scores(self.simple, frame[list(self.simple.feature_names_in_)])

    def naive_scores(self, n_rows: int) -> np.ndarray:
        """Return what one would predict without features, for as many rows."""
        guess = self.prior[1] if self.target.task == "binary" else self.prior
        shape = (n_rows, len(self.classes)) if self.target.task == "multiclass" else (n_rows,)
        return np.array(np.broadcast_to(guess, shape), dtype="float64")

    def _scores(self, pipeline: Pipeline, known: pd.DataFrame) -> np.ndarray:
        if not self.classes:
            return check_finite(np.asarray(pipeline.predict(known), dtype="float64"))
        scores = np.asarray(pipeline.predict_proba(known), dtype="float64")
        return check_finite(scores[:, 1] if self.target.task == "binary" else scores)

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


class Trainer:
    """Validate, split, and fit one pipeline.

    Parameters
    ----------
    schema
        What the rows are.
    target
        What to predict.
    featurizer
        Turns validated rows into features; cloned.
    estimator
        Any scikit-learn classifier (with `predict_proba`) or regressor; cloned.
    encoder
        Turns features into numbers; by default a `TableEncoder`.
    splitter
        Chooses the holdout; by default in time where the schema has an event time.
    seed
        Given to every part that is random and has no seed of its own.
    tuning_rows
        Sorted fingerprints (uint64) of the rows that these settings were chosen on.
    """

    def __init__(
        self,
        *,
        schema: type[Schema],
        target: Target,
        featurizer: Featurizer,
        estimator: BaseEstimator,
        encoder: BaseEstimator | None = None,
        splitter: Splitter | None = None,
        seed: int = 0,
        tuning_rows: np.ndarray | None = None,
    ) -> None:
        target.check_schema(schema)
        if target.task == "regression" and is_classifier(estimator):
            raise ConfigError(
                f"{type(estimator).__name__} is a classifier, but the task is a regression. "
                "Choose a regressor."
            )
        if target.task != "regression" and not hasattr(estimator, "predict_proba"):
            raise ConfigError(
                f"{type(estimator).__name__} has no predict_proba, which a {target.task} target "
                "needs. Choose a classifier that predicts probabilities."
            )
        self.schema = schema
        self.target = target
        self.featurizer = featurizer
        self.estimator = estimator
        self.encoder = TableEncoder() if encoder is None else encoder
        self.splitter = Splitter(seed=seed) if splitter is None else splitter
        self.seed = seed
        self.tuning_rows = no_rows() if tuning_rows is None else tuning_rows

    def fit(self, frame: pd.DataFrame) -> TrainedModel:
        """Fit on all rows of `frame` but the holdout.

        Parameters
        ----------
        frame
            Raw rows of the schema, with their targets; rows without one are
            left out, and their number is logged.

        Raises
        ------
        DataError
            If the rows break the schema, or their targets do not fit the task.
        FeaturizerError
            If the featurizer breaks its contract.
        ConfigError
            If an estimator's parameter is of no valid type or value.
        """
        with stage(log, "validation", n_rows=len(frame)):
            frame = self.schema.validate(frame)
            answers = self.target.values(frame)
            labelled = np.flatnonzero(answers.notna())
            if n_unlabelled := len(frame) - len(labelled):
                log.info("rows_left_out", n_rows=n_unlabelled, reason="without a target")
            frame, answers = frame.iloc[labelled], answers.iloc[labelled]
            classes = self.target.classes(answers)
            codes = self.target.codes(answers, classes)
        split = self.splitter.split(frame, self.schema, codes)
        rows, seen = frame.iloc[split.train], codes[split.train]
        if len(np.unique(seen)) < max(len(classes), 2):
            raise DataError(
                f"The rows to train on lack some answers: the split ({split.description}) leaves "
                "them all in the holdout. Change split.cut, split.test_fraction or split.kind."
            )
        pipeline = self._pipeline()
        with stage(log, "training", n_rows=len(rows), estimator=type(self.estimator).__name__):
            try:
                pipeline.fit(rows[self.schema.names(known_before=True)], seen)
            except InvalidParameterError as error:
                raise ConfigError(f"A part of the model refuses its settings: {error}") from error
            simple = fit_simple(self.schema, self.target, rows, seen, self.seed)
        threshold = self._threshold(rows, seen)
        prior = np.bincount(seen) / len(seen) if classes else np.array([seen.mean()])
        return TrainedModel(
            pipeline=pipeline,
            schema=self.schema,
            target=self.target,
            classes=classes,
            prior=prior,
            training_rows=np.sort(fingerprints(rows[self.target.judged_columns(self.schema)])),
            tuning_rows=self.tuning_rows,
            simple=simple,
            threshold=threshold,
            split=Split(
                kind=split.kind,
                description=split.description,
                train=labelled[split.train],
                holdout=labelled[split.holdout],
            ),
        )

    def _threshold(self, rows: pd.DataFrame, codes: np.ndarray) -> float:
        """Return the threshold that costs least on training rows scored by models without them."""
        if self.target.costs is None:
            return THRESHOLD
        known = rows[self.schema.names(known_before=True)]
        with stage(log, "threshold_choice", n_rows=len(rows)):
            answers, scores = [], []
            for fold in folds(self.splitter, rows, self.schema, codes):
                pipeline = self._pipeline().fit(known.iloc[fold.train], codes[fold.train])
                scores.append(pipeline.predict_proba(known.iloc[fold.holdout])[:, 1])
                answers.append(codes[fold.holdout])
            scored = check_finite(np.concatenate(scores))
            return self.target.costs.threshold(np.concatenate(answers), scored)

    def _pipeline(self) -> Pipeline:
        pipeline = Pipeline(
            [
                ("featurizer", clone(self.featurizer)),
                ("encoder", clone(self.encoder)),
                ("estimator", clone(self.estimator)),
            ]
        )
        unseeded = {
            name: self.seed
            for name, value in pipeline.get_params().items()
            if name.endswith("random_state") and value is None
        }
        return pipeline.set_params(**unseeded)
