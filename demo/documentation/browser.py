"""A headless Chromium: that of the machine, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from demo.errors import DemoError

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str:
    """Find the program of Chromium.

    Raises:
        DemoError: There is none.
    """
    for name in NAMES:
        path = shutil.which(name)
        if path is not None:
            return path
    raise DemoError("There is no Chromium: install the packages of apt-packages.txt.")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium; stop it and its processes at the end.

    Raises:
        DemoError: There is no Chromium.
    """
    # Chromium refuses to build its sandbox as root, which containers often run as.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=options)
        try:
            yield browser
        finally:
            browser.close()
