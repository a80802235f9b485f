"""The page holds everything that was found, needs nothing else, and trusts no value."""

import dataclasses
import re
from functools import cache
from math import nan

import msgspec
import pytest
from evaluations_of_tests import HOSTILE, TASKS, facts, whole
from pages_of_tests import Page, check_alone, check_plots, check_sections

from mlkit.core.bundle import Bundle
from mlkit.training.facts import Facts
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.findings import NONE, Score
from mlkit.training.report.page import render


@cache
def page_of(task: str) -> str:
    """Return a whole page of a task."""
    return render(whole(task), facts())


@pytest.fixture(params=TASKS)
def html(request) -> str:
    """Return a whole page of each task."""
    return page_of(request.param)


def test_a_page_has_every_section(html):
    """In the order of their weight, each with a heading and a link that leads to it."""
    page = Page(html)
    found = page.ids("section")
    assert found[:5] == ["gates", "metrics", "comparison", "slices", "worst"]
    assert found[-5:] == ["importance", "warnings", "takes", "parts", "runs"]
    check_sections(page, found)


def test_a_page_is_small_and_needs_nothing(html):
    """No address is loaded, no script is there, and no two plots share an id."""
    assert len(html.encode()) < 400_000
    check_alone(html)


def test_plots_take_their_colours_and_letters_from_the_page(html):
    """So that they can be read in the dark; each says what it shows to those who cannot see."""
    check_plots(html, least=7)


def test_the_same_evaluation_gives_the_same_bytes():
    """Also after it was written as JSON and read back, as from a bundle."""
    again = Evaluation.from_json(whole("binary").to_json())
    assert render(again, facts()) == page_of("binary")


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_hostile_names_are_text(task):
    """Whatever a model, a slice, a feature, a class or a column is called."""
    page = Page(render(whole(task, name=HOSTILE), facts(HOSTILE)))
    plain = Page(page_of(task))
    assert [tag for tag, _ in page.tags if tag in ("script", "img")] == []
    assert {name for _, attrs in page.tags for name in attrs} == {
        name for _, attrs in plain.tags for name in attrs
    }
    assert page.open == []
    text = "".join(page.texts)
    assert text.count("<script>alert('x')</script>") > 20


def test_a_page_can_be_made_of_an_evaluation_alone():
    """What there is nothing of is left out; a figure that is undefined is a dash."""
    score = Score(metric="r2", value=nan, low=nan, high=nan, baseline=0.0, simple=-0.00001)
    bare = Evaluation(
        scores=(score,), level=0.95, n_rows=3, n_unlabelled=0, n_seen=0, holdout="some"
    )
    page = Page(render(bare))
    assert page.ids("section") == ["metrics"]
    texts = [text.strip() for text in page.texts if text.strip()]
    row = texts[texts.index("simple model") + 1 :][:5]
    assert row == ["r2", NONE, NONE, "0.0000", "0.0000"]
    assert "No gates are set: nothing says whether this model may ship." in texts


def test_the_verdict_is_told_in_words():
    """A gate that failed is named with its figure and its bound, not by a colour alone."""
    failed = "".join(Page(page_of("binary")).texts)
    assert "1 of 3 gates failed: this model may not ship." in failed
    assert "latency in ms, p99 is 4.2000, at most 2.0000: failed" in failed
    passing = whole(gates=False)
    passed = render(dataclasses.replace(passing, slices=(), worst=(), curves=()))
    assert "All 2 gates passed." in passed
    assert 'class="mark failed"' not in passed


def test_columns_that_may_leak_are_named_beside_the_verdict():
    """What a random split would have promised is no warning: it stands with the metrics."""
    texts = "".join(Page(page_of("binary")).texts)
    assert "dep_delay may tell the answer: read why before you trust these figures." in texts
    honest = dataclasses.replace(whole(), leaks=())
    page = Page(render(honest))
    assert "warnings" not in page.ids("section")
    assert "may tell the answer" not in "".join(page.texts)
    assert "A random split would have promised" in "".join(page.texts)


def test_a_threshold_of_its_own_is_told():
    """Where the model decides at one half there is nothing to say."""
    sentence = "The positive class is chosen from a probability of 0.188 on."
    decided = dataclasses.replace(whole(), threshold=0.188)
    assert sentence in "".join(Page(render(decided)).texts)
    assert sentence in decided.summary()
    assert "The positive class is chosen" not in page_of("binary")


def test_the_comparison_has_slices_in_the_first_metric_only(html):
    """Every metric on all rows; the rest is in evaluation.json."""
    start = html.index('<section id="comparison"')
    table = html[html.index("<tbody>", start) : html.index("</tbody>", start)]
    rows = Page(table).texts
    first = next(text for text in rows if text.strip())
    sliced = table.count("origin=")
    assert sliced == 3
    assert rows.count(first) == sliced + 1
    assert table.count(">all rows<") == table.count("<tr>") - sliced > 1


def test_the_worst_slices_are_drawn_by_the_loss_that_found_them(html):
    """Another metric may well be good there."""
    (name,) = set(re.findall(r"aria-label=\"Worst slices: (\w+)\"", html))
    assert name in ("log_loss", "mae")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ({"commit": None, "dirty": True}, "not in git"),
        ({"commit": "83a5", "dirty": True}, "83a5, with changes that are in no commit"),
        ({"commit": "83a5", "dirty": False}, "83a5"),
    ],
)
def test_the_commit_is_told_as_far_as_there_is_one(packed, code, said):
    """Also of a project that is in no repository."""
    bundle = Bundle.open(packed)
    manifest = msgspec.structs.replace(bundle.manifest, lineage={"code": code})
    assert dict(Facts.of(manifest, bundle.schema).lineage)["commit"] == said


def test_many_slices_stay_below_the_limit():
    """Two hundred slices are all in the table; the plot shows the first forty."""
    evaluation = whole()
    many = tuple(
        dataclasses.replace(evaluation.slices[0], name=f"dest={place}") for place in range(200)
    )
    html = render(dataclasses.replace(evaluation, slices=many, worst=(), curves=()))
    assert len(html.encode()) < 2_000_000
    assert "dest=199" in html
