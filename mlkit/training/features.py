"""Write features in pandas: one row of features for one row."""

import re
import traceback
from abc import ABC, abstractmethod
from functools import wraps
from typing import Any, Self

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import validate_data

from mlkit.core.errors import FeaturizerError, listed, nearest

#: While a transform is traced, pandas' own name takes stand-ins too; the contract is for data.
_DATAFRAME = pd.DataFrame


class Featurizer(TransformerMixin, BaseEstimator, ABC):
    """Turn validated rows into features, one row for one row.

    Implement `transform`. Override `fit` only where the training rows teach
    something, and keep that in attributes that end in `_`. The frame holds the
    schema's columns except targets and outcomes, which are known only
    afterwards.

    Every call of `transform` is held to the contract: a DataFrame comes back,
    with the rows and the index that went in.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "transform" in vars(cls):
            cls.transform = _held_to_contract(cls.transform)  # type: ignore[method-assign]
        super().__init_subclass__(**kwargs)

    def fit(self, frame: pd.DataFrame, target: Any = None) -> Self:
        """Learn from the training rows; by default nothing but their columns' names."""
        is_frame = isinstance(frame, pd.DataFrame)
        validate_data(self, frame, skip_check_array=is_frame, dtype=None, ensure_all_finite=False)
        return self

    @abstractmethod
    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""

    def __sklearn_tags__(self) -> Any:
        """Say that missing values, text and an unfitted transform are fine."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.requires_fit = type(self).fit is not Featurizer.fit
        return tags


def _held_to_contract(transform: Any) -> Any:
    @wraps(transform)
    def checked(self: Featurizer, frame: Any) -> Any:
        name = type(self).__name__
        try:
            features = transform(self, frame)
        except (KeyError, AttributeError) as error:
            absent = _absent_columns(error, frame)
            if not absent:
                raise
            raise FeaturizerError(
                f"{name} reads {listed(absent)}, which it is not given. "
                f"{nearest(absent[0], map(str, frame.columns))} Targets and outcomes are known "
                "only afterwards and never reach a Featurizer."
            ) from error
        _check_features(name, frame, features)
        return features

    return checked


def _absent_columns(error: KeyError | AttributeError, frame: Any) -> list[str]:
    """Return the columns that the error is about, if it is about columns of the frame."""
    if not isinstance(frame, _DATAFRAME):
        return []
    if isinstance(error, AttributeError):
        return [error.name] if error.obj is frame and error.name else []
    asked = error.args[0] if error.args else None
    if "pandas" not in traceback.extract_tb(error.__traceback__)[-1].filename:
        return []
    # pandas names one absent column as it is, and several in a list within a sentence.
    several = re.search(r"\[(.*?)\]", asked) if isinstance(asked, str) else None
    names = re.findall(r"'([^']*)'", several[1]) if several else [asked]
    return [name for name in names if isinstance(name, str) and name not in frame]


def _check_features(name: str, frame: Any, features: Any) -> None:
    if not isinstance(frame, _DATAFRAME):
        return
    if not isinstance(features, pd.DataFrame):
        raise FeaturizerError(
            f"{name}.transform must return a pandas DataFrame, got {type(features).__name__}."
        )
    if len(features) != len(frame):
        raise FeaturizerError(
            f"{name}.transform was given {len(frame):,} rows and returned {len(features):,}. It "
            "must keep every row: drop rows upstream, mark missing values as missing."
        )
    if not features.index.equals(frame.index):
        raise FeaturizerError(
            f"{name}.transform changed the index. Return the rows in their order, with the "
            "index of the frame."
        )
    doubled = features.columns[features.columns.duplicated()].unique()
    if len(doubled):
        raise FeaturizerError(f"{name}.transform returned {listed(doubled)} more than once.")
