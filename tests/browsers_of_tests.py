"""A real browser, that reaches nothing but this machine."""

import base64
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

WIDTHS = (375, 1200)
SCHEMES = ("light", "dark")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def browser_command(profile: Path) -> list[str]:
    """Return the command of a headless Chromium with a profile of its own; CI must have one."""
    chromium = shutil.which("chromium")
    if chromium is None or shutil.which("chromedriver") is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium or its driver is absent: apt-get install chromium-driver.")
        pytest.skip("Chromium or its driver is not installed.")
    return [chromium, *_FLAGS, f"--user-data-dir={profile}"]


@contextmanager
def browsing(profile: Path) -> Iterator[webdriver.Chrome]:
    """Open such a browser, that keeps what a page complains of."""
    options = webdriver.ChromeOptions()
    options.binary_location, *flags = browser_command(profile)
    for flag in flags:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield opened
    finally:
        opened.quit()


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


def check_seen(browser: webdriver.Chrome, width: int, *, verdict: str, least: int) -> None:
    """Fail if the open page complains, hides its verdict, sticks out, or has a blank part."""
    assert browser.get_log("browser") == []
    shown = browser.find_element(By.ID, "verdict")
    assert shown.is_displayed()
    assert shown.location["y"] < 900
    assert verdict in shown.text
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
    assert len(places) >= least
    for name, left, top, across, down in places:
        seen = pixels[int(top) : int(top + down), int(left) : int(left + across)]
        assert seen.size, name
        assert seen.std() > 0.01, name


def check_dark(browser: webdriver.Chrome, page: Path) -> None:
    """Fail unless the page, and the letters of its plots, follow the reader's choice."""
    shades = {}
    for scheme in SCHEMES:
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
