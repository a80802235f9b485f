"""A profile says how the data were, in JSON that any reader takes, and nothing personal."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlkit import Evaluator, Schema, pack
from mlkit.core.bundle import PROFILE
from mlkit.core.rows import read_table
from mlkit.training.profile import profile


def test_a_profile_holds_nothing_of_personal_data(trainer, flights, tmp_path):
    """Of a column that is pii only the missing share is kept; of others, their distribution."""
    model = trainer.fit(flights)
    schema = type(trainer.schema)("Flight", (trainer.schema,), {})
    schema.columns = {
        name: dataclasses.replace(column, pii=name in ("tailnum", "distance"))
        for name, column in trainer.schema.columns.items()
    }
    private = dataclasses.replace(model, schema=schema)
    evaluation = Evaluator(n_resamples=0).evaluate(private, model.holdout(flights))
    holdout = model.holdout(flights)
    bundle = pack(private, evaluation, holdout, tmp_path / "b", name="b")
    text = (bundle.path / PROFILE).read_text()
    columns = json.loads(text)["columns"]
    assert columns["tailnum"] == {"missing": holdout["tailnum"].isna().mean()}
    assert columns["distance"] == {"missing": 0.0}
    assert not [tail for tail in holdout["tailnum"].dropna().unique() if tail in text]
    assert sum(count for _, count in columns["origin"]["values"]) == len(holdout)
    assert len(columns["temp"]["edges"]) == len(columns["temp"]["counts"]) + 1


def test_a_profile_of_few_rows_has_few_bins(trainer, flights):
    """One row, or none of a value, still makes a profile."""
    rows = read_table(trainer.schema, flights.head(1))
    found = profile(trainer.schema, rows, np.array([0.25]))
    assert found["n_rows"] == 1
    assert found["scores"] == [{"edges": [0.25], "counts": [1]}]


class Reading(Schema):
    """What was counted, and what was measured."""

    count: int
    size: float


def profiled(counts: list[int], sizes: list[float]) -> dict:
    """Return the profile of some readings."""
    rows = read_table(Reading, pd.DataFrame({"count": counts, "size": sizes}))
    return profile(Reading, rows, np.zeros(len(rows)))


def test_one_large_number_is_one_bin():
    """However far the next float lies from it."""
    columns = profiled([1_700_000_000_000_000_000] * 3, [1.7e308] * 3)["columns"]
    assert columns["count"]["edges"] == [1.7e18]
    assert columns["size"]["edges"] == [1.7e308]
    assert columns["count"]["counts"] == columns["size"]["counts"] == [3]


@pytest.mark.filterwarnings("error")
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_every_number_is_in_a_bin_and_all_of_it_is_json(sizes):
    """What a float cannot hold is null; edges ascend, and the counts add up."""
    found = profiled([1] * len(sizes), sizes)["columns"]["size"]
    json.dumps(found, allow_nan=False)
    assert sum(found["counts"]) == len(sizes)
    assert found["edges"] == sorted(set(found["edges"]))
    assert (found["edges"][0], found["edges"][-1]) == (min(sizes), max(sizes))


def test_what_overflows_is_null():
    """Of numbers at both ends, neither the mean's nor the deviation's sums can be held."""
    found = profiled([1, 1, 1, 1], [1.7e308, 1.7e308, -1.7e308, 0.0])["columns"]["size"]
    assert (found["mean"], found["std"]) == (None, None)
