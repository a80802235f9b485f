"""Helpers that features of tests use, in a module of their own."""

import pandas as pd


def is_long(distance: pd.Series, limit: float) -> pd.Series:
    """Return which distances exceed a limit."""
    return distance > limit


def share_of(values: pd.Series) -> pd.Series:
    """Return shares of a sum, which no row knows of itself."""
    return values / values.sum()


def age(born: pd.Series) -> pd.Series:
    """Return ages in years, which grow."""
    return pd.Timestamp.now().year - born.dt.year
