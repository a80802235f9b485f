"""Fuzzed rows are ones that the schema allows, and odd in every way that it leaves open."""

from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlkit import Schema, column
from mlkit.core.rows import ColumnRows, read_table
from mlkit.training.compilation.fuzzing import fuzzed
from mlkit.training.frames import from_columns

N_ROWS = 4000


class Parcel(Schema):
    """One column of each kind, some bounded, some that may be missing."""

    weight: float = column(gt=0, lt=40)
    value: float | None
    stamps: int = column(ge=0)
    tries: int | None
    is_fragile: bool | None
    town: str
    size: Literal["S", "M"] | None
    sent_at: datetime = column(tz="Europe/Amsterdam")
    due_at: datetime | None


@pytest.fixture(scope="module")
def parcels() -> ColumnRows:
    """Return the same parcel three times."""
    one = {
        "weight": 2.5,
        "value": 10.0,
        "stamps": 3,
        "tries": 1,
        "is_fragile": False,
        "town": "Delft",
        "size": "S",
        "sent_at": pd.Timestamp("2024-05-01T12:00", tz="Europe/Amsterdam"),
        "due_at": pd.Timestamp("2024-05-03"),
    }
    return read_table(Parcel, pd.DataFrame([one] * 3))


def made(parcels: ColumnRows, boundaries=None, *, huge: bool = False) -> dict[str, np.ndarray]:
    """Return the columns of many fuzzed rows."""
    rng = np.random.default_rng(0)
    return fuzzed(Parcel, parcels, N_ROWS, boundaries=boundaries or {}, huge=huge, rng=rng).columns


@given(
    boundaries=st.dictionaries(
        st.sampled_from(["weight", "value", "stamps", "tries"]), st.sets(st.floats(allow_nan=False))
    ),
    huge=st.booleans(),
)
def test_fuzzed_rows_hold_to_the_schema(parcels, boundaries, huge):
    """Whatever a tree's thresholds are, infinite ones too."""
    rng = np.random.default_rng(0)
    rows = fuzzed(Parcel, parcels, 200, boundaries=boundaries, huge=huge, rng=rng)
    Parcel.validate(from_columns(Parcel, rows.columns))


def test_half_of_the_rows_are_odd_in_one_column(parcels):
    """What an odd value does alone is not hidden by another; combinations come as well."""
    columns = made(parcels)
    n_odd = np.sum([values != parcels.columns[name][0] for name, values in columns.items()], axis=0)
    assert (n_odd[: N_ROWS // 2] <= 1).all()
    assert n_odd[: N_ROWS // 2].mean() > 0.8
    assert (n_odd[N_ROWS // 2 :] > 1).mean() > 0.5


def test_a_forests_thresholds_leave_room_for_what_else_is_odd(parcels):
    """However many boundaries a column has, it is missing and extreme as often as on them."""
    thresholds = set(np.linspace(100, 200, 20_000))
    values = made(parcels, {"value": thresholds})["value"]
    at = np.isin(values, list(thresholds)).sum()
    assert np.isnan(values).sum() > at / 2
    assert (np.abs(values) > 1e6).sum() > at / 4


def test_every_kind_of_odd_value_comes_up(parcels):
    """The missing, the extreme, the boundary and its neighbours, the unseen, the malformed."""
    columns = made(parcels, {"weight": {3.0}, "stamps": {6.5, np.inf}})
    beside = {np.nextafter(3.0, 0), 3.0, np.nextafter(3.0, 4), np.nextafter(40, 0), 1e-300}
    assert beside <= set(columns["weight"])
    assert {0, 5, 6, 7, 2**53} <= set(columns["stamps"])
    assert {"", "ΟΔΟΣ", "DELFT", " Delft ", "a\0b", "a\0"} <= set(columns["town"])
    assert {"S", "M", None} == set(columns["size"])
    assert pd.isna(columns["is_fragile"]).any()
    huge = made(parcels, huge=True)["value"]
    assert np.nanmax(np.abs(columns["value"])) < np.finfo("float32").max < np.nanmax(np.abs(huge))


@pytest.mark.parametrize("name", ["sent_at", "due_at"])
def test_moments_reach_to_the_ends_of_what_a_schema_allows(parcels, name):
    """Before 1970 and after 2038, what nanoseconds hold, and what Python holds."""
    moments = made(parcels)[name]
    years = moments[~np.isnat(moments)].astype("datetime64[Y]").astype("int64") + 1970
    assert {1, 1677, 1901, 1969, 1970, 2038, 2262, 9999} <= set(years)
