"""Small runs side by side, whose outcomes and counts are known, under torn turns.

Of every five turns one is torn, or as many as `--torn` says.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.host_process import HostProcess, running
from tests.support.workloads.ledger_workload import MAX_ATTEMPTS, Ledger, fate_of

APP = Path(__file__).parent / "apps" / "ledger"
ITEMS = 48
RUNS = 12
SETTLE_SECONDS = 300
USUAL = ("--faults", "torn=0.2")
LATE_SECONDS = 4.0  # longer than a torn turn waits
FAILING = sum(fate_of(item).is_permanent for item in range(ITEMS))
RETRY = {
    "max_attempts": MAX_ATTEMPTS,
    "base_seconds": 0.1,
    "factor": 1.5,
    "max_seconds": 0.3,
    "jitter_seconds": 0.1,
}


def start(host: HostProcess, number: int, path: Path) -> None:
    """Start a run that tolerates its failures, or every second time one that is undone for them.

    Every third has two shards, the others one.
    """
    ending: dict[str, Any] = {"tolerance": {"percentage": 50}}
    if number % 2:
        ending = {"tolerance": {"percentage": 0}, "on_exceeded": "compensate"}
    body = ending | {
        "workload": "ledger",
        "run_id": f"torn-{number}",
        "source": {"kind": "inline", "items": [{"id": item} for item in range(ITEMS)]},
        "parameters": {"path": str(path), "may_be_ambiguous": False, "seconds": 0.01},
        "batch": {"max_items": 3},
        "concurrency": {"batches": 24 if number % 3 == 2 else 4},
        "retry": RETRY,
    }
    assert host.request("POST", "/api/runs", json.dumps(body).encode()).status == 202


def insist_on_counts(status: dict[str, Any]) -> None:
    """No count is ever negative, or more than the total."""
    counts = dict(status["items"])
    total = counts.pop("total")
    assert min(counts.values()) >= 0, status
    assert total is None or max(counts.values()) <= total, status


def insist_on_the_end(number: int, status: dict[str, Any]) -> None:
    items = status["items"]
    assert status["phase"] == "done", status
    assert sum(items.values()) == 2 * ITEMS, status
    if number % 2:
        assert (status["outcome"], items["succeeded"]) == ("compensated", 0), status
    else:
        assert status["outcome"] == "partially_succeeded", status
        assert (items["failed"], items["succeeded"]) == (FAILING, ITEMS - FAILING), status


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_outcomes_and_counts_are_those_of_whole_turns(
    storage: str, tmp_path: Path, torn: tuple[str, ...]
):
    path = tmp_path / "ledger.db"
    Ledger.create(path).close()
    environment = {
        "FANOUT_STORAGE": storage,
        "FANOUT_RUNS_CONTAINER": "torn-runs",
        "FANOUT_LOG_LEVEL": "ERROR",
    }
    options = ("--no-stack", "--workers", "2", *(torn or USUAL))
    with running(APP, tmp_path, *options, environment=environment) as host:

        def look(number: int) -> dict[str, Any]:
            status: dict[str, Any] = host.get(f"/api/runs/torn-{number}").json
            insist_on_counts(status)
            return status

        for number in range(RUNS):
            start(host, number, path)
        left = set(range(RUNS))
        deadline = time.monotonic() + SETTLE_SECONDS
        while left:
            assert time.monotonic() < deadline, f"{left} are stuck:\n{host.log}"
            left = {number for number in left if look(number)["phase"] != "done"}
            time.sleep(0.3)
        time.sleep(LATE_SECONDS)
        for number in range(RUNS):
            insist_on_the_end(number, look(number))
