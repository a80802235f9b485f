"""Only what chance does not explain, and what is large enough, is a finding."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitorings_of_tests import drift

from mlkit.monitoring.drift import holm
from mlkit.monitoring.findings import SEVERITIES, Quality, Separation, Window
from mlkit.monitoring.limits import current, rated
from mlkit.training.settings import LimitsConfig, MonitoringConfig

SETTINGS = MonitoringConfig()
_SHARES = st.floats(0, 1)
_P_VALUES = st.floats(0, 1) | st.just(nan)


def window(**parts) -> Window:
    """Return a tested window of a thousand rows."""
    given = {"name": "w", "start": "", "end": "", "n_rows": 1_000, "is_tested": True}
    return Window(**{**given, **parts})


def moved(name: str = "age", **figures):
    """Return how a column has moved; by default not at all."""
    still = {
        "p_value": 1.0, "missing": 0.0, "missing_before": 0.0, "missing_p": nan, "psi": 0.0,
        "unseen": 0.0, "unseen_p": nan,
    }  # fmt: skip
    base = drift(name, np.random.default_rng(0), shift=0.1)
    return replace(base, **{**still, **figures}, adjusted=nan, severity="ok")


def quality(**figures) -> Quality:
    """Return a metric that is as it was."""
    still = {
        "metric": "roc_auc", "slice": "", "value": 0.8, "low": 0.78, "high": 0.82,
        "estimate": 0.8, "expected": 0.8, "n_rows": 900, "n_labelled": 900,
    }  # fmt: skip
    return Quality(**{**still, **figures})


@given(_P_VALUES, _P_VALUES, _P_VALUES, st.floats(0, 2), _SHARES)
def test_drift_is_what_is_significant_and_large(p_value, of_missing, of_all, psi, missing):
    """By p-values adjusted for all tests of the window, and by the limits of the size."""
    given = moved(p_value=p_value, psi=psi, missing_p=of_missing, missing=missing)
    apart = Separation(auc=0.9, p_value=of_all, n_rows=100)
    found = rated(window(drifts=(given,), separation=apart), "binary", SETTINGS)
    expected = holm([p_value, of_missing, of_all])
    sizes = ((psi, 0.1, 0.25), (missing, 0.05, 0.2), (0.9, 0.65, 0.85))
    (one,) = found.drifts
    severities = (one.severity, one.missing_severity, found.separation.severity)
    for severity, p, (size, warning, alarm) in zip(severities, expected, sizes, strict=True):
        grave = "alarm" if size > alarm else "warning" if size > warning else "ok"
        assert severity == (grave if p < SETTINGS.level else "ok")
    assert {each.severity for each in found.findings} == {s for s in severities if s != "ok"}


def test_what_is_missing_is_told_once_of_a_column():
    """The hour and the weekday of a moment are missing in the same rows."""
    given = [
        moved(name, column="at", missing=0.5, missing_p=0.0)
        for name in ("at (hour)", "at (weekday)")
    ]
    (found,) = rated(window(drifts=tuple(given)), "binary", SETTINGS).findings
    assert (found.kind, found.severity, found.what) == ("missing", "alarm", "at")
    assert found.text == "at is missing in 50.0% of the rows, where it was in 0.0%."


@given(_P_VALUES, _P_VALUES, st.floats(0, 2), _SHARES)
def test_unseen_values_are_drift_however_small_the_index(p_value, unseen_p, psi, unseen):
    """The graver of both counts, each by its own p-value and its own limit."""
    given = moved(p_value=p_value, psi=psi, unseen_p=unseen_p, unseen=unseen)
    (found,) = rated(window(drifts=(given,)), "binary", SETTINGS).drifts
    grave = 0
    for p, size, limits in zip(
        holm([p_value, unseen_p]), (psi, unseen), ((0.1, 0.25), (0.01, 0.05)), strict=True
    ):
        if p < SETTINGS.level:
            grave = max(grave, sum(size > limit for limit in limits))
    assert found.severity == SEVERITIES[grave]


@pytest.mark.parametrize(
    ("metric", "task", "expected", "value", "p_value", "severity"),
    [
        ("roc_auc", "binary", 0.8, 0.70, 0.0, "alarm"),
        ("roc_auc", "binary", 0.8, 0.74, 0.004, "warning"),
        ("roc_auc", "binary", 0.8, 0.70, 0.02, "ok"),
        ("roc_auc", "binary", 0.8, 0.79, 0.0, "ok"),
        ("roc_auc", "binary", 0.8, 0.95, 1.0, "ok"),
        ("roc_auc", "binary", 0.8, 0.70, nan, "ok"),
        ("roc_auc", "binary", nan, 0.70, nan, "ok"),
        ("mae", "regression", 1.0, 1.2, 0.0, "alarm"),
        ("mae", "regression", 1.0, 1.07, 0.0, "warning"),
        ("mae", "regression", 1.0, 0.5, 1.0, "ok"),
        ("mae", "regression", 1.0, 1.2, 0.02, "ok"),
    ],
)
def test_quality_is_lost_where_chance_does_not_say_so(
    metric, task, expected, value, p_value, severity
):
    """And by the share of what was expected, whichever way the metric is good."""
    found = quality(metric=metric, value=value, p_value=p_value, expected=expected, estimate=nan)
    (rows,) = rated(window(quality=(found,)), task, SETTINGS).quality
    assert rows.severity == severity


@given(st.lists(_P_VALUES, min_size=1, max_size=6))
def test_of_many_slices_chance_is_corrected(p_values):
    """All of a window's slices together give a false alarm as rarely as one alone."""
    found = quality(value=0.5, estimate=nan)
    slices = [replace(found, slice=f"ward={n}", p_value=p) for n, p in enumerate(p_values)]
    other = quality(metric="accuracy", value=0.1, p_value=0.0, estimate=nan)
    every = rated(window(quality=(*slices, other)), "binary", SETTINGS).quality
    are_lost = [p < SETTINGS.level for p in holm(p_values)]
    assert [each.severity == "alarm" for each in every] == [*are_lost, False]


