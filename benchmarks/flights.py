"""What a flight is, and its features, as the template has them.

Imports no more than a featurizer needs: stored pipelines bring this module into
the processes that are measured.
"""

from datetime import datetime

import numpy as np
import pandas as pd

from mlkit import Featurizer, Schema, column

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
