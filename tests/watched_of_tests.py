"""Trips that are all alike, a small model of them for each task, and logs of its use."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge

from mlkit import Evaluator, Featurizer, Schema, Splitter, TableEncoder, Target, Trainer, column
from mlkit import pack as pack_bundle
from mlkit.core.bundle import Bundle
from mlkit.history.reading import read_log

#: What stands in each cell of personal data, and in each key.
SECRET, KEY = "Jane Roe 4711", "guest-0815"
START = "2024-01-01"


class Trip(Schema):
    """One trip, with a column of each kind."""

    guest: str = column(role="key")
    email: str | None = column(pii=True)
    at: datetime = column(role="event_time")
    booked: datetime | None = column(tz="America/New_York")
    age: float = column(ge=0, le=130)
    rain: float = column(ge=0)
    mass: float | None = column(lt=700)
    floor: int
    beds: int | None
    ward: Literal["a", "b", "c"]
    doctor: str | None
    sharp: bool | None
    stay: float | None = column(role="outcome", unit="d")


class TripFeaturizer(Featurizer):
    """What a trip's start says about its length."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features."""
        return pd.DataFrame(
            {
                "age": frame["age"],
                "rain": frame["rain"],
                "mass": frame["mass"].fillna(70.0),
                "ward": frame["ward"],
                "doctor": frame["doctor"].fillna("none"),
            }
        )


TARGETS = {
    "binary": Target(task="binary", column="stay", edges=(5,)),
    "multiclass": Target(
        task="multiclass", column="stay", edges=(3, 6), labels=("short", "days", "long")
    ),
    "regression": Target(task="regression", column="stay"),
}


def trips(
    n_rows: int = 1_000, seed: int = 0, *, days: int = 60, start: str = START
) -> pd.DataFrame:
    """Return trips of one distribution, whatever the seed and the time, by time."""
    draw = np.random.default_rng(seed)
    age = draw.uniform(0, 100, n_rows).round(1)
    rain = np.where(draw.random(n_rows) < 0.9, 0.0, draw.gamma(1, 2, n_rows).round(2))
    ward = draw.choice(["a", "b", "c"], n_rows, p=[0.5, 0.3, 0.2])
    minutes = np.sort(draw.integers(0, days * 24 * 60, n_rows))
    at = pd.Timestamp(start) + pd.to_timedelta(minutes, "min")
    stay = 1 + age / 18 + rain + (ward == "b") + draw.gamma(2, 0.8, n_rows)
    return pd.DataFrame(
        {
            "guest": KEY,
            "email": SECRET,
            "at": at,
            "booked": (at - pd.Timedelta("9h")).tz_localize("UTC"),
            "age": age,
            "rain": rain,
            "mass": pd.Series(draw.normal(70, 9, n_rows).round(1)).where(draw.random(n_rows) > 0.1),
            "floor": draw.integers(1, 4, n_rows),
            "beds": pd.Series(draw.integers(1, 5, n_rows), dtype="Int64").where(
                draw.random(n_rows) > 0.1
            ),
            "ward": ward,
            "doctor": pd.Series(draw.choice(["Ng", "Øst", "李"], n_rows)).where(
                draw.random(n_rows) > 0.2
            ),
            "sharp": draw.random(n_rows) < 0.5,
            "stay": stay.round(2),
        }
    )


def pack_trips(
    folder: Path, task: str = "binary", *, seed: int = 0, schema: type[Schema] = Trip
) -> Bundle:
    """Train a model of some task on trips, judge it by slices, and pack it as `trips`."""
    frame = trips(6_000, seed, days=365, start="2023-01-01")
    trainer = Trainer(
        schema=schema,
        target=TARGETS[task],
        featurizer=TripFeaturizer(),
        encoder=TableEncoder(numbers="standardize"),
        estimator=Ridge() if task == "regression" else LogisticRegression(max_iter=500),
        splitter=Splitter(),
    )
    model = trainer.fit(frame)
    holdout = model.holdout(frame)
    judge = Evaluator(
        n_resamples=0, n_repeats=0, slices=["ward", "floor", "beds", "sharp", "age"], least_rows=50
    )
    return pack_bundle(
        model,
        judge.evaluate(model, holdout),
        holdout,
        folder,
        name="trips",
        reference=frame.drop(holdout.index),
        lineage={"data": {"time_range": ["2023-01-01T00:00:00", "2023-12-31T00:00:00"]}},
    )


def records_of(frame: pd.DataFrame) -> list[dict]:
    """Return the trips' records, as one sends them."""
    asked = frame.drop(columns="stay").assign(at=frame["at"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
    found: list[dict] = json.loads(asked.to_json(orient="records", date_format="iso"))
    return found


def requests_of(frame: pd.DataFrame, size: int = 50) -> dict[str, list[dict]]:
    """Return the trips as requests of some records, called by their first trip's number."""
    records = records_of(frame)
    return {f"r{n}": records[n : n + size] for n in range(0, len(records), size)}


def answers_of(frame: pd.DataFrame, size: int = 50) -> pd.DataFrame:
    """Return what came true of the trips, by request and row."""
    numbers = np.arange(len(frame))
    return pd.DataFrame(
        {
            "id": [f"r{n // size * size}" for n in numbers],
            "row": numbers % size,
            "stay": frame["stay"].to_numpy(),
        }
    )


def predicted(log: Path, digest: str | None = None) -> pd.DataFrame:
    """Return a log's rows but for the shadows', in the order in which they were asked."""
    frame = read_log(log).query("role != 'shadow'")
    frame = frame if digest is None else frame[frame["digest"] == digest]
    number = frame["id"].str.removeprefix("r").astype("int64") + frame["row"]
    return frame.set_index(number).sort_index()


def texts_of(folders: Iterable[Path]) -> bytes:
    """Return all that is in files of some folders, and what they are called."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return b"\n".join(part for path in files for part in (str(path).encode(), path.read_bytes()))
