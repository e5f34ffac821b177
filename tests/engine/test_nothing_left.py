"""Runs that are deleted leave nothing: no instance, entity, row or blob."""

import time
from typing import Any

from tests.engine.conftest import ClusterOf
from tests.support.errand_workloads import Journal
from tests.support.errands import errands
from tests.support.hub_contents import blobs_of, instances, rows_of

SOON = 40
BAD: dict[str, Any] = {"ending": "permanent"}


def test_nothing_is_left_of_runs_that_are_deleted(cluster_of: ClusterOf, journal: Journal):
    cluster = cluster_of()
    product = cluster.product()
    once = {"retry": {"max_attempts": 1}}
    asked = {
        "left-plain": errands(journal, [{}] * 5),
        "left-redriven": errands(journal, [{}, BAD], tolerance={"percentage": 100}, **once),
        "left-undone": errands(journal, [{}, {}, BAD], on_exceeded="compensate", **once),
        "left-sagas": errands(journal, [{}] * 3, workload="trips"),
        "left-failed": errands(journal, [BAD] * 3, **once),
    }
    for run_id, request in asked.items():
        product.run(request | {"run_id": run_id})
    assert product.host.request("POST", "/api/runs/left-redriven/redrive", b"").status == 202
    product.until("left-redriven", lambda s: s["redrive_count"] == 1 and s["phase"] == "done")
    for run_id in asked:
        assert product.host.request("DELETE", f"/api/runs/{run_id}", b"").status == 204
    ends = time.monotonic() + SOON
    while (left := instances(product.host)) and time.monotonic() < ends:
        cluster.run_watchdog()
        time.sleep(2)
    assert [one["instanceId"] for one in left] == []
    assert rows_of(cluster.connection, *asked) == []
    assert blobs_of(cluster.connection, *asked) == []
    assert product.host.get("/api/runs").json["runs"] == []
