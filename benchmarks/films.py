"""The films of ggplot2's movies, in a module of their own, as bundles need it."""

from datetime import datetime

import pandas as pd

from mlkit import Featurizer, Schema, column


class Film(Schema):
    """A film, as it was known when it came out."""

    released: datetime = column(role="event_time")
    length: float = column(unit="min")
    budget: float | None = column(unit="USD")
    mpaa: str | None
    action: int = column(name="Action")
    animation: int = column(name="Animation")
    comedy: int = column(name="Comedy")
    drama: int = column(name="Drama")
    documentary: int = column(name="Documentary")
    romance: int = column(name="Romance")
    short: int = column(name="Short")
    rating: float | None = column(role="outcome")


class FilmFeaturizer(Featurizer):
    """What is known of a film but its age."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return frame.drop(columns="released")
