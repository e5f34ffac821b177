"""Details of runs, and schedules, over HTTP."""

import secrets

from tests.support.hosts.product import Product
from tests.support.hosts.product_calls import ONCE, probe, problem, redrive_to_end


def test_the_timeline_of_each_attempt_adds_up_to_its_items(product: Product):
    items = [{"good": 2}, {}, {"ending": "permanent"}] * 4
    run_id = product.run(probe(items, batch={"max_items": 2}, **ONCE))["run_id"]
    redrive_to_end(product, run_id)
    first = product.host.get(f"/api/runs/{run_id}/timeline?attempt=1").json
    assert (first["attempt"], first["attempts"]) == (1, 2)
    assert round(sum(first["series"]["succeeded"])) == 4
    assert round(sum(first["series"]["failed"])) == 8
    assert first["started_at"] < first["finished_at"]
    assert sum(shard["partitions"] for shard in first["shards"]) > 0
    assert all(set(shard["cells"]) <= set("0123456789abcdef") for shard in first["shards"])
    newest = product.host.get(f"/api/runs/{run_id}/timeline").json
    assert newest["attempt"] == 2
    assert round(sum(newest["series"]["failed"])) == 8
    answer = product.host.get(f"/api/runs/{run_id}/timeline?attempt=3")
    assert problem(answer, 400) == {"attempt": "'3' is no whole number from 1 to 2"}


def test_a_request_can_be_read_as_its_newest_attempt_carries_it_out(product: Product):
    run_id = product.run(probe([{"ending": "permanent"}], **ONCE))["run_id"]
    redrive_to_end(product, run_id, {"tolerance": {"count": 7}})
    newest = product.host.get(f"/api/runs/{run_id}/request").json
    assert (newest["workload"], newest["tolerance"]["count"]) == ("probe", 7)
    first = product.host.get(f"/api/runs/{run_id}/request?attempt=1").json
    assert first["tolerance"] == {"count": 0, "percentage": 100}


def test_a_run_that_never_was_has_no_details(product: Product):
    for what in ("request", "timeline"):
        answer = product.host.get(f"/api/runs/none-{secrets.token_hex(4)}/{what}")
        problem(answer, 404)


def test_schedules_are_listed_those_that_are_off_included(product: Product):
    found = {one["name"]: one for one in product.host.get("/api/schedules").json["schedules"]}
    sweep, nightly = found["daily_sweep"], found["nightly_report"]
    assert (sweep["task"], sweep["is_enabled"], sweep["last_run"]) == ("sweep", True, None)
    assert sweep["next_at"].endswith("T04:15:00Z")
    assert (nightly["workload"], nightly["is_enabled"]) == ("reports", False)
    assert nightly["next_at"] is None
