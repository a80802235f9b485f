"""Train and judge on the flights with pandas and scikit-learn alone; print JSON.

python benchmarks/flights_bare.py flights.parquet 100
"""

import json
import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd
import pyarrow.parquet  # noqa: F401  # pandas would import it while the clock runs
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
NUMBERS = [*WEATHER, "log_distance", "departure_hour", "weekday", "is_weekend"]


def features(flights: pd.DataFrame) -> pd.DataFrame:
    """Return the features of a flight's plan, and of the weather before it."""
    departure = flights["scheduled_departure"]
    return flights[["origin", "dest", *WEATHER]].assign(
        carrier=flights["carrier"].str.upper(),
        log_distance=np.log1p(flights["distance"]),
        departure_hour=departure.dt.hour + departure.dt.minute / 60,
        weekday=departure.dt.day_of_week,
        is_weekend=(departure.dt.day_of_week >= 5).astype("float64"),
    )


def metrics(late: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Return the five metrics that are compared."""
    return {
        "roc_auc": roc_auc_score(late, scores),
        "average_precision": average_precision_score(late, scores),
        "log_loss": log_loss(late, scores),
        "brier": brier_score_loss(late, scores),
        "accuracy": accuracy_score(late, scores >= 0.5),
    }


def bootstrap(
    late: np.ndarray, scores: np.ndarray, days: pd.Series, n_resamples: int
) -> dict[str, list[float]]:
    """Return each metric's 95 % percentile interval over days drawn with replacement."""
    rng = np.random.default_rng(0)
    rows_of = list(days.reset_index(drop=True).groupby(days.to_numpy()).indices.values())
    draws = []
    for _ in range(n_resamples):
        drawn = rng.integers(0, len(rows_of), len(rows_of))
        rows = np.concatenate([rows_of[day] for day in drawn])
        draws.append(metrics(late[rows], scores[rows]))
    return pd.DataFrame(draws).quantile([0.025, 0.975]).to_dict("list")


def importance(model: Pipeline, rows: pd.DataFrame, late: np.ndarray) -> np.ndarray:
    """Return what the AUC loses on 5,000 rows as each feature is shuffled, five times."""
    drawn = np.unique(np.linspace(0, len(rows) - 1, 5_000).astype("int64"))
    found = permutation_importance(
        model, rows.iloc[drawn], late[drawn], scoring="roc_auc", n_repeats=5, random_state=0
    )
    return found.importances_mean


def simple_model(rows: pd.DataFrame, late: np.ndarray) -> Pipeline:
    """Return what the model is held against: a linear one of raw columns, on 20,000 rows."""
    drawn = np.unique(np.linspace(0, len(rows) - 1, 20_000).astype("int64"))
    encoder = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), [*WEATHER, "distance"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["origin", "carrier", "dest"]),
        ]
    )
    model = make_pipeline(encoder, LogisticRegression(max_iter=1000))
    return model.fit(rows.iloc[drawn], late[drawn])


def train(path: Path, n_resamples: int) -> dict:
    """Read, split, fit and evaluate."""
    flights = pd.read_parquet(path).dropna(subset=["arr_delay"])
    late = (flights["arr_delay"] >= 30).to_numpy()
    is_train = (flights["scheduled_departure"] < "2013-10-01").to_numpy()
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=10,
        max_categories=30,
        sparse_output=False,
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    encoder = ColumnTransformer(
        [
            ("numbers", "passthrough", NUMBERS),
            ("few", one_hot, ["origin", "carrier"]),
            ("many", TargetEncoder(target_type="binary", cv=folds), ["dest"]),
        ],
        sparse_threshold=0,
    )
    estimator = HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=200,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        early_stopping=True,
        random_state=0,
    )
    model = make_pipeline(encoder, estimator)
    model.fit(features(flights[is_train]), late[is_train])
    scores = model.predict_proba(features(flights[~is_train]))[:, 1]
    simple = simple_model(flights[is_train], late[is_train])
    intervals = {}
    if n_resamples:
        days = flights.loc[~is_train, "scheduled_departure"].dt.floor("D")
        intervals = bootstrap(late[~is_train], scores, days, n_resamples)
        importance(model, features(flights[~is_train]), late[~is_train])
    return {
        "n_train": int(is_train.sum()),
        "n_holdout": len(scores),
        "scores": metrics(late[~is_train], scores),
        "simple": metrics(late[~is_train], simple.predict_proba(flights[~is_train])[:, 1]),
        "intervals": intervals,
    }


if __name__ == "__main__":
    start, start_cpu = perf_counter(), process_time()
    found = train(Path(sys.argv[1]), int(sys.argv[2]))
    spent = {"wall": perf_counter() - start, "cpu": process_time() - start_cpu}
    print(json.dumps(spent | found))
