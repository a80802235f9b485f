"""A small model of every kind of column, for each task; one that fails on demand."""

from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from bundles_of_tests import bundle_of
from sklearn.linear_model import LogisticRegression, Ridge

from mlkit import Featurizer, Schema, Splitter, TableEncoder, Target, Trainer, column

#: The patient for whom the features of `Failing` fail, in words that name them.
SECRET = "Jane Roe 4711"  # noqa: S105


class Visit(Schema):
    """One visit."""

    patient: str = column(role="key", pii=True)
    born: datetime = column(pii=True)
    room: int | None = column(pii=True)
    age: float = column(ge=0, le=130, unit="a")
    beds: int = column(gt=0)
    floor: Literal[1, 2, 3]
    ward: Literal["a", "b"]
    sharp: bool
    urgent: bool | None
    at: datetime = column(role="event_time")
    seen_at: datetime | None = column(tz="Europe/Berlin")
    mass: float | None = column(lt=700)
    doctor: str | None
    stay: float | None = column(role="outcome", unit="d")


class Stay(Featurizer):
    """What a visit's start says about its length."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features."""
        return pd.DataFrame(
            {
                "age": frame["age"],
                "beds": frame["beds"],
                "floor": frame["floor"],
                "ward": frame["ward"],
                "hour": frame["at"].dt.hour,
                "mass": frame["mass"].fillna(70.0),
                "doctor": frame["doctor"].fillna("none"),
                "is_sharp": frame["sharp"],
            }
        )


class Failing(Stay):
    """Says too much as it fails."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features, unless there is a visit that must not be."""
        if (frame["patient"] == SECRET).any():
            raise ValueError(f"No such patient: {SECRET}")
        return super().transform(frame)


TARGETS = {
    "binary": Target(task="binary", column="stay", edges=(5,)),
    "multiclass": Target(
        task="multiclass", column="stay", edges=(3, 6), labels=("short", "days", "long")
    ),
    "regression": Target(task="regression", column="stay"),
}


def visits(n_rows: int = 400) -> pd.DataFrame:
    """Return visits that never were."""
    draw = np.random.default_rng(7)
    age = draw.uniform(0, 100, n_rows).round(1)
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(draw.integers(0, 9000, n_rows)), "h")
    rows = pd.Series(range(n_rows))
    return pd.DataFrame(
        {
            "patient": [f"Patient {number}" for number in range(n_rows)],
            "born": pd.Timestamp("1950-01-01"),
            "room": pd.Series(draw.integers(1, 99, n_rows)),
            "age": age,
            "beds": draw.integers(1, 5, n_rows),
            "floor": draw.integers(1, 4, n_rows),
            "ward": draw.choice(["a", "b"], n_rows),
            "sharp": draw.random(n_rows) < 0.5,
            "urgent": draw.random(n_rows) < 0.5,
            "at": at,
            "seen_at": (at + pd.Timedelta("1h")).tz_localize("UTC").tz_convert("Europe/Berlin"),
            "mass": pd.Series(draw.normal(70, 9, n_rows).round(1)).where(rows % 7 > 0),
            "doctor": pd.Series(draw.choice(["Ng", "Øst", "李"], n_rows)).where(rows % 5 > 0),
            "stay": (age / 12 + draw.gamma(2, 1, n_rows)).round(2),
        }
    )


def visit_bundle(task: str, folder: Path, featurizer: Featurizer | None = None) -> Path:
    """Train a model of some task, pack it, and return its folder."""
    trainer = Trainer(
        schema=Visit,
        target=TARGETS[task],
        featurizer=featurizer or Stay(),
        encoder=TableEncoder(numbers="standardize"),
        estimator=Ridge() if task == "regression" else LogisticRegression(max_iter=500),
        splitter=Splitter(),
    )
    frame = visits()
    return bundle_of(trainer.fit(frame), frame, folder).path
