"""An old and a new app side by side on one hub, as for minutes in every roll-out."""

import time
from pathlib import Path

from tests.support.hosts.engine_cluster import ClusterOf
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands, insist_on_counts

APPS = Path(__file__).parent / "apps"
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
