"""The end of a run is one moment for all who read of it."""

import time

from tests.support.hosts.engine_cluster import ClusterOf
from tests.support.workloads.errand_workloads import Journal
from tests.support.workloads.errands import errands

RUNS = 8
LATEST = 120


def test_status_and_phase_agree_and_what_is_done_stays_done(
    cluster_of: ClusterOf, journal: Journal
):
    product = cluster_of().product()
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
