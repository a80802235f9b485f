"""Hold a model to what it must learn, and to what it must, and must not, go by."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from mlkit.core.errors import CheckError
from mlkit.scoring.prediction import Predictor
from mlkit.scoring.results import Predictions
from mlkit.training.model import pipeline_scores
from mlkit.training.trainer import Trainer

#: Rows that an answer is learned on, and rows that it must then be known of.
_N_ROWS = 300
#: How surely an answer that one feature tells must be known.
_LEAST_AUC = 0.9
#: A feature says something by half of the rows, or nearly.
_LEAST_SHARE = 0.3

Change = Callable[[pd.DataFrame], pd.DataFrame]


def check_learns(trainer: Trainer, frame: pd.DataFrame) -> None:
    """Hold a pipeline to learning what can be learned, on a few rows.

    For each feature that is a number or a truth, the answers are replaced: whether it is above
    its median. Fitted on 300 such rows, the pipeline must know the answers of 300 others (AUC of
    at least 0.9). So no feature is lost on its way to the estimator, and the settings let it
    learn. Where there are fewer rows, half of them are fitted on.

    Parameters
    ----------
    trainer
        How the model is fitted.
    frame
        Raw rows, as for `Trainer.fit`.

    Raises
    ------
    CheckError
        Naming the first feature whose answer is not learned; or if there is none to plant by.
    """
    rows, _ = trainer.prepare(frame).training()
    rows = rows.iloc[:: max(len(rows) // (2 * _N_ROWS), 1)].iloc[: 2 * _N_ROWS]
    others = rows[trainer.schema.names(known_before=True)].iloc[1::2]
    features = trainer.fit_pipeline(rows, np.arange(len(rows)) % 2, until="featurizer")
    planted = dict(_planted(features.transform(rows[others.columns])))
    if not planted:
        raise CheckError(
            f"No feature of {len(rows):,} rows is a number that varies: there is no "
            "answer to plant. Give check_learns other rows."
        )
    for name, answers in planted.items():
        codes = answers.astype(float) if trainer.target.task == "regression" else answers
        pipeline = trainer.fit_pipeline(rows.iloc[::2], codes[::2])
        scores = pipeline_scores(pipeline, others, trainer.target.task)
        found = float(roc_auc_score(answers[1::2], scores if scores.ndim == 1 else scores[:, 1]))
        if found < _LEAST_AUC:
            raise CheckError(
                f"The pipeline does not learn an answer that {name} alone tells: fitted on "
                f"{len(rows) - len(others):,} rows, on {len(others):,} others its AUC is "
                f"{found:.2f}, at least {_LEAST_AUC} is asked for. Is the feature lost in the "
                "encoder, or does the estimator learn too little?"
            )


def check_invariance(predictor: Predictor, frame: pd.DataFrame, change: Change) -> None:
    """Hold a model to predicting the same when something is changed that must not count.

    Parameters
    ----------
    predictor
        The loaded bundle.
    frame
        Records.
    change
        Takes a copy of them, and returns them changed.

    Raises
    ------
    CheckError
        If any prediction is another.

    Examples
    --------
    >>> def other_planes(frame):
    ...     return frame.assign(tailnum="N00000")
    >>> check_invariance(predictor, frame, other_planes)  # doctest: +SKIP
    """
    before = _scores(predictor.predict(frame))
    after = _scores(predictor.predict(change(frame.copy())))
    differs = (before != after).reshape(len(frame), -1).any(axis=1)
    if differs.any():
        row = int(np.flatnonzero(differs)[0])
        raise CheckError(
            f"{_name(change)} must leave predictions alone, but changes {int(differs.sum()):,} of "
            f"{len(frame):,}, first that of row {row}: from {before[row]} to {after[row]}."
        )


def check_direction(
    predictor: Predictor, frame: pd.DataFrame, change: Change, *, label: Any = None
) -> None:
    """Hold a model to predicting more, on average, after a change of which one knows that.

    Parameters
    ----------
    predictor, frame, change
        As for `check_invariance`.
    label
        The class whose probability must rise; of a multiclass target only.

    Raises
    ------
    CheckError
        If the mean prediction is not larger.
    """
    before = _scores(predictor.predict(frame), label).mean()
    after = _scores(predictor.predict(change(frame.copy())), label).mean()
    if not after > before:
        raise CheckError(
            f"{_name(change)} must raise the mean prediction, but it is {after:.4g} after and "
            f"{before:.4g} before."
        )


def _planted(features: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the features that vary, and whether each row is above the median."""
    for name in features:
        column = features[name]
        if not pd.api.types.is_numeric_dtype(column):
            continue
        values = column.astype(float)
        above = (values > values.median()).to_numpy()
        if _LEAST_SHARE <= above.mean() <= 1 - _LEAST_SHARE:
            yield str(name), above.astype(int)


def _scores(predictions: Predictions, label: Any = None) -> np.ndarray:
    columns = predictions.columns()
    if label is not None:
        return columns[f"probability_{label}"]
    if predictions.probabilities is not None:
        return predictions.probabilities
    found = predictions.probability
    return predictions.label if found is None else found


def _name(change: Change) -> str:
    return getattr(change, "__name__", repr(change))
