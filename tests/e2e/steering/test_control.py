"""Steering runs: cancel, suspend, resume, new limits, delete, and the lists of runs and items."""

import json
import secrets
import time
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import pytest

from fanout.adapters.rows.rows import Rows, table_name
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore, Write
from fanout.naming import row_keys
from tests.support.hosts.host_process import Answer
from tests.support.hosts.product import Product

AT_ONCE = {"base_seconds": 0, "max_seconds": 0, "jitter_seconds": 0}
COUNTS = ("succeeded", "failed", "pending", "compensated", "compensation_failed")


def slow(count: int = 60, seconds: float = 0.1, **more: Any) -> dict[str, Any]:
    """Items that take their time, one a batch and one at a time."""
    source = {"kind": "inline", "items": [{"id": n, "seconds": seconds} for n in range(count)]}
    request = {"workload": "probe", "source": source, "batch": {"max_items": 1}}
    return request | {"concurrency": {"batches": 1}, "run_id": f"c-{secrets.token_hex(4)}"} | more


def tell(product: Product, run_id: str, what: str) -> Answer:
    return product.host.request("POST", f"/api/runs/{run_id}/{what}", b"")


def change(product: Product, run_id: str, body: Any) -> Answer:
    return product.host.request("PATCH", f"/api/runs/{run_id}", json.dumps(body).encode())


def begun(product: Product, request: dict[str, Any]) -> str:
    run_id = product.post(request).json["run_id"]
    product.until(run_id, lambda status: status["items"]["succeeded"] > 0)
    return run_id


def listed(product: Product, run_id: str) -> dict[str, Any]:
    (run,) = product.host.get(f"/api/runs?text={run_id}").json["runs"]
    return dict(run)


def assert_reconciled(items: dict[str, int]) -> None:
    assert sum(items[name] for name in COUNTS) == items["total"]


def test_a_cancelled_run_ends_with_the_rest_pending_and_can_be_redriven(product: Product):
    run_id = begun(product, slow())
    answer = tell(product, run_id, "cancel")
    assert answer.status == 202
    status = product.done(run_id)
    assert status["outcome"] == "cancelled"
    assert 0 < status["items"]["succeeded"] < 60
    assert_reconciled(status["items"])
    files = {file["name"] for file in product.results(run_id)["files"]}
    assert {"SUCCEEDED-00000.jsonl", "PENDING-00000.jsonl"} <= files
    assert tell(product, run_id, "cancel").status == 409
    faster = {"concurrency": {"batches": 64}}
    answer = product.host.request(
        "POST", f"/api/runs/{run_id}/redrive", json.dumps(faster).encode()
    )
    assert answer.status == 202, answer.body
    status = product.until(run_id, lambda s: s["redrive_count"] == 1 and s["phase"] == "done")
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", 60)
    assert [o.index for o in product.outcomes(run_id)] == list(range(60))


def test_a_cancel_is_heard_during_a_long_back_off(product: Product):
    source = {"kind": "inline", "items": [{"id": 0, "good": 2, "retry_after": 3600}, {"id": 1}]}
    run_id = product.post({"workload": "probe", "source": source}).json["run_id"]
    product.until(run_id, lambda status: status["batches_in_flight"] > 0)
    assert tell(product, run_id, "cancel").status == 202
    status = product.done(run_id)
    assert status["outcome"] == "cancelled"
    assert status["items"] == {"total": 2, "succeeded": 1, "pending": 1} | dict.fromkeys(
        ("failed", "compensated", "compensation_failed"), 0
    )


def test_a_suspended_run_stands_still_and_goes_on_when_it_is_resumed(product: Product):
    run_id = begun(product, slow(20))
    assert tell(product, run_id, "suspend").status == 202
    product.until(run_id, lambda s: s["status"] == "Suspended" and s["batches_in_flight"] == 0)
    stood = product.status(run_id)["items"]["succeeded"]
    assert stood < 20
    time.sleep(1.0)
    assert product.status(run_id)["items"]["succeeded"] == stood
    assert tell(product, run_id, "resume").status == 202
    status = product.done(run_id)
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", 20)


def test_new_limits_are_in_force_at_the_next_wave(product: Product):
    run_id = begun(product, slow(100))
    answer = change(product, run_id, {"concurrency": {"batches": 16}, "tolerance": {"count": 3}})
    assert answer.status == 200
    assert answer.json["limits"] == {
        "batches": 16,
        "items_per_second": None,
        "tolerance": {"count": 3, "percentage": 0.0},
    }
    status = product.until(run_id, lambda s: s["batches_in_flight"] > 1 or s["phase"] == "done")
    assert status["batches_in_flight"] == 16
    assert status["limits"]["tolerance"]["count"] == 3
    assert product.done(run_id)["outcome"] == "succeeded"


