"""The page in a real browser: light and dark, on a phone, on a desk, and in print."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers_of_tests import (
    SCHEMES,
    WIDTHS,
    browser_command,
    browsing,
    check_dark,
    check_seen,
    view,
)
from evaluations_of_tests import HOSTILE, TASKS, facts, whole
from selenium import webdriver

from mlkit.training.report.page import render

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    """Return a browser."""
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module", params=[*TASKS, "hostile"])
def page(request, tmp_path_factory) -> Path:
    """Return a page of each task, and one of hostile names."""
    path = tmp_path_factory.mktemp("reports") / f"{request.param}.html"
    if request.param == "hostile":
        html = render(whole("multiclass", name=HOSTILE), facts(HOSTILE))
    else:
        html = render(whole(request.param), facts())
    path.write_text(html, encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_section_can_be_seen(browser, page, width, scheme):
    """Nothing is reported, nothing sticks out, the verdict is at the top, no section is empty."""
    view(browser, page, width, scheme)
    check_seen(browser, width, verdict="1 of 3 gates failed", least=15)


def test_the_gates_fit_on_a_phone(browser, page):
    """What decides is read without scrolling sideways; wider tables scroll in their own box."""
    view(browser, page, 375, "light")
    across, room = browser.execute_script(
        "const box = document.querySelector('#gates .wide');"
        "return [box.scrollWidth, box.clientWidth]"
    )
    assert across <= room


def test_the_dark_page_is_dark(browser, page):
    """The background follows the reader's choice, and so do the letters of a plot."""
    check_dark(browser, page)


def test_the_page_can_be_printed(page, tmp_path):
    """Printing gives a few pages of PDF."""
    printed = tmp_path / "page.pdf"
    command = [*browser_command(tmp_path), f"--print-to-pdf={printed}", page.as_uri()]
    # Chromium says of some page in thousands that printing it failed, then prints it.
    for _ in range(3):
        subprocess.run(command, capture_output=True, timeout=120, check=False)
        if printed.exists():
            break
    assert printed.read_bytes().startswith(b"%PDF")
    assert printed.stat().st_size > 20_000
