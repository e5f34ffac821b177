"""The table service refuses what a run writes for some seconds: nothing is forgotten by it."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.hosts.engine_cluster import ClusterOf
from tests.support.hosts.product import Product
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands, insist_on_counts

REFUSED_SECONDS = 10
REST_SECONDS = 20
POLL_SECONDS = 0.3
GOOD = 8
LATEST = 150
# A word of the writes that are refused: Durable's and ours that name the run, or only our own.
WRITES: dict[str, Callable[[str], str]] = {
    "every-row": lambda run_id: run_id,
    "own-rows": lambda run_id: f"{run_id}!a1",
}


def watched(product: Product, run_id: str, seconds: float) -> dict[str, Any]:
    """Look at a run until it is over, or for so long; no look may show impossible counts."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        answer = product.host.get(f"/api/runs/{run_id}")
        if answer.status == 200:
            insist_on_counts(answer.json)
            if answer.json["phase"] == "done":
                return dict(answer.json)
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"the run is not over after {seconds} s: {answer.body!r}")


def insist_on_rest(product: Product, status: dict[str, Any]) -> None:
    """Nothing comes later that would change what a run has come to."""
    ends = time.monotonic() + REST_SECONDS
    while time.monotonic() < ends:
        assert product.status(status["run_id"])["items"] == status["items"]
        time.sleep(0.5)


@pytest.mark.parametrize("writes", WRITES)
def test_a_run_that_is_to_be_compensated_is_whatever_is_refused_around_its_last_report(
    cluster_of: ClusterOf, journal: Journal, writes: str
):
    cluster = cluster_of(through_proxy=True)
    assert cluster.tables is not None
    product = cluster.product()
    items = [{"seconds": 0.2}] * GOOD + [{"seconds": 1.0, "ending": "permanent"}] + [{}] * 3
    asked = errands(journal, items, on_exceeded="compensate", concurrency={"batches": 1})
    run_id = product.post(asked).json["run_id"]
    product.until(run_id, lambda status: status["items"]["succeeded"] >= GOOD, 60)
    # The item that is to fail is at work: its report meets a service that refuses.
    cluster.tables.refuse(WRITES[writes](run_id))
    ends = time.monotonic() + REFUSED_SECONDS
    while time.monotonic() < ends:
        answer = product.host.get(f"/api/runs/{run_id}")
        if answer.status == 200:
            insist_on_counts(answer.json)
        time.sleep(POLL_SECONDS)
    cluster.tables.let_through()
    assert cluster.tables.met is not None, "no write was refused"
    with cluster.clock(10):
        status = watched(product, run_id, LATEST)
        assert status["outcome"] == "compensated", status
        assert (status["items"]["failed"], status["items"]["compensated"]) == (1, GOOD)
        assert status["items"]["succeeded"] == 0
        insist_on_rest(product, status)
    assert set(journal.effects("undo")) == {str(n) for n in range(GOOD)}


@pytest.mark.parametrize("writes", WRITES)
def test_counts_are_right_in_the_end_whatever_was_refused_meanwhile(
    cluster_of: ClusterOf, journal: Journal, writes: str
):
    cluster = cluster_of(through_proxy=True)
    assert cluster.tables is not None
    product = cluster.product()
    count = 48
    asked = errands(journal, [{"seconds": 0.2}] * count, concurrency={"batches": 4})
    run_id = product.post(asked).json["run_id"]
    product.until(run_id, lambda status: status["items"]["succeeded"] >= count - 12, 60)
    with cluster.clock(10):
        cluster.tables.refuse(WRITES[writes](run_id))
        time.sleep(REFUSED_SECONDS)
        cluster.tables.let_through()
        assert cluster.tables.met is not None, "no write was refused"
        status = watched(product, run_id, LATEST)
        assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", count)
        insist_on_rest(product, status)
    assert journal.effects() == {str(n): 1 for n in range(count)}