def test_a_rate_is_held(product: Product):
    request = slow(60, 0.0, concurrency={"batches": 32, "items_per_second": 20})
    status = product.run(request)
    assert status["outcome"] == "succeeded"
    # All but the first wave, of five seconds' worth at most, had to wait for its time.
    assert status["duration_seconds"] >= (60 - 32) / 20


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"concurrency": {}}, "body"),
        ({"concurrency": {"batches": 0}}, "concurrency.batches"),
        ({"concurrency": {"items_per_second": -1}}, "concurrency.items_per_second"),
        ({"tolerance": {"percentage": 101}}, "tolerance.percentage"),
        ({"retry": {}}, "retry"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_with_its_field(
    product: Product, body: Any, field: str
):
    run_id = begun(product, slow(5))
    answer = change(product, run_id, body)
    assert answer.status == 400
    assert [error["field"] for error in answer.json["errors"]] == [field]
    product.done(run_id)


@pytest.mark.parametrize("what", ["cancel", "suspend", "resume"])
def test_what_cannot_be_asked_of_a_run_is_refused(product: Product, what: str):
    assert tell(product, "no-such-run", what).status == 404
    run_id = product.run(slow(1))["run_id"]
    answer = tell(product, run_id, what)
    assert answer.status == 409
    assert "is over" in answer.json["detail"]
    assert change(product, run_id, {"tolerance": {"count": 1}}).status == 409


def test_a_deleted_run_leaves_nothing_and_its_id_is_free(product: Product):
    run_id = begun(product, slow(30, 0.05))
    delete = product.host.request("DELETE", f"/api/runs/{run_id}", b"")
    assert delete.status == 409
    product.done(run_id)
    assert product.host.request("DELETE", f"/api/runs/{run_id}", b"").status == 204
    assert product.blobs_of(run_id) == []
    assert product.host.get(f"/api/runs/{run_id}").status == 404
    assert product.host.request("DELETE", f"/api/runs/{run_id}", b"").status == 404
    others = [{"id": f"new-{n}"} for n in range(3)]
    again = slow(1, run_id=run_id, source={"kind": "inline", "items": others})
    status = product.run(again)
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", 3)
    assert [o.item_id for o in product.outcomes(run_id)] == [f"item-new-{n}" for n in range(3)]


def test_runs_are_listed_newest_first_by_pages_and_filters(product: Product):
    since = product.post(slow(1, 0.0)).json["run_id"]
    product.done(since)
    begun_at = product.status(since)["started_at"]
    made = [product.run(slow(1, 0.0))["run_id"] for _ in range(4)]
    bad = [{"id": 0, "ending": "permanent"}]
    failed = product.run(slow(source={"kind": "inline", "items": bad}))["run_id"]
    listed, continuation = [], ""
    while continuation is not None:
        page = product.host.get(f"/api/runs?limit=2&since={begun_at}&continuation={continuation}")
        assert page.status == 200 and len(page.json["runs"]) <= 2
        listed += [run["run_id"] for run in page.json["runs"]]
        continuation = page.json["continuation"]
    assert listed == [failed, *reversed(made)]
    found = product.host.get(f"/api/runs?since={begun_at}&outcome=failed").json["runs"]
    assert [run["run_id"] for run in found] == [failed]
    assert product.host.get(f"/api/runs?since={begun_at}&workload=sum").json["runs"] == []
    part = failed[-7:].upper()
    found = product.host.get(f"/api/runs?since={begun_at}&text={part}").json["runs"]
    assert [run["run_id"] for run in found] == [failed]


def test_the_list_says_of_a_run_what_the_run_says_of_itself(product: Product):
    bad = [{"id": 0, "ending": "permanent"}, {"id": 1}]
    source = {"kind": "inline", "items": bad}
    run_id = product.run(slow(source=source, tolerance={"percentage": 100}))["run_id"]
    assert listed(product, run_id) == product.status(run_id)
    going_on = begun(product, slow(30, 0.05))
    shown = listed(product, going_on)
    assert (shown["outcome"], shown["items"]["total"]) == (None, 30)
    product.done(going_on)
    assert listed(product, going_on) == product.status(going_on)


def test_a_lost_list_is_made_anew_from_the_runs(product: Product, storage: str):
    run_ids = [product.run(slow(1, 0.0))["run_id"] for _ in range(3)]
    before = product.host.get("/api/runs?limit=100").json["runs"]
    table = TableStore.connect(StorageSettings(connection_string=storage))
    rows = Rows(table, table_name("runs"))
    rows.clear(row_keys.RUNS_PARTITION)
    assert product.host.get("/api/runs").json["runs"] == []
    written, continuation = 0, ""
    while continuation is not None:
        query = f"limit=2&continuation={continuation}"
        part = product.host.request("POST", f"/api/index/rebuild?{query}", b"")
        assert part.status == 200 and part.json["looked_at"] <= 2
        written += part.json["written"]
        continuation = part.json["continuation"]
    assert written >= len(run_ids)
    after = product.host.get("/api/runs?limit=100").json["runs"]
    assert [run for run in after if run["run_id"] in run_ids] == before[: len(run_ids)]
    assert product.host.request("POST", "/api/index/rebuild?continuation=x", b"").status == 400


def test_rows_of_the_list_that_cannot_be_read_hide_no_run(product: Product, storage: str):
    run_id = product.run(slow(1, 0.0))["run_id"]
    tables = TableStore.connect(StorageSettings(connection_string=storage))
    rows, partition = Rows(tables, table_name("runs")), row_keys.RUNS_PARTITION
    (key,) = [key for key in rows.read_all(partition, "i!") if key.endswith(f"!{run_id}")]
    whole = rows.read_all(partition, key)[key].values
    rows.submit(partition, [Write("i!0 odd", {"outcome": "failed"}), Write(key, {}, mode="put")])
    first = product.host.get("/api/runs?limit=1").json
    assert (first["runs"], [run["run_id"] for run in first["unreadable"]]) == ([], ["i!0 odd"])
    query = urlencode({"limit": 100, "continuation": first["continuation"]})
    others = product.host.get(f"/api/runs?{query}").json
    assert others["unreadable"] == []
    assert product.status(run_id) in others["runs"]
    assert rows.read_all(partition, key)[key].values == whole, "it is written anew"
    rows.delete(partition, ["i!0 odd"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("outcome=odd", "outcome"),
        ("since=1", "since"),
        ("continuation=x", "continuation"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_with_its_field(
    product: Product, query: str, field: str
):
    answer = product.host.get(f"/api/runs?{query}")
    assert answer.status == 400
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_items_are_listed_by_pages_and_by_status(product: Product):
    items = [{"id": n, "ending": "permanent" if n % 5 == 0 else "ok"} for n in range(23)]
    run_id = product.run(
        {
            "workload": "probe",
            "source": {"kind": "inline", "items": items},
            "batch": {"max_items": 4},
            "tolerance": {"percentage": 100},
        }
    )["run_id"]
    found = everything(product, run_id, "limit=3")
    assert [item["index"] for item in found] == list(range(23))
    failed = everything(product, run_id, "limit=2&status=failed")
    assert [item["index"] for item in failed] == [0, 5, 10, 15, 20]
    assert everything(product, run_id, "limit=2&status=pending") == []
    for query in ("status=odd", "continuation=odd", "limit=1001"):
        assert product.host.get(f"/api/runs/{run_id}/items?{query}").status == 400
    assert product.host.get("/api/runs/no-such-run/items").status == 404


def everything(product: Product, run_id: str, query: str) -> list[dict[str, Any]]:
    found, continuation = [], ""
    while continuation is not None:
        more = f"&continuation={continuation}" if continuation else ""
        page = product.host.get(f"/api/runs/{run_id}/items?{query}{more}")
        assert page.status == 200, page.body
        found += page.json["items"]
        continuation = page.json["continuation"]
    return found


def test_items_can_be_listed_while_the_run_goes_on(product: Product):
    run_id = begun(product, slow(40))
    counts = Counter(item["status"] for item in everything(product, run_id, "limit=7"))
    assert counts["succeeded"] > 0 and counts["pending"] > 0
    assert sum(counts.values()) == 40
    tell(product, run_id, "cancel")
    product.done(run_id)


@pytest.mark.parametrize("workload", ["probe", "async-probe"])
def test_an_item_that_takes_too_long_is_given_up_on(product: Product, workload: str):
    items = [{"id": 0}, {"id": 1, "seconds": 30}, {"id": 2}]
    status = product.run(
        {
            "workload": workload,
            "source": {"kind": "inline", "items": items},
            "timeouts": {"item_seconds": 0.2},
            "retry": {"max_attempts": 2} | AT_ONCE,
            "tolerance": {"count": 1},
        }
    )
    assert (status["items"]["succeeded"], status["items"]["failed"]) == (2, 1)
    assert [error["type"] for error in status["errors"]] == ["ItemTimeoutError"]


def test_a_batch_that_has_had_its_time_leaves_the_rest_for_the_next_round(product: Product):
    items = [{"id": n, "seconds": 0.2} for n in range(6)]
    status = product.run(
        {
            "workload": "probe",
            "source": {"kind": "inline", "items": items},
            "batch": {"max_items": 6},
            "timeouts": {"batch_seconds": 0.5},
            "retry": {"max_attempts": 1} | AT_ONCE,
        }
    )
    assert status["items"]["succeeded"] == 6
    # Whose turn never came has lost no attempt.
    assert status["retries"] == 0
