"""Runs that are deleted leave nothing: no instance, entity, row or blob."""

from tests.support.harms.leavings import insist_on_nothing, run_and_delete
from tests.support.hosts.engine_cluster import ClusterOf

RUNS = 20
CALLERS = 4
LATEST = 150


def test_nothing_is_left_of_runs_that_are_deleted(cluster_of: ClusterOf):
    cluster = cluster_of()
    run_and_delete(cluster, RUNS, CALLERS, LATEST)
    insist_on_nothing(cluster)
