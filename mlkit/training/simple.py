"""The simple model that every other has to beat: linear, on the schema's own columns."""

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline

from mlkit.core.schema import Schema
from mlkit.training.encoding import TableEncoder
from mlkit.training.frames import plain_columns, spread_evenly
from mlkit.training.target import Target

#: Rows that it is fitted on at most, evenly drawn from the training rows: a linear model of a
#: few columns learns little from more, and it must cost next to nothing beside the model.
MOST_ROWS = 20_000


def fit_simple(
    schema: type[Schema], target: Target, rows: pd.DataFrame, codes: np.ndarray, seed: int
) -> Pipeline:
    """Fit a logistic regression, or a ridge regression, without any of the project's features.

    Where no column is left to learn from, it guesses as the naive baseline does.

    Parameters
    ----------
    schema
        Its columns are used, except keys and personal data.
    target
        Tells the task.
    rows, codes
        The training rows, validated, and their answers.
    seed
        Of the folds of the target encoding.
    """
    columns = [column.name for column in plain_columns(schema)]
    is_regression = target.task == "regression"
    if not columns:
        guess = DummyRegressor() if is_regression else DummyClassifier(strategy="prior")
        return make_pipeline(guess).fit(rows[schema.names(known_before=True)], codes)
    drawn = spread_evenly(len(rows), MOST_ROWS)
    if not is_regression and len(np.unique(codes[drawn])) < len(np.unique(codes)):
        drawn = np.arange(len(rows))
    encoder = TableEncoder(numbers="standardize", random_state=seed)
    estimator = Ridge() if is_regression else LogisticRegression(max_iter=1000)
    return make_pipeline(encoder, estimator).fit(rows[columns].iloc[drawn], codes[drawn])
