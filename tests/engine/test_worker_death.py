"""The only worker dies in the middle of runs of every shape: each ends as it would have."""

import pytest

from tests.support.hosts.engine_cluster import ClusterOf
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import ITEMS, SHAPES, insist_on_end, shaped

CLOCK_SECONDS = 10
LATEST = 150


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_outlives_its_only_worker(cluster_of: ClusterOf, journal: Journal, shape: str):
    cluster = cluster_of()
    cluster.instances[0].revives = True
    product = cluster.product()
    run_id = product.post(shaped(shape, product, journal)).json["run_id"]
    product.until(run_id, lambda status: status["items"]["succeeded"] >= ITEMS // 4, 60)
    with cluster.clock(CLOCK_SECONDS):
        cluster.instances[0].kill_worker()
        cluster.wait_for_workers()
        insist_on_end(shape, product, journal, product.done(run_id, LATEST))
