"""Hold compiled models against their pipelines: on every real row, and on 100,000 fuzzed ones.

Exits with 1 if a score differs by more than the tolerance, a decision flips
away from a tie, or a model does not compile. README.md says what is compared.

    python benchmarks/parity.py
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from lightgbm import LGBMClassifier, LGBMRegressor
from parity_data import Data, tables
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from xgboost import XGBRegressor

from mlkit import Schema, TableEncoder, Trainer
from mlkit.core.agreement import TOLERANCE
from mlkit.core.bundle import Parity
from mlkit.core.rows import read_table
from mlkit.training.compilation.compiler import compile_model
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.parity import UnequalError, certify

HERE = Path(__file__).parent
N_FUZZED = 100_000
#: With `--quick`: one real row in so many, and so many fuzzed ones.
EVERY, N_QUICK = 20, 2_000
BOOSTING: dict[str, Any] = {
    "learning_rate": 0.1, "max_iter": 200, "max_leaf_nodes": 15, "l2_regularization": 1.0,
    "early_stopping": True,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """An estimator, the table that it is trained on, and how it takes numbers."""

    data: str
    estimator: Any
    encoder: TableEncoder = field(default_factory=TableEncoder)


def standardized() -> TableEncoder:
    """Return the encoder of estimators that take no missing values."""
    return TableEncoder(numbers="standardize")


def models() -> list[Model]:
    """Return what is compared."""
    forest = {"n_estimators": 100, "min_samples_leaf": 100, "max_features": 0.5}
    leaves = {"n_estimators": 200, "num_leaves": 15, "verbose": -1, "n_jobs": 1}
    isotonic = CalibratedClassifierCV(HistGradientBoostingClassifier(), method="isotonic")
    hidden = MLPClassifier(hidden_layer_sizes=(16,), max_iter=1000)
    return [
        Model(data="flights", estimator=LogisticRegression(max_iter=1000), encoder=standardized()),
        Model(data="flights", estimator=HistGradientBoostingClassifier(**BOOSTING)),
        Model(data="flights", estimator=RandomForestClassifier(**forest)),
        Model(data="flights", estimator=LGBMClassifier(**leaves)),
        Model(data="penguins", estimator=LogisticRegression(), encoder=standardized()),
        Model(data="pbc", estimator=HistGradientBoostingClassifier()),
        Model(data="pbc", estimator=ExtraTreesClassifier(min_samples_leaf=5)),
        Model(data="movies", estimator=HistGradientBoostingRegressor(**BOOSTING)),
        Model(data="movies", estimator=Ridge(), encoder=standardized()),
        Model(data="diamonds", estimator=LGBMRegressor(**leaves)),
        Model(data="diamonds", estimator=XGBRegressor(n_estimators=200, max_depth=5, n_jobs=1)),
        Model(data="diamonds", estimator=RandomForestRegressor(50, min_samples_leaf=10)),
        Model(data="mortgages", estimator=isotonic),
        Model(data="tumours", estimator=GradientBoostingClassifier()),
        Model(data="wines", estimator=hidden, encoder=standardized()),
    ]


def measure(model: Model, data: Data, *, quick: bool) -> Parity:
    """Train, compile and certify one model; every row is compared, those that trained it too."""
    frame = data.rows()
    if quick and len(frame) > 10_000:
        frame = frame.iloc[::EVERY]
    frame = frame.reset_index(drop=True)
    schema = data.schema or Schema.infer(frame, target=data.target.column)
    trainer = Trainer(
        schema=schema,
        target=data.target,
        featurizer=data.featurizer,
        estimator=model.estimator,
        encoder=model.encoder,
    )
    trained = trainer.fit(frame)
    return certify(
        trained,
        compile_model(trained),
        read_table(schema, frame),
        n_real=None,
        n_fuzzed=N_QUICK if quick else N_FUZZED,
    )


def row(model: Model, data: Data, parity: Parity) -> str:
    """Return one line of the table."""
    flipped = "" if data.target.task == "regression" else str(parity.n_flipped)
    n_fuzzed = parity.n_rows["fuzzed"] + parity.n_rows["huge"]
    return (
        f"| {model.data} | {data.target.task} | {type(model.estimator).__name__} "
        f"| {parity.n_rows['real']:,} | {n_fuzzed:,} | {parity.n_refused} "
        f"| {parity.largest_difference:.1e} | {flipped} |"
    )


def main() -> int:
    """Measure, print the table, and return 1 if any model falls short."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows, in a minute or two")
    parser.add_argument("--only", help="one table alone")
    arguments = parser.parse_args()
    faults = []
    print(
        "| data | task | estimator | real rows | fuzzed rows | refused | largest difference "
        "| flipped |\n|---|---|---|--:|--:|--:|--:|--:|"
    )
    with TemporaryDirectory() as folder:
        flights = Path(folder) / "flights.parquet"
        if arguments.only in (None, "flights"):
            prepare = HERE.parent / "examples" / "prepare_flights.py"
            subprocess.run([sys.executable, prepare, flights], check=True, stdout=sys.stderr)
        found = tables(flights)
        for model in models():
            if arguments.only not in (None, model.data):
                continue
            start, name = perf_counter(), type(model.estimator).__name__
            try:
                parity = measure(model, found[model.data], quick=arguments.quick)
                print(row(model, found[model.data], parity), flush=True)
            except (Untraceable, UnequalError) as error:
                faults.append(f"{model.data}, {name}: {error}")
            print(f"{model.data}, {name}: {perf_counter() - start:.0f} s", file=sys.stderr)
    print(f"\nAllowed: {TOLERANCE:g}; of predicted numbers, as a share of their size.")
    for fault in faults:
        print(f"Missed: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
