"""What a model was asked is held against what it learned from, window by window."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from watched_of_tests import (
    trips,
)

from mlkit.core.bundle import Bundle
from mlkit.monitoring.findings import Monitoring
from mlkit.monitoring.watching import watch_table
from mlkit.training.settings import MonitoringConfig


def settings(**changes) -> MonitoringConfig:
    """Return the settings, by month and by the trips' own time."""
    return MonitoringConfig(**{"window": "all", "time": "at", "least_rows": 100} | changes)


def table_of(frame: pd.DataFrame, folder: Path) -> Path:
    """Write records as a table."""
    path = folder / "trips.parquet"
    frame.to_parquet(path, index=False)
    return path


def watched(bundle: Bundle, frame: pd.DataFrame, folder: Path, **changes) -> Monitoring:
    """Watch a model by a table of trips."""
    return watch_table(bundle, table_of(frame, folder), settings(**changes))


def kinds(found: Monitoring) -> set[tuple[str, str]]:
    """Return what is found of what."""
    return {(each.kind, each.what) for each in found.findings}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_what_is_as_it_was_is_no_finding(trip_bundle, task, tmp_path):
    """Of six months of trips like those before, there is nothing to say of any.

    But that of many slices, one's interval of 95 % lies beside what was expected.
    """
    frame = trips(3_000, seed=100, days=181)
    found = watched(trip_bundle(task), frame, tmp_path, window="month", least_rows=400)
    assert len(found.windows) == 6
    assert all(window.is_tested for window in found.windows)
    every = [each for window in found.windows for each in window.findings]
    assert [each for each in every if each.kind != "quality"] == []
    n_slices = sum(len(window.quality) for window in found.windows)
    assert len(every) <= 0.05 * n_slices
    assert {each.severity for each in every} <= {"warning"}


SHIFTS = {
    "mean": ("age", "drift", lambda f: f.assign(age=(f["age"] + 25).clip(upper=130))),
    "variance": ("age", "drift", lambda f: f.assign(age=50 + (f["age"] - 50) / 3)),
    "unit": ("mass", "drift", lambda f: f.assign(mass=f["mass"] * 2.2046)),
    "mix": ("ward", "drift", lambda f: f.assign(ward=np.where(f["age"] < 90, "c", f["ward"]))),
    "frequent": ("rain", "drift", lambda f: f.assign(rain=np.maximum(f["rain"], 0.01))),
    "numbers": ("floor", "drift", lambda f: f.assign(floor=f["floor"] % 2)),
    "boolean": ("sharp", "drift", lambda f: f.assign(sharp=f["sharp"] | (f["age"] < 70))),
    "new": ("doctor", "drift", lambda f: f.assign(doctor=f["doctor"].replace("Ng", "Roe"))),
    "hour": ("at (hour)", "drift", lambda f: f.assign(at=f["at"].dt.floor("D"))),
    "missing": ("mass", "missing", lambda f: f.assign(mass=f["mass"].where(f["age"] < 60))),
    "there": ("doctor", "missing", lambda f: f.assign(doctor=f["doctor"].fillna("Ng"))),
}


@pytest.mark.parametrize("shift", SHIFTS)
def test_what_has_moved_is_found(trip_bundle, shift, tmp_path):
    """And nothing but that column, what hangs on it, and the rows as a whole."""
    what, kind, change = SHIFTS[shift]
    found = watched(trip_bundle(), change(trips(2_000, seed=1)), tmp_path)
    assert (kind, what) in kinds(found)
    columns = {each.what for each in found.of_kind("drift", "missing")}
    assert {name.split(" ")[0] for name in columns} == {what.split(" ")[0]}
    assert found.severity != "ok"


def test_a_tiny_shift_of_many_rows_is_no_finding(trip_bundle, tmp_path):
    """It is significant, and too small to matter."""
    frame = trips(150_000, seed=1)
    found = watched(trip_bundle(), frame.assign(age=frame["age"] * 0.95), tmp_path)
    (age,) = (each for each in found.windows[0].drifts if each.name == "age")
    assert age.adjusted < 1e-6
    assert age.psi < 0.1
    assert found.findings == ()


def test_the_order_of_rows_changes_nothing(trip_bundle, tmp_path):
    """Windows, figures and findings are those of the rows in any other order."""
    frame = trips(3_000, seed=2, days=28 * 2)
    frame["mass"] = frame["mass"].where(frame["age"] > 50)
    options = {"window": "week", "metrics": ["log_loss"]}
    first = watched(trip_bundle(), frame, tmp_path, **options)
    mixed = watched(trip_bundle(), frame.sample(frac=1, random_state=0), tmp_path, **options)
    assert len(first.windows) == 8
    for one, other in zip(first.windows, mixed.windows, strict=True):
        names = ("name", "start", "end", "n_rows", "n_violating", "age_days")
        assert [getattr(one, n) for n in names] == [getattr(other, n) for n in names]
        assert repr(one.drifts) == repr(other.drifts)
        for a, b in zip(one.predictions, other.predictions, strict=True):
            assert (a.psi, a.statistic) == (b.psi, b.statistic)
        for a, b in zip(one.quality, other.quality, strict=True):
            assert (a.slice, a.n_rows, a.n_labelled) == (b.slice, b.n_rows, b.n_labelled)
            assert [a.value, a.estimate] == pytest.approx([b.value, b.estimate], nan_ok=True)


