"""A saga's step that fails for a moment is tried again."""

from tests.support.hosts.engine_cluster import ClusterOf
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands


def test_a_step_that_fails_for_a_moment_does_not_break_its_saga(
    cluster_of: ClusterOf, journal: Journal
):
    product = cluster_of().product()
    items = [{}, {"good": 2}, {"good": 3}, {"ending": "permanent"}]
    policy = {"max_attempts": 3, "base_seconds": 0.5, "max_seconds": 1, "jitter_seconds": 0.1}
    asked = errands(journal, items, workload="trips", retry=policy, tolerance={"percentage": 100})
    status = product.run(asked)
    assert status["outcome"] == "partially_succeeded"
    assert (status["items"]["succeeded"], status["items"]["compensated"]) == (3, 1)
    assert set(journal.effects("pay")) == {"0", "1", "2"}
    assert set(journal.effects("undo flight")) == set(journal.effects("undo hotel")) == {"3"}
