"""A host that can no longer write its state ends, and says why."""

import sqlite3
import time
from contextlib import closing, suppress
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.host_process import HostProcess, running

APP = Path(__file__).parent / "apps" / "durable_app"
BASE = "/runtime/webhooks/durabletask"


@pytest.mark.parametrize("options", [[], ["--reload"]])
def test_a_write_that_fails_ends_the_host_with_the_reason(tmp_path, options):
    with running(APP, tmp_path, "--no-stack", *options) as host:
        with closing(sqlite3.connect(tmp_path / "data" / "durable.sqlite")) as other:
            other.execute("DROP TABLE history")
        answer = host.request("POST", f"{BASE}/orchestrators/chain?timeout=30", b'{"value": 1}')
        assert answer.status >= 202
        assert host.process.wait(timeout=30) == 1
        assert "durable.sqlite can no longer be written: no such table" in host.log
        assert "Traceback" not in host.log


def test_what_was_acknowledged_before_goes_on_once_the_store_is_mended(tmp_path):
    path = tmp_path / "data" / "durable.sqlite"
    with running(APP, tmp_path, "--no-stack") as host:
        started = host.request("POST", f"{BASE}/orchestrators/collects/one", b'{"count": 1}')
        assert started.status == 202
        with closing(sqlite3.connect(path)) as other:
            other.execute("ALTER TABLE history RENAME TO away")
        was_accepted = False
        with suppress(RemoteDisconnected):  # it ends before it answers, or after
            answer = host.request("POST", f"{BASE}/orchestrators/chain/two", b'{"value": 1}')
            was_accepted = answer.status == 202
        assert host.process.wait(timeout=30) == 1
    with closing(sqlite3.connect(path)) as other:
        other.execute("ALTER TABLE away RENAME TO history")
    with running(APP, tmp_path, "--no-stack") as host:
        json_type = {"Content-Type": "application/json"}
        host.request("POST", f"{BASE}/instances/one/raiseEvent/item", b"5", json_type)
        assert ended(host, "one") == [5]
        if was_accepted:
            assert ended(host, "two") == [1, 1]


def ended(host: HostProcess, instance_id: str) -> Any:
    deadline = time.monotonic() + 20
    while (answer := host.get(f"{BASE}/instances/{instance_id}")).status == 202:
        assert time.monotonic() < deadline, host.log
        time.sleep(0.02)
    return answer.json["output"]
