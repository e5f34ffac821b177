"""The dashboard as people use it, in a headless Chromium against the running product."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from demo.documentation.browser import open_browser
from tests.support.hosts.dashboard import PATIENCE_MS, PHONE, Dashboard, dashboard_on
from tests.support.hosts.product import Product
from tests.support.live.live_host import KEY_HEADER

AT_ONCE = {"base_seconds": 0, "max_seconds": 0, "jitter_seconds": 0}
MOST_SCRIPT_MS = 200
REFRESHES = 5


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture
def dashboard(chromium: Browser, product: Product) -> Iterator[Dashboard]:
    with dashboard_on(chromium, product.host) as found:
        yield found


def request(items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    source = {"kind": "inline", "items": [{"id": n} | item for n, item in enumerate(items)]}
    retry = AT_ONCE | {"max_attempts": 1}
    base = {"workload": "probe", "source": source, "retry": retry, "batch": {"max_items": 2}}
    return base | {"run_id": f"d-{secrets.token_hex(4)}", "tolerance": {"percentage": 100}} | more


def slow(**more: Any) -> dict[str, Any]:
    items = [{"seconds": 0.05} for _ in range(600)]
    return request(items, batch={"max_items": 1}, concurrency={"batches": 1}, **more)


@pytest.fixture(scope="module")
def ended(product: Product) -> str:
    """A run with items of several ends."""
    items = [{}, {"ending": "permanent"}, {"ending": "crash"}, {}] * 3
    return str(product.run(request(items))["run_id"])


def started(product: Product, asked: dict[str, Any]) -> str:
    answer = product.post(asked)
    assert answer.status == 202, answer.body
    return str(answer.json["run_id"])


def test_a_run_is_started_watched_to_its_end_and_what_failed_is_redriven(dashboard: Dashboard):
    page = dashboard.open()
    dashboard.button("Start a run…").click()
    items = [{"good": 2}, {}, {"ending": "permanent"}, {}]
    asked = {k: v for k, v in request(items).items() if k != "run_id"}
    page.get_by_label("Request, as JSON").fill(json.dumps(asked))
    dashboard.button("Start the run").click()
    dashboard.expect_state("Partially succeeded")
    expect(page.get_by_text("100 % of 4 items")).to_be_visible()
    expect(page.get_by_role("img", name="Of 4 items: 2 succeeded, 2 failed")).to_be_visible()
    expect(page.get_by_role("button", name="FAILED-00000.jsonl")).to_be_visible()
    dashboard.button("Redrive…").click()
    expect(page.get_by_text("over its 2 failed or pending items")).to_be_visible()
    page.get_by_role("checkbox", name="PermanentError").uncheck()
    page.get_by_label("Times that an item is tried at most").fill("2")
    dashboard.button("Redrive the run").click()
    expect(page.get_by_role("img", name="Of 4 items: 3 succeeded, 1 failed")).to_be_visible()
    expect(page.get_by_text("probe, attempt 2")).to_be_visible()
    dashboard.expect_state("Partially succeeded")
    page.get_by_label("Attempt").select_option("1")
    expect(page.get_by_label("Attempt")).to_have_value("1")


def test_the_errors_lead_to_the_items_and_the_request_and_files_can_be_seen(
    dashboard: Dashboard, ended: str
):
    page = dashboard.open(f"/runs/{ended}")
    page.get_by_role("button", name="Items that failed with ZeroDivisionError").click()
    shown = page.get_by_role("region", name="Items", exact=True).get_by_role("row")
    expect(shown).to_have_count(4)
    expect(shown.nth(1)).to_contain_text("ZeroDivisionError: division by zero")
    page.get_by_text("What was asked, as JSON").click()
    expect(page.get_by_role("region", name="Request").last).to_contain_text('"max_items": 2')
    with page.expect_download() as download:
        dashboard.button("FAILED-00000.jsonl").click()
    assert len(download.value.path().read_text().splitlines()) == 6
    page.get_by_text("What each shard did when as a table").click()
    table = page.get_by_role("region", name="What each shard did when")
    expect(table.get_by_role("columnheader", name="Retrying")).to_be_visible()


def test_a_run_is_suspended_changed_resumed_and_cancelled(dashboard: Dashboard, product: Product):
    run_id = started(product, slow())
    page = dashboard.open(f"/runs/{run_id}")
    dashboard.confirm("Suspend…", "Suspend the run")
    dashboard.expect_state("Suspended")
    product.until(run_id, lambda status: status["limits"] is not None)
    dashboard.button("Change limits…").click()
    page.get_by_label("Batches at once").fill("3")
    page.get_by_label("Percent").fill("50")
    dashboard.button("Change the limits").click()
    product.until(run_id, lambda status: status["limits"]["batches"] == 3)
    assert product.status(run_id)["limits"]["tolerance"]["percentage"] == 50
    dashboard.confirm("Resume…", "Resume the run")
    dashboard.confirm("Cancel…", "Cancel the run")
    dashboard.expect_state("Cancelled")
    assert product.status(run_id)["outcome"] == "cancelled"


def test_what_the_app_refuses_is_shown_in_the_dialog_as_it_says_it(
    dashboard: Dashboard, product: Product, ended: str
):
    dashboard.refusals = {400, 409}
    run_id = started(product, slow())
    page = dashboard.open(f"/runs/{run_id}")
    dashboard.button("Cancel…").click()
    product.host.request("POST", f"/api/runs/{run_id}/cancel", b"")
    product.done(run_id)
    dashboard.button("Cancel the run").click()
    expect(page.get_by_role("alert")).to_contain_text(f"The run '{run_id}' is over.")
    page.keyboard.press("Escape")
    dashboard.open(f"/runs/{ended}")
    dashboard.button("Run again…").click()
    field = page.get_by_label("Request, as JSON")
    field.fill(field.input_value().replace('"probe"', '"prob"'))
    dashboard.button("Start the run").click()
    expect(page.get_by_role("alert").locator("code")).to_have_text("workload")


def test_runs_are_filtered_by_text_outcome_and_workload(
    dashboard: Dashboard, product: Product, ended: str
):
    mark = secrets.token_hex(4)
    good = product.run(request([{}], run_id=f"good-{mark}"))["run_id"]
    listed = {"kind": "listing", "container": product.inbox.container_name, "prefix": "none/"}
    other = product.run({"workload": "listed", "source": listed, "run_id": f"other-{mark}"})
    page = dashboard.open()
    links = page.locator("table.runs tbody a")
    page.get_by_label("Text").fill(mark.upper())
    expect(links).to_have_text([other["run_id"], good])
    page.get_by_label("Workload").select_option("probe")
    expect(links).to_have_text([good])
    assert f"text={mark.upper()}" in page.url
    page.get_by_label("Outcome").select_option("Failed")
    expect(page.get_by_text("There are no such runs.")).to_be_visible()
    page.get_by_label("Outcome").select_option("Succeeded")
    expect(links).to_have_text([good])
    page.reload()
    expect(links).to_have_text([good])
    page.get_by_label("Text").fill("")
    page.get_by_label("Outcome").select_option("Partially succeeded")
    expect(page.get_by_role("link", name=ended)).to_be_visible()


def test_the_list_shows_a_run_that_begins_meanwhile(dashboard: Dashboard, product: Product):
    page = dashboard.open()
    expect(page.locator("table.runs, .soft").first).to_be_visible()
    run_id = product.run(request([{}] * 5))["run_id"]
    row = page.get_by_role("row", name=run_id)
    expect(row).to_contain_text("Succeeded", timeout=PATIENCE_MS)
    expect(row).to_contain_text("5 of 5")


def test_the_rendered_report_is_shown_in_a_sandbox(dashboard: Dashboard, product: Product):
    items = [{"city": "Oslo", "mm": "3.5"}, {"city": "Rome <b>", "mm": "1"}]
    asked = {
        "workload": "reports",
        "source": {"kind": "inline", "items": items},
        "parameters": {"group_by": ["city"], "metrics": {"mm": ["count", "mean"]}},
    }
    run_id = product.run(asked)["run_id"]
    page = dashboard.open(f"/runs/{run_id}")
    report = page.frame_locator("iframe.report")
    expect(report.get_by_role("cell", name="Rome <b>")).to_be_visible()
    frame = page.locator("iframe.report")
    expect(frame).to_have_attribute("sandbox", "allow-scripts")
    assert frame.element_handle().content_frame().evaluate("self.origin") == "null"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_keeps_to_wcag_aa(chromium: Browser, product: Product, ended: str, scheme: str):
    with dashboard_on(chromium, product.host, color_scheme=scheme) as dashboard:
        for place, waits_for in (
            ("/", "table.runs a"),
            ("/schedules", "td"),
            ("/health", "dd"),
            ("/api", "#model-RunRequest table"),
            (f"/runs/{ended}", "#results table"),
        ):
            page = dashboard.open(place)
            expect(page.locator(waits_for).first).to_be_visible()
            assert dashboard.violations() == [], place
        for summary in page.locator("summary").all():
            summary.click()
        dashboard.button("Show items").click()
        dashboard.button("Redrive…").click()
        assert dashboard.violations() == []


def test_the_theme_follows_the_system_until_one_is_chosen(chromium: Browser, product: Product):
    with dashboard_on(chromium, product.host, color_scheme="dark") as dashboard:
        page = dashboard.open()
        paper = "getComputedStyle(document.body).backgroundColor"
        dark = page.evaluate(paper)
        dashboard.button("Theme: system").click()
        light = page.evaluate(paper)
        assert brightness(dark) < 64 < 192 < brightness(light)
        page.reload()
        assert page.evaluate(paper) == light
        dashboard.button("Theme: light").click()
        assert page.evaluate(paper) == dark


def brightness(colour: str) -> float:
    numbers = [float(n) for n in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    return sum(numbers) / len(numbers)


def test_on_a_phone_nothing_is_wider_than_the_screen(dashboard: Dashboard, ended: str):
    page = dashboard.page
    page.set_viewport_size(PHONE)
    for place in ("/", f"/runs/{ended}", "/schedules", "/health"):
        dashboard.open(place)
        expect(page.locator("table, dl").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], place
        assert dashboard.violations() == [], place


def test_a_run_is_found_and_cancelled_by_keyboard_alone(dashboard: Dashboard, product: Product):
    run_id = started(product, slow())
    page = dashboard.open()
    expect(page.get_by_role("link", name=run_id)).to_be_visible()
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    tab_to(page, run_id)
    page.keyboard.press("Enter")
    expect(dashboard.button("Cancel…")).to_be_visible()
    tab_to(page, "Cancel…")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    assert focused(page) == "Cancel…"
    page.keyboard.press("Enter")
    tab_to(page, "Cancel the run")
    page.keyboard.press("Enter")
    dashboard.expect_state("Cancelled")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def tab_to(page: Page, text: str) -> None:
    for _ in range(40):
        if focused(page) == text:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to '{text}'")


@pytest.fixture
def locked(chromium: Browser, product: Product) -> Iterator[Dashboard]:
    """A tab that has no key yet."""
    with dashboard_on(chromium, product.host, has_key=False) as found:
        yield found


def test_the_key_is_asked_for_once_and_goes_into_a_header_alone(
    locked: Dashboard, product: Product, ended: str
):
    key = product.host.credentials.get(KEY_HEADER, "secret")
    dashboard = locked
    dashboard.refusals = {401}
    page, sent = dashboard.page, []

    def guard(route: Route) -> None:
        sent.append(route.request)
        if route.request.headers.get(KEY_HEADER) == key:
            route.fallback()
        else:
            route.fulfill(status=401)

    page.route("**/api/runs**", guard)
    page.route("**/api/workloads**", guard)
    dashboard.open()
    expect(page.get_by_role("dialog")).to_have_count(1)
    page.get_by_label("Key", exact=True).fill(key)
    dashboard.button("Use this key").click()
    page.get_by_role("link", name=ended).click()
    expect(page.get_by_text("of 12 items")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert not [one.url for one in sent if key in one.url]
    assert key not in page.url
    assert page.evaluate("Object.values(localStorage).join()").find(key) == -1


def large() -> tuple[dict[str, Any], dict[str, Any]]:
    """What the API answers of a run of 100,000 partitions: every shard and bucket has something."""
    counts = {"succeeded": 61_000_000, "failed": 900_000, "compensated": 0}
    total = 100_000_000
    items = counts | {"compensation_failed": 0, "pending": total - sum(counts.values())}
    errors = [
        {"type": f"Error{n}", "message": "m" * 300, "count": 10 - n, "example_item": f"item-{n}"}
        for n in range(10)
    ]
    tolerance = {"count": 0, "percentage": 5}
    run = {
        "run_id": "large",
        "workload": "probe",
        "status": "Running",
        "phase": "processing",
        "outcome": None,
        "items": items | {"total": total},
        "retries": 12_345_678,
        "partitions": {"total": 100_000, "done": 61_000},
        "started_at": "2026-11-24T00:00:00Z",
        "finished_at": None,
        "duration_seconds": 64.0,
        "redrive_count": 0,
        "error": None,
        "items_per_second": 17_000.0,
        "eta_seconds": 2_100.0,
        "errors": errors,
        "limits": {"batches": 1000, "items_per_second": None, "tolerance": tolerance},
        "batches_in_flight": 1000,
        "stalled_since": None,
        "results_url": "",
    }
    cells = "".join("1537f2e4"[n % 8] for n in range(64))
    series = {name: [float(n) for n in range(64)] for name in ("succeeded", "failed", "retries")}
    timeline = {
        "run_id": "large",
        "attempt": 1,
        "attempts": 1,
        "started_at": "2026-11-24T00:00:00Z",
        "finished_at": None,
        "bucket_seconds": 1.0,
        "series": series,
        "shards": [
            {"shard": n, "cells": cells[n % 8 :], "waves": 9000, "partitions": 950}
            for n in range(64)
        ],
    }
    return run, timeline


def test_how_often_a_run_was_taken_up_again_is_shown_with_the_reason(dashboard: Dashboard):
    run, timeline = large()
    run |= {"take_overs": 2, "take_over_reason": "a worker died"}
    page = dashboard.page
    page.route("**/api/runs/large", lambda route: route.fulfill(json=run))
    page.route("**/api/runs/large/timeline", lambda route: route.fulfill(json=timeline))
    dashboard.open("/runs/large")
    expect(page.locator("#progress")).to_contain_text("2 times, last because: a worker died")


def test_a_run_of_100_000_partitions_is_refreshed_in_under_200_ms_of_scripting(
    dashboard: Dashboard, capsys: pytest.CaptureFixture[str]
):
    run, timeline = large()
    page, asked = dashboard.page, []
    page.route("**/api/runs/large", lambda route: route.fulfill(json=run))

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        timeline["series"]["succeeded"][-1] += 1
        route.fulfill(json=timeline)

    page.route("**/api/runs/large/timeline", answer)
    dashboard.open("/runs/large")
    for summary in page.locator("details > summary").all()[:2]:
        summary.click()  # the tables of the charts are drawn anew, too
    expect(page.get_by_role("img", name="64 shards over 1 min 4 s")).to_be_visible()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    before, refreshes = busy_seconds(devtools), len(asked)
    with page.expect_response(lambda _: len(asked) >= refreshes + REFRESHES):
        pass
    expect(page.locator("#shards tbody tr")).to_have_count(64)
    done = len(asked) - refreshes
    spent = 1000 * (busy_seconds(devtools) - before) / done
    with capsys.disabled():
        print(f"\n100,000 partitions: {spent:.1f} ms of the page's thread a refresh, over {done}")
    assert spent < MOST_SCRIPT_MS


def busy_seconds(devtools: Any) -> float:
    """How much CPU the page's thread took: its scripts, and layout and painting, too.

    Chromium's own ScriptDuration leaves out what runs as the reaction to a promise.
    """
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))
