"""A bundle keeps some of the rows that its model was made of, and nothing personal of them."""

import numpy as np
import pandas as pd
import pytest
from watched_of_tests import KEY, SECRET, Trip, pack_trips, trips

from mlkit.core.bundle import REFERENCE
from mlkit.core.rows import read_table
from mlkit.training.reference import HELD_OUT, N_ROWS, TRAINED, reference_rows


class Model:
    """What `reference_rows` asks of a model."""

    schema = Trip


def rows_of(n_rows: int, n_held_out: int, n_classes: int = 1) -> pd.DataFrame:
    """Return the rows that are kept of as many."""
    seen, held_out = trips(n_rows, 1), trips(n_held_out, 2)
    scores = np.random.default_rng(0).random((n_held_out, n_classes))
    scores = scores if n_classes > 1 else scores[:, 0]
    truth = np.where(np.arange(n_held_out) % 5, np.arange(n_held_out) % 2, np.nan)
    tables = (read_table(Trip, frame) for frame in (seen, held_out))
    return reference_rows(Model, *tables, scores, truth)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_same_run_keeps_the_same_bytes(task, tmp_path):
    """Byte for byte; of another seed they are others."""
    one, two, other = (
        (pack_trips(tmp_path / name, task, seed=seed).path / REFERENCE).read_bytes()
        for name, seed in (("one", 0), ("two", 0), ("other", 1))
    )
    assert one == two != other
    assert SECRET.encode() not in one
    assert KEY.encode() not in one


@pytest.mark.parametrize("n_classes", [1, 3])
def test_rows_are_kept_with_what_the_model_said_of_them(n_classes):
    """Of rows that it has seen their columns, of others also the scores and the answers."""
    table = rows_of(300, 200, n_classes)
    scores = [f"score.{n}" for n in range(n_classes)]
    plain = ["at", "booked", "age", "rain", "mass", "floor", "beds", "ward", "doctor", "sharp"]
    assert table.column_names == ["part", *plain, *scores, "truth"]
    assert table.schema.metadata is None
    frame = table.to_pandas()
    seen, held_out = (frame[frame["part"] == part] for part in (TRAINED, HELD_OUT))
    assert (len(seen), len(held_out)) == (300, 200)
    assert seen[[*scores, "truth"]].isna().all(axis=None)
    assert held_out["truth"].isna().sum() == 40
    for part, whole in ((seen, trips(300, 1)), (held_out, trips(200, 2))):
        expected = Trip.validate(whole)[plain]
        for name in plain:
            found = part[name].reset_index(drop=True)
            assert found.isna().tolist() == expected[name].isna().tolist()
            assert found.dropna().tolist() == expected[name].dropna().tolist()


def test_of_many_rows_some_are_drawn():
    """As many of either part as are enough, each once, the same ones each time."""
    table = rows_of(3 * N_ROWS, N_ROWS + 1)
    frame = table.to_pandas()
    assert frame["part"].value_counts().to_dict() == {TRAINED: N_ROWS, HELD_OUT: N_ROWS}
    drawn = frame.loc[frame["part"] == TRAINED]
    assert drawn["age"].mean() == pytest.approx(trips(3 * N_ROWS, 1)["age"].mean(), abs=1)
    assert drawn["at"].is_monotonic_increasing
    assert table.equals(rows_of(3 * N_ROWS, N_ROWS + 1))
