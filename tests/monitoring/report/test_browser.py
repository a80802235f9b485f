"""The page of a model in use in a real browser: light and dark, on a phone and on a desk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers_of_tests import SCHEMES, WIDTHS, browsing, check_dark, check_seen, view
from evaluations_of_tests import HOSTILE
from monitorings_of_tests import whole
from selenium import webdriver

from mlkit.monitoring.report.page import write_page
from mlkit.training.settings import MonitoringConfig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    """Return a browser."""
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module", params=["whole", "hostile", "large"])
def page(request, tmp_path_factory) -> Path:
    """Return a page, one of hostile names, and one of many columns and windows."""
    found = {
        "whole": whole(),
        "hostile": whole(name=HOSTILE),
        "large": whole(n_windows=60, n_features=150),
    }[request.param]
    path = tmp_path_factory.mktemp("reports") / f"{request.param}.html"
    return write_page(found, path, MonitoringConfig())


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_section_can_be_seen(browser, page, width, scheme):
    """Nothing is reported, nothing sticks out, the verdict is at the top, no section is empty."""
    view(browser, page, width, scheme)
    check_seen(browser, width, verdict="is drifting (alarm)", least=20)


def test_the_dark_page_is_dark(browser, page):
    """The background follows the reader's choice, and so do the letters of a plot."""
    check_dark(browser, page)


def test_a_phone_shows_the_newest_window_of_the_heat_first(browser, page):
    """Beside the columns' names, which stay where they are as the older ones are scrolled to."""
    view(browser, page, 375, "light")
    newest, name, right = browser.execute_script(
        "const box = document.querySelector('#drift .wide').getBoundingClientRect();"
        "const row = document.querySelector('#drift tbody tr');"
        "const edge = e => e.getBoundingClientRect();"
        "return [edge(row.lastElementChild).right, edge(row.firstElementChild).left - box.left,"
        " box.right]"
    )
    assert abs(newest - right) < 1.5
    assert abs(name) < 1.5
