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
from mlkit.training.config import LimitsConfig, MonitoringConfig

SETTINGS = MonitoringConfig()
_SHARES = st.floats(0, 1)
_P_VALUES = st.floats(0, 1) | st.just(nan)


def window(**parts) -> Window:
    """Return a tested window of a thousand rows."""
    given = {"name": "w", "start": "", "end": "", "n_rows": 1_000, "is_tested": True}
    return Window(**{**given, **parts})


def moved(name: str = "age", **figures):
    """Return how a column has moved; by default not at all."""
    still = {"p_value": 1.0, "missing": 0.0, "missing_before": 0.0, "missing_p": nan, "psi": 0.0}
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


@pytest.mark.parametrize(
    ("metric", "task", "expected", "value", "low", "high", "severity"),
    [
        ("roc_auc", "binary", 0.8, 0.70, 0.66, 0.74, "alarm"),
        ("roc_auc", "binary", 0.8, 0.74, 0.70, 0.78, "warning"),
        ("roc_auc", "binary", 0.8, 0.70, 0.55, 0.85, "ok"),
        ("roc_auc", "binary", 0.8, 0.79, 0.785, 0.795, "ok"),
        ("roc_auc", "binary", 0.8, 0.95, 0.94, 0.96, "ok"),
        ("roc_auc", "binary", 0.8, 0.70, nan, nan, "ok"),
        ("roc_auc", "binary", nan, 0.70, 0.66, 0.74, "ok"),
        ("mae", "regression", 1.0, 1.2, 1.1, 1.3, "alarm"),
        ("mae", "regression", 1.0, 1.07, 1.02, 1.1, "warning"),
        ("mae", "regression", 1.0, 0.5, 0.4, 0.6, "ok"),
        ("mae", "regression", 1.0, 1.2, 0.9, 1.5, "ok"),
    ],
)
def test_quality_is_lost_where_its_interval_says_so(
    metric, task, expected, value, low, high, severity
):
    """By the share of what was expected, whichever way the metric is good; of a slice it warns."""
    found = quality(metric=metric, value=value, low=low, high=high, expected=expected, estimate=nan)
    of_slice = replace(found, slice="ward=a")
    rows, part = rated(window(quality=(found, of_slice)), task, SETTINGS).quality
    assert rows.severity == severity
    assert part.severity == ("warning" if severity == "alarm" else severity)


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
        quality=(quality(value=0.1, low=0.1, high=0.1, estimate=0.1),),
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


def test_what_counts_now_is_of_the_newest_window_that_can_tell():
    """Drift of the newest tested, quality of the newest with answers, the rest of the newest."""
    bad = {"drifts": (moved(p_value=0.0, psi=0.9),), "n_violating": 500}
    lost = quality(value=0.5, low=0.4, high=0.6)
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
        ("quality", "1"), ("drift", "2"), ("violations", "3")
    ]  # fmt: skip
    assert current([]) == ()
