"""Looking into the store of a host that is not running."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.support.host_process import REPOSITORY, running

APP = Path(__file__).parent / "apps" / "durable_app"
BASE = "/runtime/webhooks/durabletask"


def localhost(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localhost", *words]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )


def filled(folder: Path) -> str:
    """Make a store with two finished instances and one that waits; give its folder."""
    with running(APP, folder, "--no-stack") as host:
        for name in ("chain-1", "chain-2"):
            path = f"{BASE}/orchestrators/chain/{name}?timeout=20&pollingInterval=1"
            assert host.request("POST", path, b'{"value": 1}').status == 200
        host.request("POST", f"{BASE}/orchestrators/collects/waits", b'{"count": 1}')
    return str(folder / "data")


def test_instances_are_listed_and_filtered(tmp_path):
    data = filled(tmp_path)
    lines = localhost("instances", "--data", data, "--json").stdout.splitlines()
    found = {record["instanceId"]: record["runtimeStatus"] for record in map(json.loads, lines)}
    assert found["chain-1"] == found["chain-2"] == "Completed"
    assert found["waits"] in ("Pending", "Running")
    plain = localhost("instances", "--data", data, "--status", "Completed", "--prefix", "chain")
    assert [line.split()[-1] for line in plain.stdout.splitlines()] == ["chain-1", "chain-2"]


def test_purge_removes_finished_instances_only(tmp_path):
    data = filled(tmp_path)
    assert localhost("purge", "--data", data).stdout == "2 removed\n"
    left = localhost("instances", "--data", data, "--json").stdout.splitlines()
    assert [json.loads(line)["instanceId"] for line in left] == ["waits"]


def test_purge_of_what_has_not_finished_is_refused_and_removes_nothing(tmp_path):
    data = filled(tmp_path)
    refused = localhost("purge", "--data", data, "--status", "Running")
    assert refused.returncode != 0 and "Running" in refused.stderr
    left = localhost("instances", "--data", data, "--json").stdout.splitlines()
    assert len(left) == 3


def test_doctor_counts_and_finds_nothing_wrong(tmp_path):
    data = filled(tmp_path)
    done = localhost("doctor", "--data", data)
    assert done.returncode == 0, done.stdout
    assert "Completed" in done.stdout and "nothing is wrong" in done.stdout
    assert json.loads(localhost("doctor", "--data", data, "--json").stdout)["findings"] == []


def test_doctor_names_what_belongs_to_nothing(tmp_path):
    data = filled(tmp_path)
    with sqlite3.connect(Path(data) / "durable.sqlite") as connection:
        connection.execute("INSERT INTO history VALUES ('ghost', 0, '', NULL)")
    connection.close()
    done = localhost("doctor", "--data", data)
    assert done.returncode == 1 and "do not exist" in done.stdout


def test_a_store_in_use_or_missing_is_refused_with_what_to_do(tmp_path):
    missing = localhost("doctor", "--data", str(tmp_path))
    assert missing.returncode == 1 and "--data" in missing.stderr
    with running(APP, tmp_path, "--no-stack"):
        busy = localhost("instances", "--data", str(tmp_path / "data"))
    assert busy.returncode == 1 and "stop that one first" in busy.stderr
