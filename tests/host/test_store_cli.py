"""Looking into the store of a host that is not running."""

import json
import shlex
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.hosts.host_process import REPOSITORY, running

APP = Path(__file__).parent / "apps" / "durable_app"
BASE = "/runtime/webhooks/durabletask"


def localhost(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localhost", *words]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )


def fill(folder: Path) -> Path:
    """Make a store with two finished instances and one that waits; give its folder."""
    with running(APP, folder, "--no-stack") as host:
        for name in ("chain-1", "chain-2"):
            path = f"{BASE}/orchestrators/chain/{name}?timeout=20&pollingInterval=1"
            assert host.request("POST", path, b'{"value": 1}').status == 200
        host.request("POST", f"{BASE}/orchestrators/collects/waits", b'{"count": 1}')
    return folder / "data"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("store"))


@pytest.fixture
def data(original: Path, tmp_path: Path) -> str:
    return str(shutil.copytree(original, tmp_path / "data"))


def test_instances_are_listed_and_filtered(data):
    lines = localhost("instances", "--data", data, "--json").stdout.splitlines()
    found = {record["instanceId"]: record["runtimeStatus"] for record in map(json.loads, lines)}
    assert found["chain-1"] == found["chain-2"] == "Completed"
    assert found["waits"] in ("Pending", "Running")
    plain = localhost("instances", "--data", data, "--status", "Completed", "--prefix", "chain")
    assert [line.split()[-1] for line in plain.stdout.splitlines()] == ["chain-1", "chain-2"]


def test_purge_removes_finished_instances_only(data):
    assert localhost("purge", "--data", data).stdout == "2 removed\n"
    left = localhost("instances", "--data", data, "--json").stdout.splitlines()
    assert [json.loads(line)["instanceId"] for line in left] == ["waits"]


@pytest.mark.parametrize("status", ["Running", "Pending", "Suspended"])
def test_purge_refuses_statuses_of_what_has_not_ended(data, status):
    refused = localhost("purge", "--data", data, "--status", status)
    assert refused.returncode == 2 and "invalid choice" in refused.stderr
    assert len(localhost("instances", "--data", data).stdout.splitlines()) == 3


def test_purge_of_some_keeps_the_rest(data):
    options = ("--status", "Completed", "--prefix", "chain-2", "--json")
    assert json.loads(localhost("purge", "--data", data, *options).stdout) == {
        "instancesDeleted": 1
    }
    left = localhost("instances", "--data", data).stdout.splitlines()
    assert [line.split()[-1] for line in left] == ["chain-1", "waits"]


def test_what_purge_leaves_goes_on_when_the_host_starts_again(data, tmp_path):
    localhost("purge", "--data", data)
    with running(APP, tmp_path, "--no-stack") as host:
        assert host.get(f"{BASE}/instances/chain-1").status == 404
        path, json_type = f"{BASE}/instances/waits/raiseEvent/item", "application/json"
        raised = host.request("POST", path, b'"now"', {"Content-Type": json_type})
        assert raised.status == 202
        deadline = time.monotonic() + 20
        while (answer := host.get(f"{BASE}/instances/waits")).status == 202:
            assert time.monotonic() < deadline, host.log
            time.sleep(0.02)
        assert answer.json["output"] == ["now"]


def test_doctor_counts_and_finds_nothing_wrong(data):
    done = localhost("doctor", "--data", data)
    assert done.returncode == 0, done.stdout
    assert "Completed" in done.stdout and "nothing is wrong" in done.stdout
    assert json.loads(localhost("doctor", "--data", data, "--json").stdout)["findings"] == []


def test_doctor_names_what_belongs_to_nothing(data):
    with sqlite3.connect(Path(data) / "durable.sqlite") as connection:
        connection.execute("INSERT INTO history VALUES ('ghost', 0, '', NULL)")
    connection.close()
    done = localhost("doctor", "--data", data)
    assert done.returncode == 1 and "do not exist" in done.stdout


