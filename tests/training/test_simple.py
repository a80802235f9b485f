"""Every model is held against a linear one on the schema's own columns."""

import numpy as np
import pandas as pd
import pytest

from mlkit import Evaluator, Schema, Target, column
from mlkit.training.simple import fit_simple


class Sale(Schema):
    """A sale."""

    customer: str = column(role="key")
    name: str = column(pii=True)
    price: float
    amount: float | None = column(role="outcome")


def sales(schema: type[Schema], n_rows: int = 300) -> pd.DataFrame:
    """Return sales whose amount follows from the price alone."""
    price = np.random.default_rng(0).normal(size=n_rows)
    frame = pd.DataFrame({"price": price, "amount": 3 * price})
    return schema.validate(frame.assign(customer=frame.index.astype(str), name="N."))


def test_it_reads_neither_keys_nor_personal_data():
    """Only the columns that tell of the row itself are used, and they are enough here."""
    rows = sales(Sale)
    codes = rows["amount"].to_numpy()
    simple = fit_simple(Sale, Target(task="regression", column="amount"), rows, codes, seed=0)
    assert list(simple.feature_names_in_) == ["price"]
    assert simple.predict(rows[["price"]]) == pytest.approx(codes, abs=0.1)


def test_without_a_column_it_guesses():
    """A schema of keys alone leaves what the naive baseline says."""

    class Bare(Schema):
        customer: str = column(role="key")
        amount: float | None = column(role="outcome")

    rows = sales(Sale)[["customer", "amount"]]
    codes = rows["amount"].to_numpy()
    simple = fit_simple(Bare, Target(task="regression", column="amount"), rows, codes, seed=0)
    assert simple.predict(rows[["customer"]]) == pytest.approx(np.full(300, codes.mean()))


def test_a_rare_class_is_not_lost():
    """A class that an even draw of 20,000 rows misses makes it learn from all rows."""
    rows = sales(Sale, 25_000)
    codes = np.zeros(25_000, dtype="int64")
    drawn = np.unique(np.linspace(0, 24_999, 20_000).astype("int64"))
    codes[np.setdiff1d(np.arange(25_000), drawn)[:20]] = 1
    target = Target(task="binary", column="amount", edges=(0,))
    simple = fit_simple(Sale, target, rows, codes, seed=0)
    assert simple.predict_proba(rows[["price"]]).shape == (25_000, 2)


def test_an_evaluation_shows_it_beside_the_model(trainer, flights):
    """On the flights it beats the guess, and is told with every metric."""
    model = trainer.fit(flights)
    score = Evaluator(n_resamples=0).evaluate(model, model.holdout(flights))["roc_auc"]
    assert score.baseline == 0.5
    assert 0.55 < score.simple < 0.8
