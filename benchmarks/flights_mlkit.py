"""Train and judge on the flights with mlkit; print what was found as JSON.

python benchmarks/flights_mlkit.py flights.parquet 100
"""

import json
import sys
from pathlib import Path
from time import perf_counter, process_time

from flights import Flight, FlightFeaturizer
from sklearn.ensemble import HistGradientBoostingClassifier

from mlkit import Evaluator, Splitter, Target, Trainer, read_frame

#: Those that the bare script computes too.
METRICS = ("roc_auc", "average_precision", "log_loss", "brier", "accuracy")
#: Shuffles of each feature, where there are resamples.
N_REPEATS = 5


def train(path: Path, n_resamples: int) -> dict:
    """Read, validate, split, fit and evaluate."""
    frame = read_frame(path, Flight)
    trainer = Trainer(
        schema=Flight,
        target=Target(task="binary", column="arr_delay", edges=(30,)),
        featurizer=FlightFeaturizer(),
        estimator=HistGradientBoostingClassifier(
            learning_rate=0.1,
            max_iter=200,
            max_leaf_nodes=15,
            l2_regularization=1.0,
            early_stopping=True,
        ),
        splitter=Splitter(cut="2013-10-01"),
        seed=0,
    )
    model = trainer.fit(frame)
    evaluator = Evaluator(
        metrics=METRICS, n_resamples=n_resamples, n_repeats=N_REPEATS if n_resamples else 0, seed=0
    )
    evaluation = evaluator.evaluate(model, model.holdout(frame))
    return {
        "n_train": len(model.split.train),
        "n_holdout": evaluation.n_rows,
        "scores": {score.metric: score.value for score in evaluation.scores},
        "intervals": {score.metric: [score.low, score.high] for score in evaluation.scores},
    }


if __name__ == "__main__":
    start, start_cpu = perf_counter(), process_time()
    found = train(Path(sys.argv[1]), int(sys.argv[2]))
    spent = {"wall": perf_counter() - start, "cpu": process_time() - start_cpu}
    print(json.dumps(spent | found))
