"""What moved one prediction adds up to it, and is told by the columns of the record."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import Predictor, Schema, column
from mlkit.core.errors import DataError
from mlkit.core.log import REDACTED
from mlkit.core.rows import ColumnRows
from mlkit.scoring.explanation import effects, explanation


class Order(Schema):
    """An order; who placed it is personal."""

    amount: float | None
    n_items: int
    is_new: bool
    shop: str | None
    buyer: str = column(pii=True)


NAMES = ("amount", "n_items", "is_new", "shop", "buyer")
ORDERS = st.tuples(
    st.floats(-1e3, 1e3) | st.just(float("nan")),
    st.integers(-100, 100),
    st.booleans(),
    st.sampled_from(["a", "b", None]),
    st.sampled_from(["Ann", "Bo"]),
)


def rows(orders: list[tuple]) -> ColumnRows:
    """Return orders as validated rows."""
    dtypes = (Order.columns[name].dtype for name in NAMES)
    values = zip(*orders, strict=True)
    named = zip(NAMES, values, dtypes, strict=True)
    return ColumnRows({name: np.array(held, dtype=dtype) for name, held, dtype in named})


def interacting(given: ColumnRows) -> np.ndarray:
    """Score by three columns, two of them together; `is_new` and `buyer` say nothing."""
    amount = np.nan_to_num(given.column("amount"))
    is_a = given.column("shop") == "a"
    return amount * given.column("n_items") + 10.0 * is_a


@settings(max_examples=30)
@given(record=ORDERS, background=st.lists(ORDERS, min_size=1, max_size=5), seed=st.integers(0, 9))
def test_effects_add_up(record, background, seed):
    """To the score less the background's mean; what the model does not use has none."""
    score, expected, found = effects(
        interacting, Order, rows([record]), rows(background), n_pairs=3, seed=seed
    )
    assert score == pytest.approx(interacting(rows([record])).item())
    assert expected == pytest.approx(interacting(rows(background)).mean(), abs=1e-6)
    assert sum(found.values()) == pytest.approx(score - expected, abs=1e-6)
    assert found["is_new"] == found["buyer"] == 0


def test_effects_of_a_sum_and_of_a_product():
    """What adds up is told exactly, and columns that act together share alike."""
    record, background = (3.0, 5, True, "a", "Ann"), [(0.0, 0, False, "b", "Bo")]
    _, _, found = effects(interacting, Order, rows([record]), rows(background))
    assert found == {"amount": 7.5, "n_items": 7.5, "is_new": 0, "shop": 10, "buyer": 0}


def test_the_likeliest_of_several_classes_is_explained():
    """Its probability, by the columns in the order of what they moved, none of them personal."""

    def scores(given: ColumnRows) -> np.ndarray:
        share = np.where(given.column("is_new"), 0.8, 0.1)
        return np.stack([1 - share, np.zeros(len(share)), share], axis=1)

    record, background = rows([(None, 1, True, None, "Ann")]), rows([(1.0, 1, False, "a", "Bo")])
    found = explanation(
        scores, Order, record, background, model="m/1", classes=["low", "mid", "high"]
    )
    assert (found.label, found.score, found.expected) == ("high", 0.8, pytest.approx(0.1))
    first, *rest = found.effects
    assert (first.column, first.value, first.effect) == ("is_new", True, pytest.approx(0.7))
    values = {each.column: each.value for each in rest}
    assert values == {"amount": None, "n_items": 1, "shop": None, "buyer": REDACTED}
    assert ["is_new", "True", "+0.7"] in [line.split() for line in found.table().splitlines()]
    assert "buyer" not in found.table()


def test_both_runtimes_explain_alike(packed, python_packed, project, predictor):
    """A record is explained by the function that scores it, compiled or not."""
    record = json.loads((project / "data" / "flight.json").read_text())
    found = predictor.explain(record)
    assert found.score == predictor.predict(record).probability
    assert found.label is True
    python = Predictor.load(python_packed, trusted=["flight_delay"]).explain(record)
    assert [each.effect for each in python.effects] == pytest.approx(
        [each.effect for each in found.effects], abs=1e-9
    )
    assert len(json.loads(json.dumps(found.to_dict()))["effects"]) == len(found.effects)


def test_one_record_is_explained(predictor):
    """Not many, not a table, and none that breaks the schema."""
    with pytest.raises(DataError, match="explain takes one record"):
        predictor.explain([{}])
    with pytest.raises(DataError, match="carrier"):
        predictor.explain({})
