"""What a tick does: once for each due time, and as `on_overlap` has it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from activities.find_earlier_runs import has_earlier

from fanout import ids
from fanout.adapters.runs import RunFiles
from fanout.adapters.settings import Settings, StorageSettings
from fanout.errors import InvalidRequestError
from fanout.models.wave import QueuedRun
from fanout.schedules import Schedule
from starters import timer as timer_room
from starters.timer import due_of, run_sweep, tick
from tests.support import probe_workloads
from tests.support.memory_store import MemoryStore

DUE = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
RUN_ID = "nightly-20261123T023000Z"
EARLIER = "nightly-20261122T023000Z"
REQUEST: dict[str, Any] = {
    "workload": probe_workloads.Sum.name,
    "source": {"kind": "csv", "container": "inbox", "blob": "{scheduled:yyyy-MM-dd}.csv"},
    "parameters": {"column": "n"},
}


@dataclass
class Client:
    """A durable client whose instances never end, save those that `ended` names."""

    instances: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    is_away: bool = False
    inputs: list[Any] = field(default_factory=list)

    async def get_status_by(self, *, runtime_status: list[Any], instance_id_prefix: str) -> Any:
        assert {status.value for status in runtime_status} >= {"Running", "Pending", "Suspended"}
        alive = [i for i in self.instances if i not in self.ended]
        return [SimpleNamespace(instance_id=i) for i in alive if i.startswith(instance_id_prefix)]

    async def get_status(self, instance_id: str) -> Any:
        return SimpleNamespace(runtime_status=None) if instance_id in self.instances else None

    async def read_entity_state(self, entity: Any) -> Any:
        return SimpleNamespace(entity_state=None)

    async def start_new(self, name: str, instance_id: str, value: Any) -> None:
        if self.is_away:
            raise ConnectionError("the host is away")
        if instance_id in self.instances:
            raise Exception("an instance with this id exists")  # noqa: TRY002 - as the SDK does
        self.instances.append(instance_id)
        self.inputs.append(value)


@pytest.fixture(autouse=True)
def _settings_of_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Settings(storage=StorageSettings("nowhere"), max_runs=7, retention_days=30)
    monkeypatch.setattr(timer_room, "settings", lambda: nowhere)


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
    assert due_of(schedule(), timer("2026-11-23T02:30:00+00:00"), now) == DUE
    assert due_of(schedule(), timer("2026-11-23T03:30:00.0000000+01:00"), now) == DUE
    assert due_of(schedule(), timer(None), now) == DUE


async def test_a_tick_starts_one_run_however_often_it_is_delivered(files: RunFiles):
    client = Client()
    for _ in range(3):
        await tick(schedule(), DUE, client, files)
    assert client.instances == [RUN_ID]
    assert files.request(RUN_ID).source.blob == "2026-11-23.csv"  # type: ignore[union-attr]


async def test_a_tick_whose_start_failed_is_made_up_for_when_it_comes_again(files: RunFiles):
    client = Client(is_away=True)
    with pytest.raises(ConnectionError):
        await tick(schedule(), DUE, client, files)
    client.is_away = False
    await tick(schedule(), DUE, client, files)
    assert client.instances == [RUN_ID]


@pytest.mark.parametrize(
    ("overlap", "starts"), [("skip", []), ("allow", [RUN_ID]), ("queue", [f"{RUN_ID}:q"])]
)
async def test_while_an_earlier_run_goes_on_a_tick_does_as_on_overlap_says(
    files: RunFiles, overlap: str, starts: list[str]
):
    client = Client([EARLIER])
    await tick(schedule(overlap), DUE, client, files)
    assert client.instances == [EARLIER, *starts]
    assert (files.find_request(RUN_ID) is None) == (overlap == "skip")


@pytest.mark.parametrize("overlap", ["skip", "allow", "queue"])
async def test_runs_that_ended_or_are_of_others_hold_nothing_up(files: RunFiles, overlap: str):
    before = [EARLIER, "nightly-by-hand", "nightly_b-20261123T023000Z"]
    client = Client(before.copy(), ended={EARLIER})
    await tick(schedule(overlap), DUE, client, files)
    assert client.instances == [*before, RUN_ID]


async def test_a_queued_tick_delivered_again_waits_once(files: RunFiles):
    client = Client([EARLIER])
    for _ in range(3):
        await tick(schedule("queue"), DUE, client, files)
    assert client.instances == [EARLIER, f"{RUN_ID}:q"]
    queued = QueuedRun.model_validate(client.inputs[0])
    assert (queued.run_id, queued.max_runs) == (RUN_ID, 7)
    assert queued.claim == files.claim_of(RUN_ID)


async def test_the_watchdog_leaves_a_queued_run_to_its_queue(files: RunFiles):
    await tick(schedule("queue"), DUE, Client([EARLIER]), files)
    assert list(files.ages(ids.UNSTARTED_FOLDER)) == []


async def test_a_sweep_goes_on_until_nothing_is_left_that_is_too_old(
    files: RunFiles, monkeypatch: pytest.MonkeyPatch
):
    left = [100, 100, 3, 0]
    asked: list[datetime] = []

    async def sweep(client: Any, files: RunFiles, older_than: datetime) -> int:
        asked.append(older_than)
        return left.pop(0)

    monkeypatch.setattr(timer_room, "sweep", sweep)
    await run_sweep(Client(), files)
    assert left == []
    ages = {(datetime.now(UTC) - moment).days for moment in asked}
    assert ages == {30}


async def test_a_queued_run_waits_for_every_earlier_one_and_for_no_later_one():
    queued = QueuedRun(run_id=RUN_ID, schedule="nightly")
    client = Client([EARLIER, f"{RUN_ID}:q", "nightly-20261124T023000Z:q"])
    assert await has_earlier(queued, client)
    client.instances[0] = f"{EARLIER}:q"
    assert await has_earlier(queued, client)
    client.ended = {f"{EARLIER}:q"}
    assert not await has_earlier(queued, client)


async def test_a_tick_whose_source_is_not_there_starts_nothing_and_says_so(files: RunFiles):
    client = Client()
    with pytest.raises(InvalidRequestError, match=r"source\.blob"):
        await tick(schedule(), DUE + timedelta(days=1), client, files)
    assert client.instances == []
