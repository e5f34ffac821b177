"""What a tick does: once for each due time, and as `on_overlap` has it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from activities.planning.start_in_turn import start_if_first
from fanout.adapters.rows.open_runs import open_attempts
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import Settings, StorageSettings
from fanout.errors import InvalidRequestError
from fanout.messages.run import QueuedRun, RunInput
from fanout.naming import row_keys
from fanout.schedules import Schedule
from starters import timer as timer_room
from starters.lifecycle import queue
from starters.timer import handle_tick, planned_time, sweep_all
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads import probe_workloads
from tests.support.workloads.kept_runs import note_open

DUE = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
RUN_ID = "nightly-20261123T023000Z"
EARLIER = "nightly-20261122T023000Z"
REQUEST: dict[str, Any] = {
    "workload": probe_workloads.Sum.name,
    "source": {"kind": "csv", "container": "inbox", "blob": "{scheduled:yyyy-MM-dd}.csv"},
    "parameters": {"column": "n"},
}


def go_on(rows: Rows, *run_ids: str) -> None:
    """Have runs be under way."""
    for run_id in run_ids:
        note_open(rows, run_id, 1)


def end(rows: Rows, run_id: str) -> None:
    rows.delete(row_keys.RUNS_PARTITION, [row_keys.open_row(run_id, 1)])


@pytest.fixture(autouse=True)
def _settings_of_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Settings(storage=StorageSettings("nowhere"), max_runs=7, retention_days=30)
    for room in (timer_room, queue):
        monkeypatch.setattr(room, "settings", lambda: nowhere)


@pytest.fixture
def files() -> RunFiles:
    store = MemoryStore()
    store.write("inbox", "2026-11-23.csv", b"n,text\n1,a\n")
    return RunFiles(store, "runs")  # type: ignore[arg-type]  # the double of it


def schedule(overlap: Any = "skip") -> Schedule:
    cron = "0 30 2 * * *"
    return Schedule("nightly", cron, cron, on_overlap=overlap, request=REQUEST)


def timer(planned: str | None) -> func.TimerRequest:
    status = None if planned is None else {"Last": "", "Next": planned, "LastUpdated": ""}
    found: Any = SimpleNamespace(past_due=False, schedule_status=status or {}, schedule={})
    return found


def test_the_due_time_is_the_one_that_the_host_planned():
    now = DUE + timedelta(minutes=7)
    assert planned_time(schedule(), timer("2026-11-23T02:30:00+00:00"), now) == DUE
    assert planned_time(schedule(), timer("2026-11-23T03:30:00.0000000+01:00"), now) == DUE
    assert planned_time(schedule(), timer(None), now) == DUE


async def test_a_tick_starts_one_run_however_often_it_is_delivered(files: RunFiles, rows: Rows):
    client = Client()
    for _ in range(3):
        await handle_tick(schedule(), DUE, client, files, rows)
    assert client.started == [RUN_ID]
    assert files.request(RUN_ID).source.blob == "2026-11-23.csv"  # type: ignore[union-attr]


async def test_a_tick_whose_start_failed_is_made_up_for_when_it_comes_again(
    files: RunFiles, rows: Rows
):
    client = Client(is_away=True)
    with pytest.raises(ConnectionError):
        await handle_tick(schedule(), DUE, client, files, rows)
    client.is_away = False
    await handle_tick(schedule(), DUE, client, files, rows)
    assert client.started == [RUN_ID]


@pytest.mark.parametrize(
    ("overlap", "starts"), [("skip", []), ("allow", [RUN_ID]), ("queue", [f"{RUN_ID}:q"])]
)
async def test_while_an_earlier_run_goes_on_a_tick_does_as_on_overlap_says(
    files: RunFiles, rows: Rows, overlap: str, starts: list[str]
):
    client = Client()
    go_on(rows, EARLIER)
    await handle_tick(schedule(overlap), DUE, client, files, rows)
    assert client.started == starts
    assert (files.find_request(RUN_ID) is None) == (overlap == "skip")


@pytest.mark.parametrize("overlap", ["skip", "allow", "queue"])
async def test_runs_that_ended_or_are_of_others_hold_nothing_up(
    files: RunFiles, rows: Rows, overlap: str
):
    client = Client()
    go_on(rows, EARLIER, "nightly-by-hand", "nightly_b-20261123T023000Z")
    end(rows, EARLIER)
    await handle_tick(schedule(overlap), DUE, client, files, rows)
    assert client.started == [RUN_ID]


async def test_a_queued_tick_delivered_again_waits_once(files: RunFiles, rows: Rows):
    client = Client()
    go_on(rows, EARLIER)
    for _ in range(3):
        await handle_tick(schedule("queue"), DUE, client, files, rows)
    assert client.started == [f"{RUN_ID}:q"]
    queued = QueuedRun.model_validate(client.inputs[0])
    assert (queued.run_id, queued.max_runs) == (RUN_ID, 7)
    assert queued.claim == files.claim_of(RUN_ID)


async def test_a_queued_run_is_open_and_known_to_wait_in_its_queue(files: RunFiles, rows: Rows):
    go_on(rows, EARLIER)
    await handle_tick(schedule("queue"), DUE, Client(), files, rows)
    assert {one.run_id: one.is_queued for one in open_attempts(rows)} == {
        EARLIER: False,
        RUN_ID: True,
    }


async def test_a_sweep_goes_on_until_nothing_is_left_that_is_too_old(
    files: RunFiles, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    left = [100, 100, 3, 0]
    asked: list[datetime] = []

    async def sweep(client: Any, files: RunFiles, rows: Rows, older_than: datetime) -> int:
        asked.append(older_than)
        return left.pop(0)

    monkeypatch.setattr(timer_room, "sweep", sweep)
    await sweep_all(Client(), files, rows)
    assert left == []
    ages = {(datetime.now(UTC) - moment).days for moment in asked}
    assert ages == {30}


async def test_a_queued_run_waits_for_every_earlier_one_and_for_no_later_one(rows: Rows):
    queued, client = (
        QueuedRun(run_id=RUN_ID, schedule="nightly", claim="c", max_runs=7, owner="sum"),
        Client(),
    )
    note_open(rows, EARLIER, 1, is_queued=True)
    go_on(rows, RUN_ID, "nightly-20261124T023000Z", "nightly_b-20261101T023000Z")
    assert not await start_if_first(queued, client, rows)
    assert client.started == []
    end(rows, EARLIER)
    for _ in range(2):
        assert await start_if_first(queued, client, rows)
    assert client.started == [RUN_ID]
    run = RunInput(run_id=RUN_ID, claim="c", max_runs=7, owner="sum")
    assert RunInput.model_validate(client.inputs[0]) == run


async def test_a_tick_whose_source_is_not_there_starts_nothing_and_says_so(
    files: RunFiles, rows: Rows
):
    client = Client()
    with pytest.raises(InvalidRequestError, match=r"source\.blob"):
        await handle_tick(schedule(), DUE + timedelta(days=1), client, files, rows)
    assert client.started == []
