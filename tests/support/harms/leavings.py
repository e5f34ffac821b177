"""Many runs that are carried out and deleted, and what is left of them."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

from fanout.adapters.rows.rows import table_name
from fanout.governor.admission import AdmissionState
from fanout.naming import row_keys
from rig.web import Host
from starters.lifecycle import earlier_versions
from tests.support.harms.hub_contents import blobs_of, instances, rows_in
from tests.support.harms.steady_shapes import BAD, Caller, Shape
from tests.support.hosts.engine_cluster import Cluster
from tests.support.workloads.errand_workloads import Journal

# What is left for all runs to come.
KEPT = {row_keys.ADMISSION_PARTITION, earlier_versions.PARTITION}
SOON = 60
# Many callers look at many runs, so each looks less often.
POLL_SECONDS = 0.5
_ONCE = {"retry": {"max_attempts": 1}}
_TOLERANT = _ONCE | {"tolerance": {"percentage": 100}}

SMALL = {
    "plain": Shape([{}] * 5),
    "redrive_to_end": Shape([{}, {"good": 2}], _TOLERANT, redrives=True),
    "undone": Shape([{}, {}, BAD], _ONCE | {"on_exceeded": "compensate"}, batches=1),
    "sagas": Shape([{}, {}, BAD], _TOLERANT | {"workload": "trips"}),
    "failed": Shape([BAD] * 3, _ONCE),
}


def run_and_delete(cluster: Cluster, runs: int, callers: int, seconds: float) -> None:
    """Carry out so many small runs, so many at a time, and delete each when it has ended."""
    host = cluster.instances[0].host

    def one(number: int, name: str) -> None:
        run_id = f"left-{number}-{name}"
        caller = Caller(host, POLL_SECONDS)
        caller.carry_out(SMALL[name], run_id, Journal(cluster.folder / run_id), seconds)
        caller.delete(run_id, seconds)

    with ThreadPoolExecutor(callers) as pool:
        for _ in pool.map(one, range(runs), islice(cycle(SMALL), runs)):
            """A run that failed raises here."""


def insist_on_nothing(cluster: Cluster) -> None:
    """Soon after its runs are deleted, a hub and the app's storage are as before the first."""
    host, ends = cluster.instances[0].host, time.monotonic() + SOON
    while (left := [*_left(cluster, host)]) and time.monotonic() < ends:
        cluster.run_watchdog()
        time.sleep(2)
    assert left == []
    assert host.get("/api/runs").json["runs"] == []


def _is_empty(row: Mapping[str, Any]) -> bool:
    """Tell whether no run has a place, or waits for one."""
    state = AdmissionState.model_validate_json(row["json0"])
    return not state.running and not state.waiting


def _left(cluster: Cluster, host: Host) -> Iterator[str]:
    yield from (one["instanceId"] for one in instances(host))
    storage = cluster.storage.connection
    for table in (f"{cluster.hub}History", f"{cluster.hub}Instances"):
        yield from (f"{table}: {row}" for row in rows_in(storage, table))
    for row in rows_in(storage, table_name("runs")):
        is_admission = row["PartitionKey"] == row_keys.ADMISSION_PARTITION
        if row["PartitionKey"] not in KEPT or (is_admission and not _is_empty(row)):
            yield f"{row}"
    # The hub's own, which say who has which partition.
    own = (f"{cluster.hub.lower()}-leases/", f"{cluster.hub.lower()}-applease/")
    yield from (blob for blob in blobs_of(storage, "") if not blob.startswith(own))
