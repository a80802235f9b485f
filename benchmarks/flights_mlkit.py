"""Train and judge on the flights with mlkit; print what was found as JSON.

python benchmarks/flights_mlkit.py flights.parquet 100
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from mlkit import Evaluator, Featurizer, Schema, Splitter, Target, Trainer, column, read_frame

WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]


class Flight(Schema):
    """One scheduled flight, with the columns and rules of the template's schema."""

    carrier: str
    tailnum: str | None = column(role="key")
    origin: str
    dest: str
    distance: float = column(ge=0)
    scheduled_departure: datetime = column(role="event_time")
    temp: float | None = column(ge=-60, le=140)
    dewp: float | None = column(ge=-80, le=120)
    humid: float | None = column(ge=0, le=100)
    wind_dir: float | None = column(ge=0, le=360)
    wind_speed: float | None = column(ge=0)
    precip: float | None = column(ge=0)
    pressure: float | None = column(ge=850, le=1100)
    visib: float | None = column(ge=0)
    dep_delay: float | None = column(role="outcome")
    arr_delay: float | None = column(role="outcome")
    air_time: float | None = column(role="outcome")


class FlightFeaturizer(Featurizer):
    """The template's features: a flight's plan, and the weather before it."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        departure = frame["scheduled_departure"]
        return frame[["origin", "dest", *WEATHER]].assign(
            carrier=frame["carrier"].str.upper(),
            log_distance=np.log1p(frame["distance"]),
            departure_hour=departure.dt.hour + departure.dt.minute / 60,
            weekday=departure.dt.day_of_week,
            is_weekend=departure.dt.day_of_week >= 5,
        )


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
    evaluator = Evaluator(n_resamples=n_resamples, seed=0)
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
