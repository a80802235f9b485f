"""The default way from a frame of features to numbers that an estimator takes."""

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pandas.api import types
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder
from sklearn.utils.validation import check_is_fitted, validate_data

from mlkit.core.errors import FeaturizerError

Kind = Literal["number", "moment", "text"]
#: Folds of the target encoding, as in scikit-learn.
N_FOLDS = 5
#: The parts of a datetime that recur; absolute time is left out, because no
#: estimator has seen the times that it will be asked about.
MOMENT_PARTS = ("month", "day", "day_of_week", "hour")


class TableEncoder(TransformerMixin, BaseEstimator):
    """Encode numbers, booleans, text and datetimes by the dtype of their columns.

    Numbers and booleans pass as they are, or standardized; text with few
    distinct values becomes one column a value, text with many becomes the mean
    of the target for its value, fitted across folds so that no row sees its own
    target [1]_; a datetime becomes its month, day, weekday and hour. Values
    that were not seen in training count as rare ones, or as the overall mean.

    Parameters
    ----------
    numbers
        `passthrough` leaves missing values missing, for estimators that take
        them; `standardize` fills them with the median, marks them in a column
        of their own, and scales to mean 0 and standard deviation 1.
    max_onehot
        Text with at most this many distinct values gets one column a value.
    min_count
        Values with fewer training rows than this are taken together as rare,
        where each value has a column.
    random_state
        Seed of the folds of the target encoding.

    Attributes
    ----------
    n_features_in_
        Number of columns seen in `fit`.
    feature_names_in_
        Names of the columns, where they were text.
    kinds_
        What each column held in `fit`: number, moment or text.
    encoder_
        The fitted scikit-learn ColumnTransformer.

    Notes
    -----
    `fit_transform` is not `fit` followed by `transform` where text is target
    encoded: training rows get out-of-fold values, as in scikit-learn's
    `TargetEncoder`.

    References
    ----------
    .. [1] Micci-Barreca, "A preprocessing scheme for high-cardinality
       categorical attributes in classification and prediction problems",
       SIGKDD Explorations 3 (1), 2001.
    """

    def __init__(
        self,
        *,
        numbers: Literal["passthrough", "standardize"] = "passthrough",
        max_onehot: int = 30,
        min_count: int = 10,
        random_state: int | None = None,
    ) -> None:
        self.numbers = numbers
        self.max_onehot = max_onehot
        self.min_count = min_count
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the columns' kinds and values from features of shape (n_rows, n_features).

        A target of floats is taken for numbers, any other for classes.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and return the training rows encoded, float64 of shape (n_rows, n_encoded)."""
        if self.numbers not in ("passthrough", "standardize"):
            raise ValueError(f"numbers must be passthrough or standardize, got {self.numbers!r}.")
        frame = self._frame(X, reset=True)
        self.encoder_ = ColumnTransformer(
            self._transformers(frame, y),
            sparse_threshold=0,
            verbose_feature_names_out=False,
        )
        return np.asarray(self.encoder_.fit_transform(frame, y), dtype="float64")

    def transform(self, X: Any) -> np.ndarray:
        """Return features of shape (n_rows, n_features) as float64 (n_rows, n_encoded)."""
        check_is_fitted(self)
        frame = self._frame(X, reset=False)
        if frame.empty:
            return np.empty((0, len(self.get_feature_names_out())))
        return np.asarray(self.encoder_.transform(frame), dtype="float64")

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the encoded columns."""
        check_is_fitted(self)
        names: np.ndarray = self.encoder_.get_feature_names_out()
        return names

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """Return the features, each in the dtype of the kind that it had in `fit`."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            frame = X
        else:
            array = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
            if array.dtype.kind not in "OUS":
                array = array.astype("float64")
            names = [f"x{position}" for position in range(array.shape[1])]
            frame = pd.DataFrame(array, columns=names).infer_objects()
        if reset:
            self.kinds_ = {name: _kind(values) for name, values in frame.items()}
        columns = {name: _as_kind(frame[name], kind) for name, kind in self.kinds_.items()}
        return pd.DataFrame(columns, index=frame.index)

    def _transformers(self, frame: pd.DataFrame, y: Any) -> list[tuple[str, Any, list[Any]]]:
        numbers = [name for name, kind in self.kinds_.items() if kind == "number"]
        moments = [name for name, kind in self.kinds_.items() if kind == "moment"]
        texts = [name for name, kind in self.kinds_.items() if kind == "text"]
        few = [name for name in texts if y is None or frame[name].nunique() <= self.max_onehot]
        many = [name for name in texts if name not in few]
        one_hot = OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            min_frequency=self.min_count,
            max_categories=self.max_onehot,
            sparse_output=False,
        )
        target_mean = self._target_encoder(y) if many else None
        parts = [
            ("numbers", self._of_numbers("passthrough"), numbers),
            ("moments", self._of_numbers(MomentParts()), moments),
            ("few", one_hot, few),
            ("many", self._of_numbers(target_mean), many),
        ]
        return [part for part in parts if part[2]]

    def _target_encoder(self, y: Any) -> TargetEncoder:
        answers = np.asarray(y)
        if answers.dtype.kind == "f":
            kind, is_even = "continuous", False
        else:
            _, counts = np.unique(answers, return_counts=True)
            kind, is_even = (
                ("binary" if len(counts) <= 2 else "multiclass"),
                counts.min() >= N_FOLDS,
            )
        folds = StratifiedKFold if is_even else KFold
        cv = folds(N_FOLDS, shuffle=True, random_state=self.random_state)
        return TargetEncoder(target_type=kind, cv=cv)

    def _of_numbers(self, encoder: Any) -> Any:
        if self.numbers == "passthrough" or encoder is None:
            return encoder
        steps = [] if encoder == "passthrough" else [encoder]
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        return make_pipeline(*steps, imputer, StandardScaler())

    def __sklearn_tags__(self) -> Any:
        """Say that missing values and text are fine."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


