"""An old and a new app side by side on one hub, as for minutes in every roll-out."""

import time
from pathlib import Path

import pytest

from tests.support.hosts.engine_cluster import ClusterOf
from tests.support.releases.moments import Life, Moment, versions_of
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands, insist_on_counts

APPS = Path(__file__).parent / "apps"
VERSIONS = Path(__file__).parents[1] / "host" / "apps"
ITEMS = 60
SIDE_BY_SIDE_SECONDS = 20
LATEST = 150


def test_a_run_of_a_workload_that_only_the_new_app_knows_loses_nothing(
    cluster_of: ClusterOf, journal: Journal
):
    cluster = cluster_of(0)
    old = cluster.add(APPS / "old")
    new = cluster.add(APPS / "new")
    assert old.host.get("/api/workloads/errands").status == 404
    assert new.host.get("/api/workloads/errands").status == 200
    product = cluster.product(1)
    asked = errands(journal, [{"seconds": 0.2}] * ITEMS, concurrency={"batches": 8})
    run_id = product.post(asked).json["run_id"]
    with cluster.clock(10):
        time.sleep(SIDE_BY_SIDE_SECONDS)
        old.terminate()
        status = product.done(run_id, LATEST)
    insist_on_counts(status)
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", ITEMS)
    assert journal.effects() == {str(n): 1 for n in range(ITEMS)}


@pytest.mark.parametrize("workload", ["parcels", "consignments"])
def test_two_versions_take_turns_at_a_run_where_the_later_one_only_adds(
    cluster_of: ClusterOf, journal: Journal, workload: str
):
    cluster = cluster_of(0)
    earlier = cluster.add(VERSIONS / "earlier")
    cluster.add(VERSIONS / "later")
    cluster.wait_for_balance()
    product = cluster.product(1)
    items = [{"seconds": 0.3}] * ITEMS
    life = Life(Moment(items, {"workload": workload, "concurrency": {"batches": 8}}), journal)
    life.start(product)
    with cluster.clock(10):
        product.until(life.run_id, lambda _: len(journal.workers()) == 2, LATEST)
        time.sleep(5)
        earlier.terminate()
        status = product.done(life.run_id, LATEST)
    insist_on_counts(status)
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", ITEMS)
    assert status["take_overs"] == 0
    life.insist_on_effects()
    assert workload != "parcels" or versions_of(product, life.run_id) == {1, 2}
