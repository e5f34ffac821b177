"""A run ended by Durable's own URL: its attempt is over, for its shards as well."""

import time

from tests.support.harms.hub_contents import blobs_of, instances, rows_of, terminate
from tests.support.hosts.engine_cluster import ClusterOf
from tests.support.hosts.host_process import Answer
from tests.support.hosts.product import Product
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands

ITEMS = 40
SOON = 60
LATEST = 150


def terminated(product: Product, journal: Journal) -> str:
    """A run that is terminated while its shards are at work."""
    asked = errands(journal, [{"seconds": 0.5}] * ITEMS, concurrency={"batches": 2})
    run_id = str(product.post(asked | {"batch": {"max_items": 10}}).json["run_id"])
    product.until(run_id, lambda status: status["batches_in_flight"] > 0, SOON)
    time.sleep(1.5)
    assert terminate(product.host, run_id) == 202
    product.until(run_id, lambda status: status["status"] in ("Terminated", "Failed"), SOON)
    return run_id


def asked_until(product: Product, method: str, path: str, wanted: int) -> Answer:
    """Ask again as long as the answer is that it is too early."""
    ends = time.monotonic() + SOON
    while (answer := product.host.request(method, path, b"")).status == 409:
        assert time.monotonic() < ends, answer.body
        time.sleep(0.5)
    assert answer.status == wanted, answer.body
    return answer


def test_a_redrive_after_a_termination_processes_no_item_that_was(
    cluster_of: ClusterOf, journal: Journal
):
    product = cluster_of().product()
    run_id = terminated(product, journal)
    asked_until(product, "POST", f"/api/runs/{run_id}/redrive", 202)
    status = product.until(
        run_id, lambda s: s["redrive_count"] == 1 and s["phase"] == "done", LATEST
    )
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", ITEMS)
    assert journal.calls() == {str(n): 1 for n in range(ITEMS)}


def test_a_terminated_run_can_be_deleted(cluster_of: ClusterOf, journal: Journal):
    cluster = cluster_of()
    product = cluster.product()
    run_id = terminated(product, journal)
    asked_until(product, "DELETE", f"/api/runs/{run_id}", 204)
    at_rest = len(journal.entries())
    assert product.host.get(f"/api/runs/{run_id}").status == 404
    time.sleep(5)
    assert len(journal.entries()) == at_rest, "it goes on being processed"
    assert [one["instanceId"] for one in instances(product.host)] == []
    assert blobs_of(cluster.connection, run_id) == rows_of(cluster.connection, run_id) == []
