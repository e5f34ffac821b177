"""What people tell a run arrives."""

from tests.support.hosts.engine_cluster import ClusterOf
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands

ITEMS = 60
SOON = 30


def test_cancel_suspend_and_resume_arrive(cluster_of: ClusterOf, journal: Journal):
    product = cluster_of().product()
    asked = errands(journal, [{"seconds": 0.2}] * ITEMS, concurrency={"batches": 2})
    run_id = product.post(asked).json["run_id"]
    product.until(run_id, lambda status: status["items"]["succeeded"] > 0, SOON)

    def tell(what: str) -> int:
        return product.host.request("POST", f"/api/runs/{run_id}/{what}", b"").status

    assert tell("suspend") == 202
    product.until(run_id, lambda s: s["status"] == "Suspended" and not s["batches_in_flight"], SOON)
    stood = product.status(run_id)["items"]["succeeded"]
    assert tell("resume") == 202
    product.until(run_id, lambda status: status["items"]["succeeded"] > stood, SOON)
    assert tell("cancel") == 202
    status = product.done(run_id, SOON)
    assert status["outcome"] == "cancelled"
    assert stood < status["items"]["succeeded"] < ITEMS
    assert status["items"]["succeeded"] + status["items"]["pending"] == ITEMS
