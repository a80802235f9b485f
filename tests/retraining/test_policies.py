"""Policies say when a new model is due, by figures alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlkit.monitoring.findings import SEVERITIES, Finding, Monitoring
from mlkit.retraining.policies import Champion, decide
from mlkit.training.settings import PolicyConfig, RetrainingConfig

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
NEVER = {"drift": "never", "quality": "never"}
DRIFTS = ("drift", "missing", "separation", "predictions")
QUALITIES = ("quality", "estimate")
OTHERS = ("violations", "latency", "age")


def champion(days: float = 100, *, data_days: float | None = None) -> Champion:
    """Return one that is some days old."""
    until = None if data_days is None else NOW - timedelta(days=data_days)
    created = NOW - timedelta(days=days)
    return Champion(version="m/3", digest="ab" * 32, created=created, data_until=until)


def found(*findings: tuple[str, str]) -> Monitoring:
    """Return what was found, by kind and severity."""
    return Monitoring(
        model="m/ab",
        source="a test",
        level=0.01,
        metric="roc_auc",
        windows=(),
        findings=tuple(
            Finding(kind=kind, severity=severity, window="2026-03", what="x", text="x moved by 1.")
            for kind, severity in findings
        ),
        estimate_error={},
    )


def settings(*, least_rows: int = 0, cool_down_days: float = 0, **when: object) -> RetrainingConfig:
    """Return settings in which only what is named speaks for a new model."""
    policy = PolicyConfig(**{**NEVER, **when})
    return RetrainingConfig(when=policy, least_rows=least_rows, cool_down_days=cool_down_days)


def due(given_settings: RetrainingConfig, seen: Monitoring | None = None, **known: object):
    """Decide, with a champion of 100 days and nothing new unless it is said."""
    facts = {"champion": champion(), "newest": champion().created, "n_new": 0, "now": NOW}
    return decide(given_settings, seen, **{**facts, **known})


@given(
    kind=st.sampled_from((*DRIFTS, *QUALITIES, *OTHERS)),
    severity=st.sampled_from(SEVERITIES),
    drift=st.sampled_from(("warning", "alarm", "never")),
    quality=st.sampled_from(("warning", "alarm", "never")),
)
def test_a_finding_counts_from_its_severity_on(kind, severity, drift, quality):
    """Drift and quality each look at their own kinds; broken rows are no reason to learn."""
    least = drift if kind in DRIFTS else quality if kind in QUALITIES else "never"
    expected = least != "never" and SEVERITIES.index(severity) >= SEVERITIES.index(least)
    decision = due(settings(drift=drift, quality=quality), found((kind, severity)))
    assert decision.due == expected
    assert ("x moved by 1." in " ".join(decision.reasons)) == expected


@given(days=st.floats(0, 400), age=st.floats(0, 400), with_times=st.booleans())
def test_age_counts_from_the_newest_row(days, age, with_times):
    """Without times it counts from the champion's registration."""
    known = champion(0, data_days=days) if with_times else champion(days)
    decision = due(settings(age_days=age), champion=known)
    exact = (NOW - (known.data_until or known.created)).total_seconds() / 86_400
    assert decision.due == (exact >= age)


@given(n_new=st.integers(0, 200), wanted=st.integers(1, 200), least=st.integers(0, 200))
def test_new_rows_speak_for_it_and_too_few_against(n_new, wanted, least):
    """Both say how many there are."""
    decision = due(settings(new_rows=wanted, least_rows=least), n_new=n_new)
    assert bool(decision.reasons) == (n_new >= wanted)
    assert bool(decision.held_back) == (n_new < least)
    assert decision.due == (n_new >= wanted and n_new >= least)
    for said in (*decision.reasons, *decision.held_back):
        assert f"{n_new:,} rows with answers" in said


@given(age=st.floats(-10, 60), cool_down=st.floats(0, 60), has_champion=st.booleans())
def test_the_cool_down_holds_back_whatever_speaks_for_it(age, cool_down, has_champion):
    """It counts from the newest version, promoted or not, with a champion or without."""
    decision = due(
        settings(cool_down_days=cool_down, new_rows=1),
        champion=champion() if has_champion else None,
        newest=NOW - timedelta(days=age),
        n_new=10,
    )
    exact = timedelta(days=age).total_seconds() / 86_400
    assert decision.due == (cool_down == 0 or exact >= cool_down)


@pytest.mark.parametrize(
    ("schedule", "before", "after"),
    [
        ("hourly", "2026-03-10T11:59", "2026-03-10T12:00"),
        ("daily", "2026-03-09T23:59", "2026-03-10T00:00"),
        ("weekly", "2026-03-08T23:59", "2026-03-09T00:00"),
        ("monthly", "2026-02-28T23:59", "2026-03-01T00:00"),
    ],
)
def test_a_schedule_is_by_the_calendar(schedule, before, after):
    """A run that came some minutes late does not move the next one by a whole span."""
    for last, expected in ((before, True), (after, False)):
        newest = datetime.fromisoformat(last).replace(tzinfo=UTC)
        assert due(settings(schedule=schedule), newest=newest).due == expected


def test_without_a_champion_one_is_due():
    """Rows need not be new then, and no policy need be set."""
    decision = due(settings(least_rows=1000), champion=None, newest=None)
    assert decision.due
    assert decision.reasons == ("There is no champion.",)


@given(cool_down=st.floats(0, 60), least=st.integers(0, 100), new_rows=st.integers(1, 100))
def test_what_is_asked_for_is_never_held_back(cool_down, least, new_rows):
    """The policies' reasons are told beside it."""
    known = settings(cool_down_days=cool_down, least_rows=least, new_rows=new_rows)
    decision = due(known, newest=NOW, n_new=50, forced=True)
    assert decision.due
    assert decision.held_back == ()
    assert decision.reasons[0] == "It was asked for (--force)."
    assert len(decision.reasons) == 1 + (new_rows <= 50)


def test_more_findings_than_one_reads_are_named_only():
    """Three are told in full."""
    decision = due(settings(drift="warning"), found(*[("drift", "alarm")] * 7))
    assert len(decision.reasons) == 4
    assert decision.reasons[-1] == "Drift, 4 more: x."
