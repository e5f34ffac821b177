"""The only worker dies in the middle of runs of every shape: each ends as it would have."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts.engine_cluster import Cluster, cluster
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import ITEMS, SHAPES, insist_on_end, shaped

pytestmark = pytest.mark.xdist_group("worker death")
CLOCK_SECONDS = 10
LATEST = 150


@pytest.fixture(scope="module")
def instance(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One instance for all shapes, whose worker dies again and again."""
    with cluster(engine, tmp_path_factory.mktemp("hub")) as found:
        found.instances[0].revives = True
        yield found


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_outlives_its_only_worker(instance: Cluster, journal: Journal, shape: str):
    product = instance.product()
    run_id = product.post(shaped(shape, product, journal)).json["run_id"]
    product.until(run_id, lambda status: status["items"]["succeeded"] >= ITEMS // 4, 60)
    with instance.clock(CLOCK_SECONDS):
        instance.instances[0].kill_worker()
        instance.wait_for_workers()
        insist_on_end(shape, product, journal, product.done(run_id, LATEST))
