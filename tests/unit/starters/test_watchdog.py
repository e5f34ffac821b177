"""What the watchdog does about the remains of a crash, and about runs that do not move."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseError

from fanout.adapters.rows import index, open_runs
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.open_runs import open_attempts
from fanout.adapters.rows.places import read_places
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.tables import Write
from fanout.adapters.telemetry import metrics
from fanout.governor import admission, run_rules
from fanout.governor.admission import AdmissionState
from fanout.governor.run_state import ControlState, GovernorState, RunState
from fanout.messages.run import RunEnd, RunInput
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.naming import row_keys
from fanout.naming.moments import moment_text, round_moment
from starters import watchdog
from starters.watchdog import Inspection
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.attempts import at, begun
from tests.support.workloads.kept_runs import note_open

REQUEST = {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}
LEFT_BEHIND = timedelta(minutes=2)
# After every row of these tests was written; no moment at which things are only told.
LATER = datetime.now(UTC).replace(minute=1, second=0) + timedelta(hours=3)

CLAIMED = round_moment(datetime.now(UTC))


@pytest.fixture
def files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    assert files.claim("r", RunRequest.model_validate(REQUEST), CLAIMED)
    return files


@pytest.fixture(autouse=True)
def one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every claim noted for the moment at which the run was claimed."""
    monkeypatch.setattr(open_runs, "round_moment", lambda _: CLAIMED)


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    logger = logging.getLogger("fanout")
    propagates, logger.propagate = logger.propagate, True
    with caplog.at_level(logging.WARNING, "fanout"):
        yield lambda: caplog.text
    logger.propagate = propagates


@dataclass
class AskedClient(Client):
    """It knows whom it was asked for: those that were looked at."""

    asked: list[str] = field(default_factory=list)

    async def get_status(self, instance_id: str) -> Any:
        self.asked.append(instance_id)
        return await super().get_status(instance_id)


async def look(client: Client, files: RunFiles, rows: Rows, now: datetime = LATER) -> None:
    await Inspection(client, files, rows, now, LEFT_BEHIND).look_after_all()


def going_on(rows: Rows, attempt: int = 1) -> GovernorState:
    """Have the rows say that an attempt is under way."""
    note_open(rows, "r", attempt)
    return write(rows, begun(items=10), attempt)


def write(rows: Rows, state: GovernorState, attempt: int = 1) -> GovernorState:
    change_attempt(rows, "r", attempt, lambda _: (state, None))
    return state


def ended(rows: Rows, at: str, *, is_announced: bool = False) -> None:
    def rule(state: GovernorState) -> tuple[GovernorState, None]:
        run = run_rules.finish(state.run, RunEnd(outcome="succeeded", at=at))
        run = run.model_copy(update={"is_announced": is_announced})
        return state.model_copy(update={"run": run}), None

    change_attempt(rows, "r", 1, rule)


def known(rows: Rows) -> list[tuple[str, int]]:
    return [(one.run_id, one.number) for one in open_attempts(rows)]


async def test_a_run_that_was_claimed_and_left_is_started(files: RunFiles, rows: Rows):
    client = Client()
    note_open(rows, "r", 1)
    await look(client, files, rows)
    assert client.started == ["r"]
    await look(client, files, rows)
    assert client.started == ["r"], "once is enough"


async def test_a_claim_is_left_alone_while_its_maker_may_still_start_it(
    files: RunFiles, rows: Rows
):
    client = Client()
    note_open(rows, "r", 1)
    await look(client, files, rows, datetime.now(UTC) + timedelta(seconds=30))
    assert client.started == []
    assert known(rows) == [("r", 1)]


async def test_a_redrive_that_was_claimed_and_left_is_started(files: RunFiles, rows: Rows):
    going_on(rows)
    ended(rows, at(1), is_announced=True)
    note_open(rows, "r", 2)
    assert files.claim_attempt("r", 2, RedriveRequest())
    client = Client()
    client.end("r")
    await look(client, files, rows)
    assert client.started == ["r:a2"]
    assert RunInput.model_validate(client.inputs[0]).attempt == 2
    assert known(rows) == [("r", 2)], "the first has been told"


async def test_a_run_that_goes_on_is_left_alone(files: RunFiles, rows: Rows):
    going_on(rows)
    client = Client(instances={"r"})
    await look(client, files, rows)
    assert (client.started, client.terminated, known(rows)) == ([], [], [("r", 1)])


