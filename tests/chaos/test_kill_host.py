"""The host killed with SIGKILL in the middle of a run, again and again: nothing may show of it."""

import csv
import io
import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from fanout.adapters.blob import API_VERSION
from tests.support.hosts.host_process import HostProcess, running

REPOSITORY = Path(__file__).parents[2]
ROWS = 40_000
KILLS = 10
BATCH_ITEMS = 200
DEADLINE_SECONDS = 300


def table(rows: int) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["city", "mm"])
    for row in range(rows):
        writer.writerow([f"city {row % 7}", row * 31 % 1009])
    return text.getvalue().encode()


def request(run_id: str) -> bytes:
    return json.dumps(
        {
            "workload": "reports",
            "run_id": run_id,
            "source": {"kind": "csv", "container": "kills", "blob": "rain.csv"},
            "parameters": {
                "group_by": ["city"],
                "metrics": {"mm": ["count", "sum", "mean", "min", "max", "std"]},
            },
            "batch": {"max_items": BATCH_ITEMS},
        }
    ).encode()


def wait_until_done(host: HostProcess, run_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        status: dict[str, Any] = host.get(f"/api/runs/{run_id}").json
        if status["phase"] == "done":
            return status
        time.sleep(0.02)
    raise AssertionError(f"the run is stuck: {status}\n{host.log}")


def report(host: HostProcess, run_id: str) -> Any:
    return host.get(f"/api/runs/{run_id}/results/report.json").json["groups"]


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_a_run_survives_ten_kills_of_its_host_and_counts_everything_once(storage, tmp_path, torn):
    options = ("--no-stack", *torn)
    container = BlobServiceClient.from_connection_string(
        storage, api_version=API_VERSION
    ).create_container("kills")
    container.upload_blob("rain.csv", table(ROWS))
    environment = {
        "FANOUT_STORAGE": storage,
        "FANOUT_SOURCE_CONTAINERS": "*",
        "FANOUT_RUNS_CONTAINER": "kill-host",
        "FANOUT_LOG_LEVEL": "WARNING",
    }
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)

    with running(REPOSITORY, tmp_path, *options, environment=environment) as host:
        begun = time.monotonic()
        host.request("POST", "/api/runs", request("calm"))
        calm = wait_until_done(host, "calm")
        usual_seconds = time.monotonic() - begun
        expected = report(host, "calm")
        host.request("POST", "/api/runs", request("killed"))
        host.stop(signal.SIGKILL)

    interrupted = 0
    for _ in range(1, KILLS):
        with running(REPOSITORY, tmp_path, *options, environment=environment) as host:
            time.sleep(moments.uniform(0, usual_seconds / KILLS * 2))
            interrupted += host.get("/api/runs/killed").json["phase"] != "done"
            host.stop(signal.SIGKILL)

    with running(REPOSITORY, tmp_path, *options, environment=environment) as host:
        status = wait_until_done(host, "killed")
        assert report(host, "killed") == expected
    assert interrupted >= 2, "the run was over before it could be killed; make it longer"
    assert status["outcome"] == calm["outcome"] == "succeeded"
    assert status["items"] == calm["items"]
    assert status["items"]["succeeded"] == ROWS
    assert status["partitions"] == calm["partitions"]
    assert status["partitions"]["done"] == status["partitions"]["total"]
