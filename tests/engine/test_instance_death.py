"""One of two instances is killed or scaled in: the other goes on within two minutes."""

import pytest

from tests.support.hosts.engine_cluster import ClusterOf
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands, insist_on_counts

ITEMS = 240
# More than one instance does at once, so that the other has its share.
WIDTH = 48
CLOCK_SECONDS = 30
LATEST = 120


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_the_other_instance_goes_on(cluster_of: ClusterOf, journal: Journal, how: str):
    cluster = cluster_of(2)
    product = cluster.product(1)
    asked = errands(journal, [{"seconds": 1.0}] * ITEMS, concurrency={"batches": WIDTH})
    run_id = product.post(asked).json["run_id"]
    product.until(
        run_id, lambda _: len(journal.workers()) == 2 and len(journal.entries()) > WIDTH, 90
    )
    with cluster.clock(CLOCK_SECONDS):
        getattr(cluster.instances[0], how)()
        status = product.done(run_id, LATEST)
    insist_on_counts(status)
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", ITEMS)
    assert journal.effects() == {str(n): 1 for n in range(ITEMS)}
