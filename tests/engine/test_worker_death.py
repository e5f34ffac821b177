"""The only worker dies in the middle of runs of every shape: each ends as it would have."""

import pytest

from tests.support.hosts.engine_cluster import Cluster
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import ITEMS, SHAPES, insist_on_end, shaped

CLOCK_SECONDS = 10
LATEST = 150


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_outlives_its_only_worker(instance: Cluster, journal: Journal, shape: str):
    instance.instances[0].revives = True
    product = instance.product()
    run_id = product.post(shaped(shape, product, journal)).json["run_id"]
    product.until(run_id, lambda status: status["items"]["succeeded"] >= ITEMS // 4, 60)
    with instance.clock(CLOCK_SECONDS):
        instance.instances[0].kill_worker()
        instance.wait_for_workers()
        insist_on_end(shape, product, journal, product.done(run_id, LATEST))
