"""Train one model, and leave it where every side of the prediction benchmark finds it.

python benchmarks/predict_fit.py flights hist_gradient_boosting flights.parquet FOLDER
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import flights
import joblib
import numpy as np
import pandas as pd
import synthetic
from lightgbm import LGBMClassifier
from predict_side import TRUSTED
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from mlkit import (
    Evaluator,
    Featurizer,
    Schema,
    Splitter,
    TableEncoder,
    Target,
    Trainer,
    pack,
    read_frame,
)

N_RECORDS = 2_000
N_BATCH = 300_000


class Table(NamedTuple):
    """What a model is trained on, and how."""

    schema: type[Schema]
    featurizer: Featurizer
    target: Target
    splitter: Splitter


TABLES = {
    "flights": Table(
        flights.Flight,
        flights.FlightFeaturizer(),
        Target(task="binary", column="arr_delay", edges=(15,)),
        Splitter(cut="2013-10-01"),
    ),
    "synthetic": Table(
        synthetic.Purchase,
        synthetic.PurchaseFeaturizer(),
        Target(task="binary", column="returned"),
        Splitter(kind="stratified"),
    ),
}
#: The template's settings for the first two; a forest and boosted trees of a usual size.
ESTIMATORS = {
    "logistic": LogisticRegression(max_iter=1000),
    "hist_gradient_boosting": HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=200,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        early_stopping=True,
    ),
    "random_forest": RandomForestClassifier(
        n_estimators=100, min_samples_leaf=100, max_features=0.5, n_jobs=-1
    ),
    "lightgbm": LGBMClassifier(n_estimators=200, num_leaves=15, verbosity=-1),
}


def fit(table: Table, estimator: str, path: Path, folder: Path) -> dict[str, Any]:
    """Train, and write bundle, pipeline, records and batch; return what was trained."""
    frame = read_frame(path, table.schema)
    trainer = Trainer(
        schema=table.schema,
        target=table.target,
        featurizer=table.featurizer,
        estimator=ESTIMATORS[estimator],
        encoder=TableEncoder(numbers="standardize" if estimator == "logistic" else "passthrough"),
        splitter=table.splitter,
    )
    model = trainer.fit(frame)
    holdout = model.holdout(frame)
    evaluation = Evaluator(n_resamples=0).evaluate(model, holdout)
    where = folder / "bundle"
    bundle = pack(model, evaluation, holdout, where, name=estimator, trusted=TRUSTED)
    joblib.dump(model.pipeline, folder / "pipeline.joblib")

    names = table.schema.names(known_before=True)
    batch = table.schema.validate(frame).iloc[:N_BATCH][names]
    batch.to_parquet(folder / "batch.parquet", index=False)
    rows = table.schema.validate(holdout)[names]
    rows = rows.iloc[np.linspace(0, len(rows) - 1, N_RECORDS).astype(int)]
    write_records(rows, folder)
    return {"runtime": bundle.manifest.runtime, "roc_auc": evaluation["roc_auc"].value}


def write_records(rows: pd.DataFrame, folder: Path) -> None:
    """Write rows as JSON, one a line, and the dtypes that make a frame of them again."""
    records = rows.to_json(orient="records", lines=True, date_format="iso", double_precision=15)
    (folder / "records.jsonl").write_text(records)
    dtypes = {name: str(dtype) for name, dtype in rows.dtypes.items()}
    (folder / "dtypes.json").write_text(json.dumps(dtypes))


if __name__ == "__main__":
    name, estimator, path, folder = sys.argv[1:]
    print(json.dumps(fit(TABLES[name], estimator, Path(path), Path(folder))))
