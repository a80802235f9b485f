"""A real browser, that reaches nothing but this machine."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

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
