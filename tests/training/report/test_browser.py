"""The page in a real browser: light and dark, on a phone, on a desk, and in print."""

import base64
import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from browsers_of_tests import browser_command, browsing
from evaluations_of_tests import HOSTILE, TASKS, facts, whole
from selenium import webdriver
from selenium.webdriver.common.by import By

from mlkit.training.report.page import render

pytestmark = pytest.mark.slow

_WIDTHS = (375, 1200)
_SCHEMES = ("light", "dark")


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


def view(browser: webdriver.Chrome, page: Path, width: int, scheme: str) -> None:
    """Open the page in a window of some width, in the light or in the dark."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page.as_uri())


def photographed(browser: webdriver.Chrome, width: int) -> np.ndarray:
    """Return the pixels of the whole page (height, width, channels), from 0 to 1."""
    height = browser.execute_script("return document.scrollingElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    how = {"captureBeyondViewport": True, "clip": clip}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", how)["data"]
    return matplotlib.image.imread(io.BytesIO(base64.b64decode(shot)))[:, :, :3]


@pytest.mark.parametrize("scheme", _SCHEMES)
@pytest.mark.parametrize("width", _WIDTHS)
def test_every_section_can_be_seen(browser, page, width, scheme):
    """Nothing is reported, nothing sticks out, the verdict is at the top, no section is empty."""
    view(browser, page, width, scheme)
    assert browser.get_log("browser") == []
    verdict = browser.find_element(By.ID, "verdict")
    assert verdict.is_displayed()
    assert "1 of 3 gates failed" in verdict.text
    # A table that is opened later must scroll in its own box too.
    wide, inner = browser.execute_script(
        "document.querySelectorAll('details').forEach(e => e.open = true);"
        "const page = document.documentElement;"
        "const found = [page.scrollWidth, page.clientWidth];"
        "document.querySelectorAll('details').forEach(e => e.open = false);"
        "return found"
    )
    assert wide <= inner <= width
    pixels = photographed(browser, width)
    places = browser.execute_script(
        "return [...document.querySelectorAll('#verdict, section, svg')].map(e => {"
        " const box = e.getBoundingClientRect();"
        " return [e.id || e.ariaLabel, box.left, box.top + scrollY, box.width, box.height]; })"
    )
    assert len(places) >= 15
    for name, left, top, across, down in places:
        seen = pixels[int(top) : int(top + down), int(left) : int(left + across)]
        assert seen.size, name
        assert seen.std() > 0.01, name


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
    shades = {}
    for scheme in _SCHEMES:
        view(browser, page, 1200, scheme)
        shades[scheme] = browser.execute_script(
            "const shade = (e, p) => getComputedStyle(e)[p].match(/\\d+/g).slice(0, 3)"
            ".reduce((sum, part) => sum + Number(part), 0) / 3;"
            "return [shade(document.body, 'backgroundColor'),"
            " shade(document.querySelector('svg text'), 'fill')]"
        )
    (light, on_light), (dark, on_dark) = shades["light"], shades["dark"]
    assert light - on_light > 100
    assert on_dark - dark > 100


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