def test_an_estimate_warns_of_all_rows_only():
    """Of a slice it has no interval that could tell it from chance."""
    low = quality(estimate=0.6)
    other = quality(metric="accuracy", estimate=0.1)
    found = rated(window(quality=(low, replace(low, slice="ward=a"), other)), "binary", SETTINGS)
    assert [each.estimated_severity for each in found.quality] == ["alarm", "ok", "ok"]
    assert [(each.kind, each.what) for each in found.findings] == [("estimate", "roc_auc")]


def test_limits_that_are_null_never_count():
    """And each has its own name."""
    never = LimitsConfig()
    every = window(
        drifts=(moved(p_value=0.0, psi=9.0, missing_p=0.0, missing=1.0),),
        separation=Separation(auc=1.0, p_value=0.0, n_rows=9),
        quality=(quality(value=0.1, p_value=0.0, estimate=0.1),),
        n_violating=900, latency=(1.0, 900.0), age_days=900.0,
    )  # fmt: skip
    assert rated(every, "binary", MonitoringConfig(warning=never, alarm=never)).findings == ()
    limits = LimitsConfig(latency_ms=899, age_days=900)
    found = rated(every, "binary", MonitoringConfig(warning=limits, alarm=never)).findings
    assert [(each.kind, each.severity) for each in found] == [("latency", "warning")]
    every_kind = {each.kind for each in rated(every, "binary", SETTINGS).findings}
    assert every_kind == {"violations", "drift", "missing", "separation", "quality", "estimate"}


def test_findings_are_the_gravest_first():
    """As are the columns, and of those the most moved."""
    drifts = (moved("a", p_value=0.0, psi=0.2), moved("b"), moved("c", p_value=0.0, psi=0.9))
    found = rated(window(drifts=drifts), "binary", SETTINGS)
    assert [each.name for each in found.drifts] == ["c", "a", "b"]
    ranks = [SEVERITIES.index(each.severity) for each in found.findings]
    assert ranks == sorted(ranks, reverse=True) == [2, 1]


def test_of_findings_as_grave_causes_come_before_effects():
    """Rows that break the schema, then columns, then what is made of them."""
    every = window(
        drifts=(moved(p_value=0.0, psi=9.0, missing_p=0.0, missing=1.0),),
        predictions=(moved("probability", p_value=0.0, psi=9.0),),
        separation=Separation(auc=1.0, p_value=0.0, n_rows=9),
        quality=(quality(value=0.1, p_value=0.0, estimate=0.1),),
        n_violating=900,
    )
    found = rated(every, "binary", SETTINGS)
    assert [each.kind for each in found.findings] == [
        "violations", "missing", "drift", "separation", "predictions", "quality", "estimate"
    ]  # fmt: skip
    assert current([found]) == found.findings


def test_of_a_few_rows_not_much_is_grave():
    """One broken row of a window that is not tested is a warning, its quality is not judged."""
    lost = quality(value=0.1, p_value=0.0, estimate=nan, n_rows=9, n_labelled=9)
    few = rated(
        window(n_rows=9, n_violating=9, quality=(lost,), is_tested=False), "binary", SETTINGS
    )
    assert [(each.kind, each.severity) for each in few.findings] == [("violations", "warning")]


def test_what_counts_now_is_of_the_newest_window_that_can_tell():
    """Drift of the newest tested, quality of the newest with answers, the rest of the newest."""
    bad = {"drifts": (moved(p_value=0.0, psi=0.9),), "n_violating": 500}
    lost = quality(value=0.5, low=0.4, high=0.6, p_value=0.0)
    open_ = quality(value=nan, low=nan, high=nan)
    windows = [
        rated(each, "binary", SETTINGS)
        for each in (
            window(name="1", quality=(lost,), **bad),
            window(name="2", quality=(open_,), **bad),
            window(name="3", quality=(open_,), n_violating=3, is_tested=False),
        )
    ]
    assert [(each.kind, each.window) for each in current(windows)] == [
        ("drift", "2"), ("quality", "1"), ("violations", "3")
    ]  # fmt: skip
    assert current([]) == ()