class MomentParts(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Turn each datetime column into its month, day, weekday and hour.

    Attributes
    ----------
    n_features_in_
        Number of columns seen in `fit`.
    feature_names_in_
        Their names.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Remember the columns."""
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return float64 of shape (n_rows, 4 × n_columns), NaN where missing."""
        check_is_fitted(self)
        parts = [
            getattr(X[name].dt, part).to_numpy(dtype="float64")
            for name in X.columns
            for part in MOMENT_PARTS
        ]
        return np.column_stack(parts)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns, as in `departure_hour`."""
        names = [f"{name}_{part}" for name in self.feature_names_in_ for part in MOMENT_PARTS]
        return np.array(names, dtype=object)


def _kind(values: pd.Series) -> Kind:
    """Return what a column of features holds; one without any value counts as text."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    dtype: Any = values.dtype
    if types.is_datetime64_any_dtype(dtype):
        return "moment"
    if types.is_any_real_numeric_dtype(dtype) or types.is_bool_dtype(dtype):
        return "number"
    held = types.infer_dtype(values, skipna=True)
    if held in ("boolean", "integer", "floating", "mixed-integer-float", "decimal"):
        return "number"
    if held in ("string", "empty"):
        return "text"
    raise FeaturizerError(
        f"The feature {values.name} holds {held} values of dtype {dtype}. Return numbers, "
        "booleans, text or datetimes."
    )


def _as_kind(values: pd.Series, kind: Kind) -> pd.Series:
    """Return float64, datetime64, or text with None where missing, whatever the dtype was.

    One row may have another dtype than many: a text column that is missing
    throughout is a float to pandas.
    """
    is_missing = values.isna()
    if not is_missing.all() and _kind(values) != kind:
        raise FeaturizerError(
            f"The feature {values.name} was a {kind} in training, and now is of dtype "
            f"{values.dtype}. Return the same kind for any rows."
        )
    if kind == "moment":
        return values if types.is_datetime64_any_dtype(values.dtype) else pd.to_datetime(values)
    if kind == "text":
        return values.astype(object).where(~is_missing, None)
    if types.is_float_dtype(values.dtype) and isinstance(values.dtype, np.dtype):
        return values.astype("float64")
    return values.astype(object).where(~is_missing, np.nan).astype("float64")