def test_weeks_begin_on_monday_and_only_what_is_asked_for_counts(trip_bundle, tmp_path):
    """From a moment on, and before another."""
    path = table_of(trips(2_000, days=28), tmp_path)
    since, until = datetime(2024, 1, 3), datetime(2024, 1, 17)
    found = watch_table(trip_bundle(), path, settings(window="week"), since=since, until=until)
    assert [window.name for window in found.windows] == ["2024-01-01", "2024-01-08", "2024-01-15"]
    times = pd.read_parquet(path)["at"]
    n_rows = ((times >= since) & (times < until)).sum()
    assert sum(window.n_rows for window in found.windows) == n_rows
    first = times[(times >= since) & (times < "2024-01-08")]
    assert found.windows[0].n_rows == len(first)


@pytest.mark.parametrize(
    ("window", "until"),
    [("day", datetime(2024, 1, 9, 9)), ("week", datetime(2024, 1, 17)), ("month", None)],
)
def test_a_window_that_is_not_over_has_not_all_hours_and_weekdays(
    trip_bundle, window, until, tmp_path
):
    """That is no drift; in those that are over, both are compared where they begin again."""
    frame = trips(12_000, days=40)
    path = table_of(frame[frame["at"] < "2024-02-05"], tmp_path)
    found = watch_table(
        trip_bundle(), path, settings(window=window), until=until or datetime(2024, 2, 5)
    )
    *whole, last = found.windows
    assert last.is_tested
    assert found.findings == ()
    expected = {"at (hour)"} if window == "day" else {"at (hour)", "at (weekday)"}
    for each in (*whole, last):
        parts = {drift.name for drift in each.drifts if drift.column == "at"}
        assert parts == (set() if each is last else expected)


def test_what_breaks_the_schema_is_not_missing(trip_bundle, tmp_path):
    """Such values are told as such alone, also where the whole column is not there."""
    frame = trips(2_000, seed=1)
    frame.loc[frame.index % 20 == 0, "age"] = -999.0
    found = watched(trip_bundle(), frame, tmp_path)
    assert kinds(found) == {("violations", "")}
    assert "age is not at least 0 in 100 rows" in found.findings[0].text
    gone = watched(trip_bundle(), frame.drop(columns=["age"]), tmp_path)
    assert {kind for kind, _ in kinds(gone)} == {"violations"}
    assert "age is absent in 2,000 rows" in gone.findings[0].text


def test_moments_in_a_zone_are_put_into_windows_of_utc(trip_bundle, tmp_path):
    """Whatever the zone in which the table or the schema has them."""
    frame = trips(600, days=3)
    utc = frame["booked"].dt.tz_convert("UTC")
    expected = utc.dt.strftime("%Y-%m-%d").value_counts().to_dict()
    for zone in ("UTC", "Asia/Kathmandu"):
        local = frame.assign(booked=frame["booked"].dt.tz_convert(zone))
        found = watched(trip_bundle(), local, tmp_path, time="booked", window="day")
        assert {window.name: window.n_rows for window in found.windows} == expected


def test_rows_without_a_time_are_left_out(trip_bundle, tmp_path):
    """They are in no window."""
    frame = trips(500)
    frame["booked"] = frame["booked"].where(frame["age"] > 50)
    found = watched(trip_bundle(), frame, tmp_path, time="booked")
    assert found.windows[0].n_rows == frame["booked"].notna().sum()


@pytest.mark.parametrize(
    ("break_", "rule"),
    [
        (lambda f: f.assign(age=f["age"].where(f.index > 9, 900.0)), "age"),
        (lambda f: f.assign(age=f["age"].astype(object).where(f.index > 9, "old")), "age"),
        (lambda f: f.assign(ward=f["ward"].where(f.index > 9, "z")), "ward"),
        (lambda f: f.assign(floor=f["floor"].astype("Int64").where(f.index > 9)), "floor"),
    ],
)
def test_rows_that_break_the_schema_leave_the_rest_watched(trip_bundle, break_, rule, tmp_path):
    """They are counted with the rule; all other rows and columns are compared as before."""
    frame = trips(1_000, seed=1)
    path = tmp_path / "trips.csv"
    break_(frame).to_csv(path, index=False)
    found = watch_table(trip_bundle(), path, settings())
    (window,) = found.windows
    assert (window.n_rows, window.n_violating) == (1_000, 10)
    (text,) = window.violations
    assert text.startswith(f"{rule} ")
    assert text.endswith(" in 10 rows")
    assert [f.kind for f in found.findings] == ["violations"]
    whole = watched(trip_bundle(), frame, tmp_path).windows[0]
    by_name = {each.name: each for each in whole.drifts}
    for each in window.drifts:
        if each.column != rule:
            assert each.statistic == pytest.approx(by_name[each.name].statistic)
    assert window.predictions[0].n_rows == 990
    assert window.quality[0].n_labelled == 990


def test_an_absent_column_breaks_every_row(trip_bundle, tmp_path):
    """Its name is told, and all other columns are watched; one that may be missing is missing."""
    found = watched(trip_bundle(), trips(500).drop(columns="age"), tmp_path)
    (window,) = found.windows
    assert window.n_violating == 500
    assert window.violations[0].startswith("age is absent")
    assert {each.column for each in window.drifts} >= {"rain", "ward", "mass"}
    assert window.predictions[0].n_rows == 0
    found = watched(trip_bundle(), trips(500).drop(columns="mass"), tmp_path)
    assert ("missing", "mass") in kinds(found)
    assert found.windows[0].n_violating == 0
