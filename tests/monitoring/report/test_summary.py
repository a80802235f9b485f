"""What a terminal and a log are told of a model in use."""

import dataclasses
from typing import get_args

import pytest
from evaluations_of_tests import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from monitorings_of_tests import bare, unknown, whole

from mlkit.monitoring.findings import Finding, Kind, Monitoring
from mlkit.monitoring.report.summary import summary
from mlkit.monitoring.report.verdict import verdict

CALM = dataclasses.replace(whole(), findings=())


def with_findings(*findings: Finding, found: Monitoring | None = None) -> Monitoring:
    """Return a model of which these count now."""
    return dataclasses.replace(found or whole(), findings=findings)


def finding(kind: str, what: str = "", window: str = "2013-06") -> Finding:
    """Return an alarm."""
    return Finding(kind=kind, severity="alarm", window=window, what=what, text="So it is.")


def test_the_verdict_says_what_matters_most():
    """The worst column with its figure, how many others, when, and what it costs."""
    assert verdict(whole()) == (
        "flight-delay is drifting (alarm): dep_hour (PSI 0.34, 1% unseen) and 7 more columns in "
        "2013-06; roc_auc fell to 0.69 from 0.74 in 2013-05."
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            finding("missing", "dep_hour"),
            "is drifting (alarm): dep_hour (missing in 12% of the rows, 2% before) in 2013-06.",
        ),
        (
            finding("separation"),
            "is drifting (alarm): its rows are told from the reference's with AUC 0.8, by "
            "dep_hour, temp in 2013-06.",
        ),
        (
            finding("predictions", "probability"),
            "is drifting (alarm): what is predicted (PSI 0.22) in 2013-06.",
        ),
        (
            finding("violations"),
            "gets rows that break its schema (alarm): 15 of 2,450 rows break the schema "
            "(carrier is missing in 15 rows) in 2013-06.",
        ),
        (
            finding("quality", "origin=JFK", "2013-05"),
            "has lost quality (alarm): roc_auc of origin=JFK fell to 0.68 from 0.73 in 2013-05.",
        ),
        (
            finding("quality", "log_loss", "2013-05"),
            "has lost quality (alarm): log_loss rose to 0.46 from 0.41 in 2013-05.",
        ),
        (
            finding("estimate", "roc_auc"),
            "may have lost quality (alarm): roc_auc is estimated to have fallen to 0.69 from "
            "0.74 in 2013-06.",
        ),
        (
            finding("latency"),
            "is slow (alarm): one request in 100 takes more than 30.5 ms in 2013-06.",
        ),
        (
            finding("age"),
            "is old (alarm): the newest row that it was trained on is 211 days old in 2013-06.",
        ),
        (finding("drift", "no such column"), "is drifting (alarm): So it is in 2013-06."),
        (finding("drift", "x", "2020-01"), "is drifting (alarm): So it is in 2020-01."),
    ],
    ids=lambda value: value.kind if isinstance(value, Finding) else "",
)
def test_every_kind_of_finding_is_told_with_its_figures(found, said):
    """In the finding's own words where no window knows the figures."""
    assert verdict(with_findings(found)) == f"flight-delay {said}"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (bare(), "cannot be judged: there are no rows."),
        (
            bare(windows=(dataclasses.replace(whole().windows[0], is_tested=False),)),
            "cannot be judged yet: no window has monitoring.least_rows, the largest has 2,400 "
            "rows.",
        ),
        (
            CALM,
            "is as it was (ok): nothing drifts in 2013-06; roc_auc is 0.69, 0.74 was expected, "
            "in 2013-05.",
        ),
        (
            dataclasses.replace(whole(labels=False), findings=()),
            "is as it was (ok): nothing drifts in 2013-06; roc_auc is estimated at 0.69, 0.74 was "
            "expected.",
        ),
        (
            unknown(),
            "is as it was (ok): nothing drifts; what it is worth is not known, for no answers "
            "have come.",
        ),
    ],
    ids=["no rows", "none tested", "calm", "estimated", "unknown"],
)
def test_calm_is_told_as_far_as_it_is_known(found, said):
    """A model that could not be tested is not called well."""
    assert verdict(found) == f"flight-delay {said}"


def test_at_most_three_kinds_are_told():
    """Of more, how many findings they are."""
    kinds = ("violations", "drift", "latency", "age", "separation", "age")
    assert verdict(with_findings(*map(finding, kinds))).endswith("; and 3 more findings.")


@given(
    kinds=st.lists(st.sampled_from(get_args(Kind)), max_size=6),
    what=st.text(max_size=20),
    name=st.sampled_from(["", HOSTILE]),
    is_known=st.booleans(),
)
def test_any_findings_make_one_sentence_on_one_line(kinds, what, name, is_known):
    """Whatever they are about, and whatever their windows know."""
    found = whole(name=name, n_windows=2) if is_known else unknown()
    when = found.windows[-1].name
    text = verdict(with_findings(*(finding(kind, what, when) for kind in kinds), found=found))
    assert len(text.splitlines()) == 1
    assert text.endswith(".")
    assert "nan" not in text.replace(what, "").split()


def test_the_summary_is_the_verdict_what_counts_and_the_windows():
    """A row for each window, by time."""
    found = whole()
    lines = summary(found).splitlines()
    assert lines[0] == verdict(found)
    assert sum(line.startswith(("alarm", "warning")) for line in lines) == len(found.findings)
    rows = [line.split() for line in lines if line.startswith("2013-")]
    assert [row[0] for row in rows] == [window.name for window in found.windows]
    assert rows[-1] == [
        *("2013-06", "alarm", "2,450", "0", "15", "6.6%", "0.8000"),
        *("–", "0.6900", "0.3422", "dep_hour"),  # noqa: RUF001
    ]


def test_a_summary_obeys_nobody():
    """What a terminal would take as an order is left out; long lists are cut."""
    found = with_findings(
        *[finding("drift", "\x1b[2J")] * 33,
        found=whole(name="\x1b[2J\x07", n_windows=1),
    )
    text = summary(found)
    assert text.replace("\n", "").isprintable()
    assert "and 13 more" in text


def test_a_summary_of_nothing_is_the_verdict():
    """No table without rows."""
    assert summary(bare()) == verdict(bare())
    assert "nan" not in summary(unknown()).split()
