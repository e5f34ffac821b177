"""What callers see of runs on one instance: their ends, steps tried again, what they tell them."""

import time

from tests.support.hosts.engine_cluster import Cluster
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands

RUNS = 8
ITEMS = 60
LATEST = 120
SOON = 30


def test_status_and_phase_agree_and_what_is_done_stays_done(instance: Cluster, journal: Journal):
    product = instance.product()
    asked = errands(journal, [{}] * 3)
    open_runs = [product.post(asked | {"run_id": f"end-{n}"}).json["run_id"] for n in range(RUNS)]
    done: dict[str, dict] = {}
    ends = time.monotonic() + LATEST
    while len(done) < RUNS:
        assert time.monotonic() < ends
        for run_id in open_runs:
            one = product.status(run_id)
            is_over = one["phase"] == "done"
            assert is_over == (one["status"] not in ("Pending", "Running")), one
            assert is_over == (one["outcome"] is not None), one
            assert is_over == (one["finished_at"] is not None), one
            assert is_over or run_id not in done, "what was done is no longer"
            if is_over:
                assert one == done.setdefault(run_id, one)
        listed = {one["run_id"]: one for one in product.host.get("/api/runs").json["runs"]}
        for run_id, one in done.items():
            assert listed[run_id]["phase"] == "done", listed[run_id]
            assert listed[run_id]["outcome"] == one["outcome"]


def test_a_step_that_fails_for_a_moment_does_not_break_its_saga(
    instance: Cluster, journal: Journal
):
    product = instance.product()
    items = [{}, {"good": 2}, {"good": 3}, {"ending": "permanent"}]
    policy = {"max_attempts": 3, "base_seconds": 0.5, "max_seconds": 1, "jitter_seconds": 0.1}
    asked = errands(journal, items, workload="trips", retry=policy, tolerance={"percentage": 100})
    status = product.run(asked)
    assert status["outcome"] == "partially_succeeded"
    assert (status["items"]["succeeded"], status["items"]["compensated"]) == (3, 1)
    assert set(journal.effects("pay")) == {"0", "1", "2"}
    assert set(journal.effects("undo flight")) == set(journal.effects("undo hotel")) == {"3"}


def test_cancel_suspend_and_resume_arrive(instance: Cluster, journal: Journal):
    product = instance.product()
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
