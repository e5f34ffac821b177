"""The command line as a process, against the product."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fanout.adapters.rows.rows import Rows, table_name
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from fanout.naming import row_keys
from tests.support.hosts.command_line import COMMAND, ROOT, Shell, shell_on
from tests.support.hosts.hosts import patient
from tests.support.hosts.product import DEADLINE_SECONDS, fresh_id

QUICK = {"max_attempts": 1, "base_seconds": 0.01, "max_seconds": 0.01, "jitter_seconds": 0}


@pytest.fixture(scope="module")
def fanout(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with shell_on(storage, tmp_path_factory.mktemp("cli")) as shell:
        yield shell


def request(folder: Path, items: list[dict[str, Any]], **more: Any) -> str:
    source = {"kind": "inline", "items": [{"id": n} | item for n, item in enumerate(items)]}
    path = folder / "request.json"
    path.write_text(json.dumps({"workload": "probe", "source": source, "retry": QUICK} | more))
    return str(path)


def test_a_run_from_submission_to_redrive(fanout: Shell, tmp_path: Path):
    items = [{}] * 5 + [{"ending": "permanent"}] * 2
    path = request(tmp_path, items, tolerance={"percentage": 100})
    run_id = fresh_id("whole")
    assert fanout("submit", path, "--run-id", run_id).stdout == f"{run_id}\n"
    watched = fanout("watch", run_id, code=3)
    assert "partially succeeded" in watched.stdout
    assert "PermanentError" in watched.stdout
    assert "7 items" in watched.stderr

    (shown,) = fanout.lines("show", run_id)
    assert shown["items"]["succeeded"] == 5
    assert run_id in fanout("list", "--workload", "probe").stdout
    assert [run["run_id"] for run in fanout.lines("list", "-n", "1")] == [run_id]
    failed = fanout.lines("items", run_id, "--status", "failed")
    assert [item["item_id"] for item in failed] == ["item-5", "item-6"]
    assert "PermanentError: never" in fanout("items", run_id).stdout
    assert len(fanout.lines("items", run_id, "-n", "3")) == 3

    out = tmp_path / "out"
    assert "SUCCEEDED-00000.jsonl" in fanout("results", run_id).stdout
    fanout("results", run_id, "--to", str(out), "--only", "*.jsonl")
    assert len((out / "SUCCEEDED-00000.jsonl").read_text().splitlines()) == 5
    (out / "SUCCEEDED-00000.jsonl").write_text("broken")
    fanout("results", run_id, "--to", str(out))
    assert len((out / "SUCCEEDED-00000.jsonl").read_text().splitlines()) == 5
    assert not list(out.rglob("*.part"))

    assert "attempt 2" in fanout("redrive", run_id, "--watch", code=3).stderr
    refused = fanout("redrive", run_id, "-e", "Nothing", code=1)
    assert "Conflict (409)" in refused.stderr
    fanout("delete", run_id, code=1)  # nobody says yes
    fanout("delete", run_id, "--yes")
    assert f"no run '{run_id}'" in fanout("show", run_id, code=1).stderr


def test_a_data_file_is_uploaded_once_and_run_over(fanout: Shell, tmp_path: Path):
    data = tmp_path / "items.jsonl"
    data.write_text("".join(f'{{"id": {n}}}\n' for n in range(2000)))
    words = ("submit", "-w", "probe", "-d", str(data), "--attempts", "2", "--batch-items", "500")
    for _ in range(2):
        (*_, last) = fanout.lines(*words, "--watch")
        assert last["items"]["succeeded"] == 2000
    blobs = fanout.product.blobs.get_container_client("inbox").list_blob_names()
    assert len([name for name in blobs if name.endswith("items.jsonl")]) == 1
    dry = fanout("submit", "-w", "probe", "-d", str(data), "--dry-run")
    assert "2,000" in dry.stdout
    assert "USD" in dry.stdout


def test_without_storage_a_small_file_travels_in_the_request(fanout: Shell, tmp_path: Path):
    data = tmp_path / "small.csv"
    data.write_text("id,ending\na,ok\nb,permanent\n")
    watched = fanout(
        "submit",
        "-w",
        "probe",
        "-d",
        str(data),
        "--tolerate",
        "50%",
        "--watch",
        code=3,
        FANOUT_STORAGE="",
    )
    assert "item-b" in watched.stdout
    large = tmp_path / "large.jsonl"
    large.write_text('{"id": 1}\n' * 200_000)
    refused = fanout("submit", "-w", "probe", "-d", str(large), code=1, FANOUT_STORAGE="")
    assert "FANOUT_STORAGE" in refused.stderr


def test_a_run_that_goes_on_is_steered(fanout: Shell, tmp_path: Path):
    path = request(tmp_path, [{"seconds": 0.05}] * 400, batch={"max_items": 5})
    run_id = fresh_id("steered")
    fanout("submit", path, "--run-id", run_id, "--concurrency", "1", "--rate", "20")
    told = fanout("set", run_id, "--concurrency", "2", "--rate", "none", "--tolerate", "3")
    assert "2 batches in flight at most, as fast as it can" in told.stdout
    assert "tolerates 3 failures" in told.stdout
    assert "--concurrency" in fanout("set", run_id, code=1).stderr
    assert "suspended" in fanout("suspend", run_id).stdout
    assert "goes on" in fanout("resume", run_id).stdout
    assert "1 s are over" in fanout("watch", run_id, "--timeout", "1", code=1).stderr
    assert "cancelled" in fanout("cancel", run_id).stdout
    assert "cancelled" in fanout("watch", run_id, code=6).stdout


def test_what_can_be_run_and_what_begins_by_itself(fanout: Shell):
    assert "probe" in fanout("workloads").stdout
    described = fanout("workloads", "reports").stdout
    assert "group_by" in described
    assert any(one["name"] == "daily_sweep" for one in fanout.lines("schedules"))
    assert "daily_sweep" in fanout("schedules").stdout
    assert "Not Found (404)" in fanout("workloads", "nothing", code=1).stderr


def test_every_problem_is_a_line_and_for_programs_the_problem_itself(fanout: Shell):
    body = '{"workload": "probe", "max_items": 0, "source": {"kind": "csv"}}'
    told = fanout("submit", "-", stdin=body, code=1).stderr.splitlines()
    assert told[0].startswith("Bad Request (400)")
    assert {line.strip().partition(":")[0] for line in told[1:]} == {
        "max_items",
        "source.container",
        "source.blob",
    }
    problem = json.loads(fanout("submit", "-", "--json", stdin=body, code=1).stderr)
    assert problem["type"] == "urn:fanout:problem:invalid-request"


@pytest.mark.needs_keys
def test_a_wrong_key_is_told_as_such(fanout: Shell):
    assert "FANOUT_KEY" in fanout("list", code=1, FANOUT_KEY="wrong").stderr


def test_a_wrong_address_is_told_as_such(fanout: Shell):
    nobody = fanout("--url", "http://127.0.0.1:9", "list", code=1)
    assert "does not answer" in nobody.stderr
    assert "FANOUT_URL" in nobody.stderr
    assert "Traceback" not in nobody.stderr
    fanout("list", "--colour", code=2)


def test_a_doctor_examines_an_app_from_outside_and_inside(fanout: Shell):
    told = fanout("doctor").stdout
    assert "the app answers at" in told
    assert "the durable host answers" in told
    (found,) = fanout.lines("doctor")
    levels = {one["check"]: one["level"] for one in found["findings"]}
    assert levels["outside.app"] == levels["outside.storage"] == levels["storage.blobs"] == "ok"
    assert found["status"] != "error"
    assert {"python", "extension-bundle"} <= found["versions"].keys()
    assert all(one["remedy"] for one in found["findings"] if one["level"] != "ok")
    storage = "AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=http://127.0.0.1:9/a"
    away = fanout("doctor", FANOUT_STORAGE=storage)
    assert "FANOUT_STORAGE of this machine" in away.stdout
    assert "c2VjcmV0" not in away.stdout + away.stderr


def test_a_doctor_ends_with_1_where_something_is_wrong(fanout: Shell):
    (found,) = fanout.lines("--url", "http://127.0.0.1:9", "doctor", code=1)
    assert found["findings"][0]["check"] == "outside.app"
    assert "does not answer" in found["findings"][0]["message"]


@pytest.mark.needs_keys
def test_a_doctor_without_a_key_says_what_to_give(fanout: Shell):
    (found,) = fanout.lines("doctor", code=1, FANOUT_KEY="wrong")
    assert [one["check"] for one in found["findings"] if one["level"] == "error"] == ["inside"]
    assert "FANOUT_KEY" in found["findings"][-2]["remedy"] + found["findings"][-1]["remedy"]


def test_watching_on_a_terminal_shows_a_bar(fanout: Shell, tmp_path: Path):
    path = request(tmp_path, [{"seconds": 0.1}] * 100, batch={"max_items": 5})
    run_id = fresh_id("barred")
    fanout("submit", path, "--run-id", run_id, "--concurrency", "2")
    leader, follower = pty.openpty()
    environment = fanout.environment | {"TERM": "xterm-256color"}
    process = subprocess.Popen(
        [*COMMAND, "watch", run_id],
        cwd=ROOT,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen, deadline = b"", time.monotonic() + patient(DEADLINE_SECONDS)
    while time.monotonic() < deadline:
        if select.select([leader], [], [], 0.1)[0]:
            try:
                seen += os.read(leader, 65536)
            except OSError:  # its other end is closed
                break
    os.close(leader)
    assert process.wait(timeout=patient(DEADLINE_SECONDS)) == 0
    text = seen.decode()
    assert "processing" in text
    assert "/100" in text
    assert "━" in text
    assert "succeeded" in text


def test_a_new_workload_passes_as_it_was_written(fanout: Shell, tmp_path: Path):
    copy = tmp_path / "app"
    ignored = shutil.ignore_patterns(".*", "node_modules", "__pycache__", "e2e", "chaos", "docs")
    shutil.copytree(ROOT, copy, ignore=ignored)
    told = fanout("new-workload", "count-letters", "--root", str(copy))
    assert "samples/count-letters/items.jsonl" in told.stdout
    again = fanout("new-workload", "count-letters", "--root", str(copy), code=1)
    assert "is there already" in again.stderr
    assert "no name" in fanout("new-workload", "Bad Name", "--root", str(copy), code=1).stderr
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    subprocess.run(["git", "add", "-A"], cwd=copy, check=True)
    tests = ["tests/unit/workloads/test_count_letters.py", "tests/house/test_repository.py"]
    for command in (
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", "letters or licence"],
        ["-m", "ruff", "check", "workloads", "tests/unit/workloads", "--no-cache"],
        ["-m", "ruff", "format", "--check", "workloads/count_letters.py", *tests[:1], "--no-cache"],
        ["-m", "mypy", "-p", "workloads", "--cache-dir", os.devnull, "--follow-imports", "silent"],
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=copy, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.needs_settings
def test_a_lost_list_is_made_anew(fanout: Shell):
    table = TableStore.connect(StorageSettings(connection_string=fanout.storage))
    rows = Rows(table, table_name(fanout.product.runs))
    before = fanout("list", "--json").stdout
    assert before
    rows.clear(row_keys.RUNS_PARTITION)
    assert fanout("list", "--json").stdout == ""
    total = json.loads(fanout("rebuild-index", "--json").stdout)
    assert total["written"] == len(before.splitlines())
    assert fanout("list", "--json").stdout == before
    assert "0 entries written, 0 dropped" in fanout("rebuild-index").stdout


def test_help_has_an_example_for_every_command_and_shells_can_complete(fanout: Shell):
    from cli.app import app

    assert len(app.registered_commands) == 17
    for command in app.registered_commands:
        assert command.callback is not None
        assert "Example" in str(command.callback.__doc__), command.name
    assert "submit" in fanout("--help").stdout
    installed = [Path(sys.executable).parent / "fanout", "--help"]
    assert "redrive" in subprocess.run(installed, capture_output=True, text=True, check=True).stdout
    complete = {"_FANOUT_COMPLETE": "complete_bash", "COMP_WORDS": "fanout re", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "from cli.app import app; app(prog_name='fanout')"],
        cwd=ROOT,
        env=fanout.environment | complete,
        capture_output=True,
        text=True,
        check=False,
    )
    assert {"results", "redrive", "resume"} <= set(done.stdout.split())
