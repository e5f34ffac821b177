"""The dashboard in a headless Chromium, watched for what it must never do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from rig.web import Host
from tests.support.live.live_host import KEY_HEADER

AXE = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
# Whatever waits for a run waits for a busy machine.
PATIENCE_MS = 120_000
# Where the page keeps the key of its tab.
KEY_NAME = "fanout-function-key"


class Dashboard:
    """A tab with the dashboard.

    Attributes:
        refusals: Statuses of refusals that a test provokes: Chromium reports each on the console.
        faults: What the console said, and requests that went elsewhere.
    """

    def __init__(self, context: BrowserContext, origin: str, key: str = "") -> None:
        self.page = context.new_page()
        if key:
            self.page.add_init_script(f"sessionStorage.setItem('{KEY_NAME}', {json.dumps(key)})")
        self.page.set_default_timeout(PATIENCE_MS)
        self.origin = origin
        self.refusals: set[int] = set()
        self.faults: list[str] = []
        self.page.on("console", lambda said: self._heard(said.type, said.text))
        self.page.on("pageerror", lambda error: self.faults.append(f"thrown: {error}"))
        self.page.on("request", self._sent)

    def _heard(self, kind: str, text: str) -> None:
        is_known = any(f"status of {status}" in text for status in self.refusals)
        if kind in ("error", "warning") and not is_known:
            self.faults.append(f"{kind}: {text}")

    def _sent(self, request: Request) -> None:
        # What the page makes itself, pictures in data: and downloads in blob:, leaves nothing.
        if not request.url.startswith((f"{self.origin}/api/", "data:", f"blob:{self.origin}/")):
            self.faults.append(f"sent to {request.url}")

    def open(self, place: str = "/") -> Page:
        """Show a page: ``/``, ``/runs/{run_id}``, ``/schedules``, ``/health``."""
        self.page.goto(f"{self.origin}/api/dashboard#{place}")
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        return self.page

    def button(self, name: str) -> Locator:
        """The button of this name, in the dialog that is open if there is one."""
        return self.page.get_by_role("button", name=name, exact=True)

    def confirm(self, button: str, confirmation: str) -> None:
        """Press a button, and confirm what it asks."""
        self.button(button).click()
        self.page.get_by_role("dialog").get_by_role("button", name=confirmation).click()
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def expect_state(self, name: str) -> None:
        """Wait until the run of this page is in a state."""
        badge = self.page.locator(".headline .badge")
        expect(badge).to_have_text(name, timeout=PATIENCE_MS)

    def violations(self) -> list[str]:
        """What axe finds to be against WCAG 2.2 AA."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        only = json.dumps({"runOnly": RULES, "iframes": False})
        found: dict[str, Any] = self.page.evaluate(f"axe.run(document, {only})")
        return [
            f"{one['impact']}: {one['id']}: {one['help']}: {node['html'][:200]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]


@contextmanager
def dashboard_on(
    browser: Browser, host: Host, *, has_key: bool = True, **options: Any
) -> Iterator[Dashboard]:
    """Open a tab of its own; at the end it must have done nothing that it must not.

    It has the key of the host, if there is one, as if somebody had typed it in.
    """
    context = browser.new_context(viewport=DESK, **options)
    try:
        key = host.credentials.get(KEY_HEADER, "") if has_key else ""
        found = Dashboard(context, host.origin, key)
        yield found
        assert found.faults == []
    finally:
        context.close()
