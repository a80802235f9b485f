"""The page of a model in use holds what was found, needs nothing else, and trusts no value."""

import dataclasses
import re
from functools import cache

import pytest
from evaluations_of_tests import HOSTILE
from monitorings_of_tests import bare, unknown, whole
from pages_of_tests import Page, check_alone, check_plots, check_sections

from mlkit.monitoring.findings import Bin
from mlkit.monitoring.report.page import render, write_page
from mlkit.monitoring.report.verdict import verdict
from mlkit.training.judging.findings import NONE
from mlkit.training.settings import MonitoringConfig


@cache
def page_of(name: str = "") -> str:
    """Return the page of a model of which everything is known."""
    return render(whole(name=name), MonitoringConfig())


def text_of(html: str) -> str:
    """Return what a reader sees."""
    return " ".join(" ".join(Page(html).texts).split())


def test_a_page_has_every_section():
    """In the order of their weight, each with a heading and a link that leads to it."""
    page = Page(page_of())
    found = page.ids("section")
    assert found == [
        *("windows", "quality", "drift", "features", "predictions", "violations", "terms"),
    ]
    check_sections(page, found)


@pytest.mark.parametrize("name", ["", HOSTILE])
def test_a_page_is_small_and_needs_nothing(name):
    """No address is loaded, no script is there, and no two plots share an id."""
    html = page_of(name)
    assert len(html.encode()) < 500_000
    check_alone(html)


def test_plots_take_their_colours_and_letters_from_the_page():
    """Eight over time, and one of each column and each score."""
    check_plots(page_of(), least=8 + 8 + 1)


def test_the_same_findings_give_the_same_bytes(tmp_path):
    """In a file whose folder is made, too."""
    path = write_page(whole(), tmp_path / "reports" / "monitor.html", MonitoringConfig())
    assert path.read_text(encoding="utf-8") == page_of()


def test_hostile_names_are_text():
    """Whatever a model, a column, a category or a finding is called."""
    page, plain = Page(page_of(HOSTILE)), Page(page_of())
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in plain.tags}
    assert {name for _, attrs in page.tags for name in attrs} == {
        name for _, attrs in plain.tags for name in attrs
    }
    assert "".join(page.texts).count("<script>alert('x')</script>") > 50


def test_the_verdict_comes_first_with_what_counts_now():
    """How grave it is is told in words, not by a colour alone."""
    found = whole()
    text = text_of(page_of())
    first = text.index(verdict(found))
    for finding in found.findings:
        assert first < text.index(f"{finding.severity} {finding.text} {finding.window}")
    assert '<div class="verdict alarm" id="verdict">' in page_of()


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (bare(), "untested"),
        (dataclasses.replace(whole(), findings=()), "ok"),
        (bare(windows=tuple(dataclasses.replace(w, is_tested=False) for w in whole().windows)),
         "untested"),
    ],
    ids=["no windows", "calm", "none tested"],
)  # fmt: skip
def test_only_what_was_tested_is_called_well(found, outcome):
    """A model of which nothing could be told is neither good nor bad."""
    assert f'<div class="verdict {outcome}" id="verdict">' in render(found)


def test_nothing_known_is_a_dash():
    """No figure is NaN to the reader, and no plot is drawn of none."""
    html = render(unknown())
    check_alone(html)
    text = text_of(html)
    assert NONE in text
    assert not re.search(r"\bnan\b", text, re.I)
    assert "Drift over time" not in html


def test_a_page_can_be_made_without_any_window():
    """It says so, and what figures would mean."""
    html = render(bare())
    check_alone(html)
    assert Page(html).ids("section") == ["terms"]
    assert "cannot be judged: there are no rows" in text_of(html)


def test_a_single_window_is_drawn():
    """As a dot where there is no line."""
    html = render(whole(n_windows=1))
    check_alone(html)
    check_plots(html, least=8)


def test_a_window_that_was_not_tested_is_no_news():
    """Drift is told of the newest that was, and rows of the newest of all."""
    found = whole()
    young = dataclasses.replace(found.windows[0], name="2013-07", is_tested=False)
    text = text_of(render(dataclasses.replace(found, windows=(*found.windows, young))))
    assert "the columns worst in 2013-06 first" in text
    assert "rows in 2013-07" in text


def test_a_large_page_says_what_it_leaves_out():
    """150 columns in 60 windows make a page that opens: the worst, and the newest."""
    html = render(whole(n_windows=60, n_features=150))
    check_alone(html)
    assert len(html.encode()) < 1_000_000
    text = text_of(html)
    for said in (
        "The worst 40 of 150 columns.",
        "The newest 24 of 60 windows.",
        "The worst 12 of 150 columns and views of them are drawn.",
        "The worst 100 of 150 are in the table.",
    ):
        assert said in text
    features = html[html.index('<section id="features"') : html.index('<section id="predictions"')]
    assert features.count("<svg") == 12


def test_many_windows_and_findings_are_cut():
    """The newest hundred windows, and the gravest twenty findings."""
    found = whole(n_windows=120, n_features=30)
    many = dataclasses.replace(found, findings=found.findings[:1] * 33)
    text = text_of(render(many))
    assert "The newest 100 of 120 windows." in text
    assert "And 13 more." in text


def test_many_bins_are_cut_to_those_that_changed_most():
    """In their own order, and the page says that it did."""
    found = whole(n_windows=1, n_features=1)
    [window] = found.windows
    bins = tuple(
        Bin(label=f"airport {n:03}", reference=0.01, current=0.01 + (n % 5 == 0) / 100)
        for n in range(80)
    )
    wide = dataclasses.replace(window.drifts[0], bins=bins)
    html = render(
        dataclasses.replace(found, windows=(dataclasses.replace(window, drifts=(wide,)),))
    )
    assert "the 16 of 80 bins that changed most" in html
    assert set(re.findall(r"airport (\d{3})", html)) == {f"{n:03}" for n in range(0, 80, 5)}


def test_limits_are_told_where_they_are_known():
    """Drawn as lines, and in the table of what the figures mean."""
    assert "warning above" in text_of(page_of())
    assert ">alarm</text>" in page_of()
    without = render(whole())
    assert "warning above" not in text_of(without)
    assert ">alarm</text>" not in without


def test_the_heat_is_shaded_by_how_much_has_drifted():
    """From the alarm's limit on a cell is as dark as it gets; each has its figure, too."""
    html = page_of()
    start = html.index('<table class="heat">')
    rows = re.findall(r"<tr>(.*?)</tr>", html[start : html.index("</table>", start)], re.S)
    head, worst = rows[0], rows[1]
    windows = [window.name for window in whole().windows]
    assert re.findall(r'<th scope="col">([^<]+)', head) == ["column", *windows]
    cells = re.findall(r'<td class="(\w+)" style="--share: (\d+)%">([\d.]+)</td>', worst)
    drifts = [window.drifts[0] for window in whole().windows]
    assert cells == [
        (each.severity, f"{60 * min(each.psi / 0.25, 1):.0f}", f"{each.psi:.2f}") for each in drifts
    ]
    assert cells[-1][1] == "60"
