"""Schedules: one run for each due time, over restarts and downtime."""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from fanout.adapters.blob import API_VERSION
from fanout.schedules import due_time
from tests.support.hosts.host_process import HostProcess
from tests.support.hosts.hosts import chosen, patient
from tests.support.hosts.running_product import APP

pytestmark = pytest.mark.needs_settings
DEADLINE_SECONDS = 90
PERIOD = timedelta(seconds=2)
TICKS_A_SESSION = 5
# Runs for some seconds: its item is to be tried again after so long.
SLOW = {"id": 1, "good": 2, "retry_after": 5}


@dataclass
class Scheduled:
    """An app whose schedules are those of `folder`, with a container of its own for its runs."""

    folder: Path
    storage: str
    container: str = field(default_factory=lambda: f"runs-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        (self.folder / "schedules").mkdir()

    def add(self, name: str, cron: str, item: dict[str, Any] | None = None, **more: Any) -> None:
        source = {"kind": "inline", "items": [item or {"id": "{scheduled:HHmmss}"}]}
        retry = {"base_seconds": 0.01, "max_seconds": 10, "jitter_seconds": 0.01}
        request = {"workload": "probe", "source": source, "retry": retry}
        file = {"name": name, "schedule": cron, "request": request} | more
        (self.folder / "schedules" / f"{name}.json").write_text(json.dumps(file))

    @contextmanager
    def host(self) -> Iterator[HostProcess]:
        environment = {
            "FANOUT_STORAGE": self.storage,
            "FANOUT_SOURCE_CONTAINERS": "*",
            "FANOUT_RUNS_CONTAINER": self.container,
            "FANOUT_LEFT_BEHIND_SECONDS": "1",
            "FANOUT_SCHEDULES_FOLDER": str(self.folder / "schedules"),
        }
        with chosen().running(APP, self.folder, "--no-stack", environment=environment) as host:
            yield host

    def runs(self, schedule: str) -> list[str]:
        """The ids of the runs that a schedule has, by due time."""
        blobs = BlobServiceClient.from_connection_string(self.storage, api_version=API_VERSION)
        with blobs, blobs.get_container_client(self.container) as container:
            if not container.exists():
                return []
            found = {name.split("/")[0] for name in container.list_blob_names()}
        return sorted(run_id for run_id in found if due_time(schedule, run_id) is not None)

    def was_missed(self, schedule: str, last: datetime, due: datetime) -> None:
        """Let the host find that it was down when a schedule was due."""
        timers = self.folder / "data" / "timers"
        timers.mkdir(parents=True, exist_ok=True)
        status = {"Last": last, "Next": due, "LastUpdated": last}
        text = json.dumps({name: moment.isoformat() for name, moment in status.items()})
        (timers / f"schedule_{schedule}.json").write_text(text)


@pytest.fixture
def scheduled(storage: str, tmp_path: Path) -> Scheduled:
    return Scheduled(tmp_path, storage)


def until(host: HostProcess, condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + patient(DEADLINE_SECONDS)
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"it did not come about\n{host.log}")


def done(host: HostProcess, run_id: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        answer = host.get(f"/api/runs/{run_id}")
        return dict(answer.json) if answer.status == 200 and answer.json["outcome"] else None

    return dict(until(host, ended))


def said(log: str, message: str) -> Counter[str]:
    """The runs that lines of the app's log with this message are about."""
    texts = [
        line[line.index("{") :] for line in log.splitlines() if f'"message": "{message}"' in line
    ]
    return Counter(json.loads(text)["run_id"] for text in texts)


@pytest.mark.needs_timers
@pytest.mark.needs_restart
def test_a_schedule_due_every_two_seconds_starts_one_run_a_tick_over_a_restart(
    scheduled: Scheduled,
):
    scheduled.add("ticks", "*/2 * * * * *", on_overlap="allow")
    log, so_far = "", 0
    for _ in range(2):
        with scheduled.host() as host:
            wanted = so_far + TICKS_A_SESSION
            until(host, lambda wanted=wanted: len(scheduled.runs("ticks")) >= wanted)
        log += host.log
        so_far = len(scheduled.runs("ticks"))
    with scheduled.host() as host:
        # A tick may have been cut off between its claim and its start.
        assert host.run_timer("watchdog") == 202
        runs = scheduled.runs("ticks")
        ended = {run_id: done(host, run_id) for run_id in runs}
    started = said(log, "started")
    assert {run_id: started[run_id] for run_id in runs[:so_far]} == dict.fromkeys(runs[:so_far], 1)
    for run_id, status in ended.items():
        due = due_time("ticks", run_id)
        assert due is not None and due.second % 2 == 0
        assert status["items"]["succeeded"] == status["items"]["total"] == 1


@pytest.mark.needs_timers
@pytest.mark.needs_restart
def test_ticks_missed_while_the_host_was_down_start_one_run_and_are_called_past_due(
    scheduled: Scheduled,
):
    scheduled.add("nightly", "0 0 3 * * *")
    last = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0)
    last -= timedelta(days=5)
    due = last + timedelta(days=1)
    for _ in range(2):
        # As if the host had been killed before it could note that the tick was dealt with.
        scheduled.was_missed("nightly", last, due)
        with scheduled.host() as host:
            what = "'nightly' is past due: it was due at " + due.isoformat()
            until(host, lambda what=what, host=host: what in host.log)
            (run_id,) = until(host, lambda: scheduled.runs("nightly"))
            assert done(host, run_id)["outcome"] == "succeeded"
    assert due_time("nightly", run_id) == due


def test_a_timer_run_by_hand_is_a_run_of_its_own(scheduled: Scheduled):
    scheduled.add("nightly", "0 0 3 1 1 *")
    with scheduled.host() as host:
        assert host.run_timer("schedule_nightly") == 202
        (run_id,) = until(host, lambda: scheduled.runs("nightly"))
        assert done(host, run_id)["outcome"] == "succeeded"
        # A host that keeps no clock tells no status, and so the run is that of the last due time.
        if chosen().why_not("needs_timers") is None:
            due = due_time("nightly", run_id)
            assert due is not None and datetime.now(UTC) - due < timedelta(hours=1)


@pytest.mark.needs_timers
def test_a_tick_is_left_out_or_queued_while_an_earlier_run_goes_on(scheduled: Scheduled):
    scheduled.add("skips", "*/2 * * * * *", SLOW, on_overlap="skip")
    scheduled.add("queues", "*/2 * * * * *", SLOW, on_overlap="queue")
    with scheduled.host() as host:
        for schedule in ("skips", "queues"):
            until(host, lambda schedule=schedule: len(scheduled.runs(schedule)) >= 2)
            first, second = scheduled.runs(schedule)[:2]
            earlier, later = done(host, first), done(host, second)
            assert earlier["outcome"] == later["outcome"] == "succeeded"
            assert earlier["finished_at"] <= later["started_at"]
        skipped = [line for line in host.log.splitlines() if "left out: 'skips-" in line]
        assert skipped
        first, second = (due_time("queues", run_id) for run_id in scheduled.runs("queues")[:2])
        assert first is not None and second is not None and second - first == PERIOD


def test_a_file_that_makes_no_sense_keeps_the_app_from_loading_and_is_named(
    scheduled: Scheduled,
):
    scheduled.add("nightly", "0 0 3 * *")
    said = r"nightly\.json: schedule: '0 0 3 \* \*'"
    with pytest.raises(AssertionError, match=said), scheduled.host():
        pass
