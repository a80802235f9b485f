"""Purchases that never were: what one is, its features, and as many as one likes.

Half of the columns miss one value in twenty; whether a purchase is returned
depends on numbers and on text. Imports no more than a featurizer needs.

    python benchmarks/synthetic.py purchases.parquet
"""

import sys
from typing import Any

import numpy as np
import pandas as pd

from mlkit import Featurizer, Schema, column

N_ROWS = 300_000
#: Columns that miss values, half of them.
GAPPY = ("income", "age", "rating", "distance", "tenure", "region", "merchant")
MISSING = 0.05
#: Distinct values of each column of text.
CARDINALITY = {"channel": 8, "region": 20, "merchant": 200, "postcode": 2_000}


class Purchase(Schema):
    """One purchase, and whether it came back."""

    amount: float = column(ge=0)
    items: float = column(ge=1)
    discount: float = column(ge=0, le=1)
    visits: float = column(ge=0)
    hour: float = column(ge=0, lt=24)
    income: float | None = column(ge=0)
    age: float | None = column(ge=0, le=130)
    rating: float | None = column(ge=1, le=5)
    distance: float | None = column(ge=0)
    tenure: float | None = column(ge=0)
    channel: str
    region: str | None
    merchant: str | None
    postcode: str
    returned: bool = column(role="target")


class PurchaseFeaturizer(Featurizer):
    """A handful of the operations that real featurizers are made of."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        kept = frame[["items", "discount", "visits", "rating", "distance", "postcode"]]
        return kept.assign(
            log_amount=np.log1p(frame["amount"]),
            item_price=frame["amount"] / frame["items"],
            income=frame["income"].fillna(30_000.0),
            age=frame["age"].clip(18, 90),
            is_reduced=frame["discount"] > 0.3,
            loyalty=np.where(frame["visits"] >= 5, frame["tenure"], 0.0),
            is_night=(frame["hour"] < 6) | (frame["hour"] >= 22),
            channel=frame["channel"].str.lower(),
            region=frame["region"].fillna("unknown").str.upper(),
            merchant=frame["merchant"].str.upper(),
        )


def purchases(n_rows: int = N_ROWS, seed: int = 0) -> pd.DataFrame:
    """Draw purchases; the same seed always draws the same."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "amount": rng.lognormal(3.5, 1.0, n_rows).round(2),
        "items": 1.0 + rng.poisson(2, n_rows),
        "discount": rng.beta(1, 4, n_rows).round(2),
        "visits": rng.poisson(6, n_rows).astype("float64"),
        "hour": rng.integers(0, 24, n_rows).astype("float64"),
        "income": rng.lognormal(10.3, 0.5, n_rows).round(-2),
        "age": rng.normal(42, 15, n_rows).clip(16, 95).round(),
        "rating": rng.integers(1, 6, n_rows).astype("float64"),
        "distance": rng.exponential(40, n_rows).round(1),
        "tenure": rng.exponential(3, n_rows).round(2),
    }
    odds = (
        0.5 * (np.log1p(columns["amount"]) - 3.5)
        + 2.0 * columns["discount"]
        - 0.3 * columns["rating"]
        - 0.02 * columns["tenure"] * columns["visits"]
        + 0.4 * (columns["hour"] < 6)
    )
    for name, n_values in CARDINALITY.items():
        # Some values are frequent and many are rare, as in any shop.
        codes = (n_values * rng.beta(1, 3, n_rows)).astype(int)
        odds = odds + rng.normal(0, 0.5, n_values)[codes]
        columns[name] = np.array([f"{name[:2].title()}-{code:04}" for code in range(n_values)])[
            codes
        ]
    columns["returned"] = rng.random(n_rows) < 1 / (1 + np.exp(-odds))
    frame = pd.DataFrame(columns)
    for name in GAPPY:
        frame[name] = frame[name].mask(rng.random(n_rows) < MISSING)
    return frame


if __name__ == "__main__":
    purchases().to_parquet(sys.argv[1], index=False)
