"""A thousand runs that are deleted leave nothing behind."""

import pytest

from tests.support.harms.leavings import insist_on_nothing, run_and_delete
from tests.support.hosts.engine_cluster import ClusterOf

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(0)]
RUNS = 1_000
CALLERS = 16
# For each, behind all that go on beside it.
LATEST = 300


def test_nothing_is_left_of_a_thousand_runs(cluster_of: ClusterOf, seconds: float):
    cluster = cluster_of()
    with cluster.clock():
        run_and_delete(cluster, RUNS, CALLERS, LATEST)
    insist_on_nothing(cluster)