async def test_an_open_row_whose_run_was_never_claimed_is_dropped(rows: Rows, files: RunFiles):
    note_open(rows, "nobody", 1)
    client = Client()
    await look(client, files, rows, datetime.now(UTC))
    assert known(rows) == [("nobody", 1)], "somebody may be about to claim it"
    await look(client, files, rows)
    assert (known(rows), client.started) == ([], [])


async def test_an_attempt_is_forgotten_once_a_later_one_is_there(files: RunFiles, rows: Rows):
    going_on(rows)
    assert files.claim_attempt("r", 2, RedriveRequest())
    going_on(rows, attempt=2)
    client = Client(instances={"r:a2"})
    await look(client, files, rows)
    assert (known(rows), client.started) == ([("r", 2)], [])


@pytest.mark.parametrize("queue", ["Running", "Pending"])
async def test_a_run_that_waits_for_earlier_ones_is_left_to_its_queue(
    files: RunFiles, rows: Rows, queue: str
):
    note_open(rows, "r", 1, is_queued=True)
    client = Client(instances={"r:q"}, statuses={"r:q": queue})
    await look(client, files, rows)
    assert client.started == []


@pytest.mark.parametrize("queue", ["Failed", "Terminated", None])
async def test_a_run_whose_queue_is_no_more_is_started(
    files: RunFiles, rows: Rows, queue: str | None
):
    note_open(rows, "r", 1, is_queued=True)
    client = Client()
    if queue is not None:
        client.end("r:q", queue)
    await look(client, files, rows)
    assert client.started == ["r"]


async def test_a_run_whose_own_orchestration_failed_is_begun_anew_and_it_is_told(
    files: RunFiles, rows: Rows, warnings: Callable[[], str]
):
    going_on(rows)
    client = Client()
    client.end("r", "Failed", "Non-Deterministic workflow detected: a worker died")
    await look(client, files, rows)
    assert client.started == ["r"]
    assert RunInput.model_validate(client.inputs[0]).is_resumed
    (told,) = read_attempt(rows, "r", 1).state.run.take_overs
    assert told.reason == "Non-Deterministic workflow detected: a worker died"
    assert "takes up a run whose orchestration failed (1 times)" in warnings()
    await look(client, files, rows)
    assert client.started == ["r"], "it goes on now"


async def test_a_run_that_failed_before_its_first_row_was_written_is_begun_anew(
    files: RunFiles, rows: Rows
):
    note_open(rows, "r", 1)
    client = Client()
    client.end("r", "Failed", "worker died")
    await look(client, files, rows)
    assert client.started == ["r"]
    run = read_attempt(rows, "r", 1).state.run
    assert (len(run.take_overs), run.claim) == (1, files.claim_of("r"))


async def test_a_run_that_is_complete_and_has_no_end_is_begun_anew(files: RunFiles, rows: Rows):
    going_on(rows)
    client = Client()
    client.end("r", "Completed")
    await look(client, files, rows)
    assert client.started == ["r"]


async def test_a_run_that_ends_between_two_looks_of_the_same_round_is_not_begun_anew(
    files: RunFiles, rows: Rows
):
    going_on(rows)

    class Ending(Client):
        async def get_status(self, instance_id: str) -> object:
            ended(rows, at(5))
            return await super().get_status(instance_id)

    client = Ending()
    client.end("r", "Completed")
    await look(client, files, rows, datetime.now(UTC))
    assert client.started == []


async def test_a_run_that_was_terminated_is_ended_with_its_children(
    files: RunFiles, rows: Rows, warnings: Callable[[], str]
):
    going_on(rows)
    client = Client(instances={"r:s00", "r:s01"})
    client.end("r", "Terminated", "enough")
    await look(client, files, rows)
    end = read_attempt(rows, "r", 1).state.run.end
    assert end is not None
    assert (end.outcome, end.error, end.is_forced) == ("failed", "enough", True)
    assert sorted(client.terminated) == ["r:s00", "r:s01"]
    assert (client.started, known(rows)) == ([], [])
    assert "was ended by force: enough" in warnings()


async def test_a_run_that_is_told_is_only_forgotten(files: RunFiles, rows: Rows):
    going_on(rows)
    ended(rows, at(1), is_announced=True)
    client = Client()
    await look(client, files, rows)
    assert (known(rows), client.started) == ([], [])


