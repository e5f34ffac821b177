"""A headless Chromium: the machine's own, found by its name, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from demo.errors import DemoError

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Where Chromium is.

    Raises:
        DemoError: There is none.
    """
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    raise DemoError("There is no Chromium: install the packages of apt-packages.txt.")


@contextmanager
def browser() -> Iterator[Browser]:
    """Start it, and stop it with all that it started.

    Raises:
        DemoError: There is none.
    """
    # Chromium refuses to build its sandbox as root, which containers often run as.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium(), args=options)
        try:
            yield started
        finally:
            started.close()
