"""Fit featurizer, encoder and estimator as one pipeline, on rows that may be seen."""

from dataclasses import dataclass
from logging import DEBUG
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import InvalidParameterError

from mlkit.core.decision import THRESHOLD
from mlkit.core.errors import ConfigError, DataError, listed
from mlkit.core.log import get_logger, stage
from mlkit.core.schema import Schema
from mlkit.training.encoding import TableEncoder
from mlkit.training.features import Featurizer
from mlkit.training.folding import folds
from mlkit.training.frames import fingerprints, no_rows
from mlkit.training.model import TrainedModel, pipeline_scores
from mlkit.training.simple import fit_simple
from mlkit.training.splitting import Split, Splitter
from mlkit.training.target import Target

log = get_logger(__name__)

#: How the probabilities of a classifier may be calibrated.
CALIBRATIONS = ("sigmoid", "isotonic")
#: A calibrator learns from what the estimator says of rows that it has not seen: each class
#: needs a row in each of its folds.
N_CALIBRATION_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Validated rows that have an answer, and which of them may train.

    Attributes
    ----------
    frame, codes
        The rows, and their answers as `Target.codes` gives them.
    classes
        Labels in the order of their codes; empty for a regression.
    split
        Positions in `frame`.
    positions
        Where each row lay in the frame that was given.
    """

    frame: pd.DataFrame
    codes: np.ndarray
    classes: tuple[Any, ...]
    split: Split
    positions: np.ndarray

    def training(self) -> tuple[pd.DataFrame, np.ndarray]:
        """Return the rows that may train, and their codes."""
        return self.frame.iloc[self.split.train], self.codes[self.split.train]


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
    selector
        Chooses among the encoder's columns: any of scikit-learn's selectors; cloned.
    calibration
        `sigmoid` or `isotonic` learns from the estimator's answers on rows that it
        has not seen what share of them is right (`CalibratedClassifierCV` with 5
        folds and one final estimator, so that scoring takes no longer).
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
        selector: BaseEstimator | None = None,
        calibration: str | None = None,
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
        if selector is not None and not hasattr(selector, "get_support"):
            raise ConfigError(
                f"{type(selector).__name__} is no selector: it has no get_support. Choose one of "
                "sklearn.feature_selection."
            )
        if calibration is not None:
            if calibration not in CALIBRATIONS:
                raise ConfigError(
                    f"model.calibration must be one of {listed(CALIBRATIONS)}, got {calibration!r}."
                )
            if target.task == "regression":
                raise ConfigError(
                    "model.calibration calibrates probabilities, but the task is a regression. "
                    "Leave it out."
                )
        self.schema = schema
        self.target = target
        self.featurizer = featurizer
        self.estimator = estimator
        self.encoder = TableEncoder() if encoder is None else encoder
        self.selector = selector
        self.calibration = calibration
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
        prepared = self.prepare(frame)
        split, classes = prepared.split, prepared.classes
        rows, seen = prepared.training()
        if self.calibration and (fewest := np.bincount(seen).min()) < N_CALIBRATION_FOLDS:
            raise DataError(
                f"A class of {self.target.column} has {fewest} rows to train on, but calibration "
                f"needs {N_CALIBRATION_FOLDS} of each. Bring more, or leave out model.calibration."
            )
        with stage(log, "training", n_rows=len(rows), estimator=type(self.estimator).__name__):
            pipeline = self.fit_pipeline(rows, seen)
            simple = fit_simple(self.schema, self.target, rows, seen, self.seed)
        self._warn_of_pii(pipeline, rows)
        threshold = self._threshold(rows, seen)
        prior = np.bincount(seen) / len(seen) if classes else np.array([seen.mean()])
        return TrainedModel(
            pipeline=pipeline,
            schema=self.schema,
            target=self.target,
            classes=classes,
            prior=prior,
            training_rows=self.row_prints(rows),
            tuning_rows=self.tuning_rows,
            simple=simple,
            threshold=threshold,
            split=Split(
                kind=split.kind,
                description=split.description,
                train=prepared.positions[split.train],
                holdout=prepared.positions[split.holdout],
            ),
        )

    def prepare(self, frame: pd.DataFrame) -> Prepared:
        """Validate raw rows, leave out those without a target, and split the rest.

        See `fit` for what is raised.
        """
        with stage(log, "validation", level=DEBUG, n_rows=len(frame)):
            frame = self.schema.validate(frame)
            answers = self.target.values(frame)
            labelled = np.flatnonzero(answers.notna())
            if n_unlabelled := len(frame) - len(labelled):
                log.info("rows_left_out", n_rows=n_unlabelled, reason="without a target")
            frame, answers = frame.iloc[labelled], answers.iloc[labelled]
            classes = self.target.classes(answers)
            codes = self.target.codes(answers, classes)
        split = self.splitter.split(frame, self.schema, codes)
        if len(np.unique(codes[split.train])) < max(len(classes), 2):
            raise DataError(
                f"The rows to train on lack some answers: the split ({split.description}) leaves "
                "them all in the holdout. Change split.cut, split.test_fraction or split.kind."
            )
        return Prepared(frame=frame, codes=codes, classes=classes, split=split, positions=labelled)

    def fit_pipeline(
        self, rows: pd.DataFrame, codes: np.ndarray, *, until: str = "estimator"
    ) -> Pipeline:
        """Return featurizer, encoder and estimator, fitted on rows of `Prepared`.

        With `until` it ends with the part of that name. See `fit` for what is raised.
        """
        pipeline = self._pipeline()
        pipeline = pipeline[: list(pipeline.named_steps).index(until) + 1]
        try:
            pipeline.fit(rows[self.schema.names(known_before=True)], codes)
        except InvalidParameterError as error:
            raise ConfigError(f"A part of the model refuses its settings: {error}") from error
        return pipeline

    def fold_scores(self, rows: pd.DataFrame, codes: np.ndarray, fold: Split) -> np.ndarray:
        """Fit on a fold's training rows, and score those that it is judged on.

        See `fit` for what is raised, and `Runtime.scores` for the shape.
        """
        pipeline = self.fit_pipeline(rows.iloc[fold.train], codes[fold.train])
        known = rows.iloc[fold.holdout][self.schema.names(known_before=True)]
        return pipeline_scores(pipeline, known, self.target.task)

    def row_prints(self, rows: pd.DataFrame) -> np.ndarray:
        """Return what later tells that rows were seen: their sorted fingerprints (uint64)."""
        return np.sort(fingerprints(rows[self.target.judged_columns(self.schema)]))

    def _warn_of_pii(self, pipeline: Pipeline, rows: pd.DataFrame) -> None:
        """Name the personal data that are features; under another name they are not known."""
        personal = self.schema.pii()
        if not personal:
            return
        features = pipeline[0].transform(rows.head(1)[self.schema.names(known_before=True)])
        if used := [name for name in personal if name in features]:
            log.warning(
                "personal_data_learned",
                columns=used,
                reason="personal (pii), and features: their values may lie in the encoder, and "
                "so in the bundle; leave them out of the featurizer where that matters",
            )

    def _threshold(self, rows: pd.DataFrame, codes: np.ndarray) -> float:
        """Return the threshold that costs least on training rows scored by models without them."""
        if self.target.costs is None:
            return THRESHOLD
        with stage(log, "threshold_choice", n_rows=len(rows)):
            cut = folds(self.splitter, rows, self.schema, codes)
            scores = [self.fold_scores(rows, codes, fold) for fold in cut]
            answers = [codes[fold.holdout] for fold in cut]
            return self.target.costs.threshold(np.concatenate(answers), np.concatenate(scores))

    def _pipeline(self) -> Pipeline:
        estimator = clone(self.estimator)
        if self.calibration:
            estimator = CalibratedClassifierCV(
                estimator, method=self.calibration, cv=N_CALIBRATION_FOLDS, ensemble=False
            )
        steps = [
            ("featurizer", clone(self.featurizer)),
            ("encoder", clone(self.encoder)),
            *([] if self.selector is None else [("selector", clone(self.selector))]),
            ("estimator", estimator),
        ]
        pipeline = Pipeline(steps)
        unseeded = {
            name: self.seed
            for name, value in pipeline.get_params().items()
            if name.endswith("random_state") and value is None
        }
        return pipeline.set_params(**unseeded)