def test_a_damaged_store_is_refused_with_what_to_do(data):
    path = Path(data) / "durable.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"?" * (path.stat().st_size - 4096))
    for command in ("instances", "purge", "doctor"):
        done = localhost(command, "--data", data)
        assert done.returncode == 1
        assert "damaged" in done.stderr and "move it away" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kept", [0, 100, 4096, 0.3, 0.9])
def test_a_store_that_was_cut_off_is_found(data, kept):
    path = Path(data) / "durable.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(kept if isinstance(kept, int) else int(size * kept))
    done = localhost("doctor", "--data", data)
    assert done.returncode == 1
    assert "nothing is wrong" not in done.stdout
    assert "damaged" in done.stdout + done.stderr or "cut off" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_finds_a_row_that_cannot_be_read_though_the_file_is_whole(data):
    with closing(sqlite3.connect(Path(data) / "durable.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE history SET events = CAST(x'ff' AS TEXT) WHERE instance_id = 'chain-1'"
        )
    done = localhost("doctor", "--data", data)
    assert done.returncode == 1
    assert "history (chain-1, 0) cannot be read" in done.stdout
    assert "nothing is wrong" not in done.stdout


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE history SET events = CAST(x'7bff7d' AS TEXT) WHERE instance_id = 'waits'",
        "UPDATE history SET events = '{' WHERE instance_id = 'waits'",
        "UPDATE history SET events = replace(events, 'ExecutionStarted', '') || ',{}'"
        " WHERE instance_id = 'waits'",
        "UPDATE history SET notes = '{\"actions\": 5}' WHERE instance_id = 'waits'",
    ],
)
def test_an_instance_whose_history_is_broken_fails_at_the_start_and_no_other(data, tmp_path, harm):
    with closing(sqlite3.connect(Path(data) / "durable.sqlite")) as connection, connection:
        # One that is well beside it.
        for table in ("instances", "history"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            others = ", ".join(columns[1:])
            connection.execute(
                f"INSERT INTO {table} SELECT 'well', {others} FROM {table}"
                " WHERE instance_id = 'waits'"
            )
        connection.execute(harm)
    for _ in range(2):  # the second start finds it as the first has left it
        with running(APP, tmp_path, "--no-stack") as host:
            answer = host.get(f"{BASE}/instances/waits")
            assert (answer.status, answer.json["runtimeStatus"]) == (200, "Failed"), host.log
            assert "the history of instance 'waits' cannot be read" in answer.json["output"]
            assert host.get(f"{BASE}/instances/well").json["runtimeStatus"] == "Running"
            again = f"{BASE}/orchestrators/chain/chain-3?timeout=20&pollingInterval=1"
            assert host.request("POST", again, b'{"value": 1}').status == 200
            listed = [instance["instanceId"] for instance in host.get(f"{BASE}/instances").json]
            assert {"waits", "well", "chain-3"} <= set(listed)


def test_a_reader_that_has_seen_enough_is_no_error(data):
    with closing(sqlite3.connect(Path(data) / "durable.sqlite")) as connection, connection:
        connection.executemany(
            "INSERT INTO instances (instance_id, name, execution_id, status, created_at,"
            " updated_at) VALUES (?, 'n', 'e', 'Completed', ?, ?)",
            [(f"many-{n}", *["2026-01-01T00:00:00.0000000Z"] * 2) for n in range(5000)],
        )
    command = f"{shlex.quote(sys.executable)} -m localhost instances --data {shlex.quote(data)}"
    done = subprocess.run(
        f"{command} | head -n 1",
        shell=True,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_a_store_in_use_or_missing_is_refused_with_what_to_do(tmp_path):
    missing = localhost("doctor", "--data", str(tmp_path))
    assert missing.returncode == 1 and "--data" in missing.stderr
    with running(APP, tmp_path, "--no-stack"):
        busy = localhost("instances", "--data", str(tmp_path / "data"))
    assert busy.returncode == 1 and "stop that one first" in busy.stderr