async def test_what_follows_from_an_end_is_done_by_another_execution_if_the_first_failed(
    files: RunFiles, rows: Rows
):
    going_on(rows)
    ended(rows, LATER.isoformat())
    client = Client()
    client.end("r", "Failed", "worker died")
    await look(client, files, rows)
    assert client.started == ["r"]
    assert RunInput.model_validate(client.inputs[0]).is_resumed
    assert read_attempt(rows, "r", 1).state.run.take_overs == []
    assert known(rows) == [("r", 1)]


async def test_an_end_that_nobody_took_is_forgotten_after_a_while(files: RunFiles, rows: Rows):
    going_on(rows)
    ended(rows, LATER.isoformat())
    client = Client()
    client.end("r", "Completed")
    await look(client, files, rows, LATER + timedelta(minutes=4))
    assert known(rows) == [("r", 1)]
    await look(client, files, rows, LATER + timedelta(minutes=6))
    assert (known(rows), client.started) == ([], [])


async def test_what_was_noted_of_a_run_that_had_been_claimed_before_is_forgotten(
    files: RunFiles, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    """Whoever notes a claim, and dies before it learns that the run exists, leaves that."""
    note_open(rows, "r", 1)
    ended(rows, at(0), is_announced=True)
    client = Client(instances={"r"})
    await look(client, files, rows)
    listed = list_index(rows)
    assert (known(rows), len(listed)) == ([], 1)
    later = CLAIMED + timedelta(seconds=1)
    monkeypatch.setattr(open_runs, "round_moment", lambda _: later)
    note_open(rows, "r", 1)
    assert len(list_index(rows)) == 2
    await look(client, files, rows)
    assert (known(rows), list_index(rows)) == ([], listed)


def list_index(rows: Rows) -> list[str]:
    return index.read_keys(rows, index.IndexRange())


async def test_one_run_that_cannot_be_looked_at_hides_no_other(
    files: RunFiles, rows: Rows, warnings: Callable[[], str]
):
    class Odd(Client):
        async def get_status(self, instance_id: str) -> Any:
            if instance_id == "bad":
                raise RuntimeError("a status that nobody understands")
            return await super().get_status(instance_id)

    note_open(rows, "r", 1)
    note_open(rows, "bad", 1)
    assert files.claim("bad", RunRequest.model_validate(REQUEST | {"run_id": "bad"}), CLAIMED)
    client = Odd()
    await look(client, files, rows)
    assert client.started == ["r"]
    assert "cannot look at a run" in warnings()


async def test_a_list_that_cannot_be_taken_over_hides_no_run(
    files: RunFiles, rows: Rows, warnings: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise ServiceResponseError("storage is away")

    note_open(rows, "r", 1)
    client = Client()
    with monkeypatch.context() as patch:
        patch.setattr(files.store, "names", fail)
        await look(client, files, rows)
    assert "cannot take over the list of an earlier version" in warnings()
    await look(client, files, rows)
    assert client.started == ["r"]


def places(rows: Rows) -> AdmissionState:
    return rows.load(row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, AdmissionState)


def take_places(
    rows: Rows, *running: str, waiting: str | None = None, asked_at: datetime = LATER
) -> None:
    state = AdmissionState(
        running=dict.fromkeys(running, at(0)),
        waiting={waiting: moment_text(asked_at)} if waiting else {},
        max_runs=2,
    )
    rows.create(row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, state)


async def test_the_places_of_runs_that_are_gone_go_to_the_next(files: RunFiles, rows: Rows):
    note_open(rows, "r", 1)
    take_places(rows, "dead", "over", waiting="r")
    client = Client(instances={"r"})
    await look(client, files, rows)
    assert ([*places(rows).running], [*places(rows).waiting]) == (["r"], [])
    assert client.events == [("r", "turn")]


async def test_a_run_that_has_a_place_and_was_not_woken_is_woken(files: RunFiles, rows: Rows):
    note_open(rows, "r", 1)
    run = run_rules.open_run(RunState(), at(0), files.claim_of("r"), is_queued=True)
    write(rows, GovernorState(run=run))
    take_places(rows, "r")
    client = Client(instances={"r"})
    await look(client, files, rows)
    assert client.events == [("r", "turn")]
    write(rows, begun(items=10))
    await look(client, files, rows)
    assert client.events == [("r", "turn")], "one that goes on is left alone"


UNREADABLE = [{"json0": "{"}, {"json0": "[]"}, {"json0": "{}", "version": 99}]


@pytest.mark.parametrize("values", UNREADABLE)
async def test_one_row_that_cannot_be_read_hides_no_other_and_is_written_anew(
    files: RunFiles, rows: Rows, warnings: Callable[[], str], values: dict[str, Any]
):
    note_open(rows, "r", 1)
    assert files.claim("odd", RunRequest.model_validate(REQUEST | {"run_id": "odd"}), CLAIMED)
    take_places(rows, "odd")
    odd = [row_keys.open_row("odd", 1), row_keys.open_row("never-claimed", 1)]
    rows.submit(row_keys.RUNS_PARTITION, [Write(key, values, mode="put") for key in odd])
    assert all(attempt.fault for attempt in open_attempts(rows) if attempt.run_id != "r")
    client = Client()
    await look(client, files, rows)
    assert client.started == ["r"]
    assert "cannot read that it is open" in warnings()
    assert {attempt.run_id: attempt.fault for attempt in open_attempts(rows)} == {
        "r": "",
        "odd": "",
    }
    assert "odd" in read_places(rows).running, "for all that anybody knows it goes on"


@pytest.mark.parametrize("values", UNREADABLE)
async def test_places_that_cannot_be_read_keep_no_run_from_being_looked_at(
    files: RunFiles, rows: Rows, warnings: Callable[[], str], values: dict[str, Any]
):
    note_open(rows, "r", 1)
    place = Write(row_keys.ADMISSION_ROW, values, mode="put")
    rows.submit(row_keys.ADMISSION_PARTITION, [place])
    client = Client()
    await look(client, files, rows)
    assert client.started == ["r"]
    assert "begins a row anew" in warnings()


async def test_a_run_that_was_claimed_a_moment_ago_and_has_no_place_is_not_looked_at(
    files: RunFiles, rows: Rows
):
    note_open(rows, "r", 1)
    take_places(rows, "other")
    client = AskedClient()
    await look(client, files, rows, datetime.now(UTC) + timedelta(seconds=20))
    assert client.asked == []
    await look(client, files, rows, datetime.now(UTC) + timedelta(seconds=40))
    assert "r" in client.asked


async def test_a_run_that_has_a_place_is_looked_at_from_the_beginning(files: RunFiles, rows: Rows):
    note_open(rows, "r", 1)
    take_places(rows, "r")
    client = AskedClient()
    await look(client, files, rows, datetime.now(UTC) + timedelta(seconds=1))
    assert "r" in client.asked


async def test_runs_that_have_asked_for_their_turn_lately_are_not_looked_at(
    files: RunFiles, rows: Rows
):
    note_open(rows, "r", 1)
    take_places(rows, waiting="r", asked_at=LATER - timedelta(minutes=4))
    client = AskedClient()
    await look(client, files, rows)
    assert client.asked == []
    await look(client, files, rows, LATER + timedelta(minutes=2))
    assert "r" in client.asked


async def test_a_run_that_does_not_move_is_named(
    files: RunFiles, rows: Rows, warnings: Callable[[], str]
):
    going_on(rows)
    client = Client(instances={"r"})
    since = datetime.fromisoformat(at(0))
    await look(client, files, rows, since + timedelta(minutes=4))
    await look(client, files, rows, since + timedelta(hours=3, minutes=1))
    assert "has not moved" not in warnings()
    await look(client, files, rows, since + timedelta(hours=3, minutes=5))
    assert f"has not moved since {since.isoformat()}" in warnings()


async def test_no_look_asks_durable_for_a_list(files: RunFiles, rows: Rows):
    going_on(rows)
    client = Client(instances={"r"})
    assert not hasattr(client, "get_status_by") and not hasattr(client, "get_status_all")
    await look(client, files, rows)


def test_it_looks_every_half_minute():
    (function,) = watchdog.bp._function_builders
    trigger = function._function.get_trigger()
    assert trigger.get_dict_repr()["schedule"] == "*/30 * * * * *"


@pytest.mark.parametrize("is_suspended", [False, True])
async def test_a_run_that_stands_still_lends_its_place_to_one_that_waits(
    files: RunFiles, rows: Rows, is_suspended: bool
):
    state = going_on(rows)
    if is_suspended:
        write(rows, state.model_copy(update={"control": ControlState(suspended_at=at(1))}))
    note_open(rows, "w", 1)
    take_places(rows, "r", "r2", waiting="w")
    for name in ("r2", "w"):
        assert files.claim(name, RunRequest.model_validate(REQUEST | {"run_id": name}), CLAIMED)
    note_open(rows, "r2", 1)
    client = Client(instances={"r", "r2", "w"})
    await look(client, files, rows)
    assert [*places(rows).running] == ["r", "r2"] and not client.events
    await look(client, files, rows, LATER + timedelta(minutes=4))
    assert "w" in places(rows).running and "r" in places(rows).lent
    assert ("w", "turn") in client.events


async def test_a_workload_without_a_place_gets_one_beside_runs_that_move(
    files: RunFiles, rows: Rows
):
    state = going_on(rows)
    for name in ("w", "w2"):
        assert files.claim(name, RunRequest.model_validate(REQUEST | {"run_id": name}), CLAIMED)
        note_open(rows, name, 1)
    owners = {"r": "images", "w2": "images", "w": "orders"}
    rows.create(
        row_keys.ADMISSION_PARTITION,
        row_keys.ADMISSION_ROW,
        AdmissionState(
            running={"r": at(0)},
            waiting=dict.fromkeys(["w2", "w"], moment_text(LATER)),
            owners=owners,
            max_runs=1,
        ),
    )
    client = Client(instances={"r", "w", "w2"})
    await look(client, files, rows)
    assert [*places(rows).running] == ["r"] and not client.events
    moved = state.run.model_copy(update={"phase": "compensating"})
    write(rows, state.model_copy(update={"run": moved}))
    await look(client, files, rows, LATER + timedelta(minutes=3))
    assert [*places(rows).running] == ["r", "w"] and client.events == [("w", "turn")]
    assert not places(rows).lent


async def test_of_more_runs_than_the_row_holds_those_that_have_begun_are_looked_at(
    files: RunFiles, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(admission, "MAX_ROW_CHARACTERS", 10)
    monkeypatch.setattr(watchdog, "LOOKS_AT_ALL", 2**33)
    going_on(rows)
    take_places(rows, "other", waiting="next")
    client = AskedClient(instances={"r"})
    await look(client, files, rows)
    assert client.asked == []
    rows.clear(row_keys.ADMISSION_PARTITION)
    take_places(rows, "other", "r", waiting="next")
    await look(client, files, rows)
    assert client.asked == ["r"]


@pytest.mark.parametrize("early", [-0.2, 0.0, 0.2])
async def test_of_more_runs_than_the_row_holds_each_is_looked_at_every_ten_minutes(
    files: RunFiles, rows: Rows, monkeypatch: pytest.MonkeyPatch, early: float
):
    """Runs that nobody has started, and whose end nobody was told: nobody else looks after them."""
    monkeypatch.setattr(admission, "MAX_ROW_CHARACTERS", -1)
    take_places(rows, "r")
    left = [f"left-{number}" for number in range(60)]
    for name in left:
        assert files.claim(name, RunRequest.model_validate(REQUEST | {"run_id": name}), CLAIMED)
        note_open(rows, name, 1)
    note_open(rows, "over", 1)
    assert files.claim("over", RunRequest.model_validate(REQUEST | {"run_id": "over"}), CLAIMED)
    end = run_rules.finish(begun(items=10).run, RunEnd(outcome="succeeded", at=at(1)))
    end = end.model_copy(update={"is_announced": True})
    change_attempt(rows, "over", 1, lambda _: (GovernorState(run=end), None))
    client, counts = Client(), []
    for number in range(20):
        seconds = 30 * number + (early if number % 2 else 0.0)
        await look(client, files, rows, LATER.replace(microsecond=0) + timedelta(seconds=seconds))
        counts.append(len(client.started))
    assert sorted(client.started) == sorted(left)
    assert max(new - old for old, new in pairwise([0, *counts])) < len(left) / 4
    assert ("over", 1) not in known(rows)


async def test_each_look_is_counted_once_it_has_succeeded(
    files: RunFiles, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    told: list[Any] = []
    monkeypatch.setattr(watchdog, "record_metric", lambda *what: told.append(what))
    going_on(rows)
    await look(Client(), files, rows)
    assert told == [(metrics.WATCHDOG_LOOKS, 1)]

    def refuse(_: Rows) -> Any:
        raise ServiceResponseError("no storage")

    monkeypatch.setattr(watchdog, "open_attempts", refuse)
    with pytest.raises(ServiceResponseError):
        await look(Client(), files, rows)
    assert len(told) == 1
