"""What the watchdog does for runs that go on and cannot be read, and for who waits behind them."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from fanout.adapters.rows import index
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.open_runs import open_attempts
from fanout.adapters.rows.places import read_places
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import CLAIMED_AT, RunFiles
from fanout.adapters.tables import Write
from fanout.governor import run_rules
from fanout.governor.admission import AdmissionState
from fanout.governor.run_state import GovernorState
from fanout.messages.run import RunEnd
from fanout.naming import blob_paths, row_keys
from fanout.naming.moments import moment_text
from starters.lifecycle.take_over import MAX_WITHOUT_PROGRESS
from starters.watchdog import Inspection
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.attempts import at, begun
from tests.support.workloads.kept_runs import claim

LEFT_BEHIND = timedelta(minutes=2)
# Telemetry hears of stalled runs at full five minutes.
LATER = datetime.now(UTC).replace(minute=1, second=0) + timedelta(hours=3)
FIVE_PAST = LATER + timedelta(minutes=4)
# Of the request, of the row of the run, and of its row of open attempts.
DAMAGES = ["request", "rows"]


@pytest.fixture
def files() -> RunFiles:
    return RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """What the log has said of `bad` since it was asked last."""
    logger = logging.getLogger("fanout")
    propagates, logger.propagate = logger.propagate, True

    def take() -> list[str]:
        texts = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return [text for text in texts if "cannot" in text]

    with caplog.at_level(logging.WARNING, "fanout"):
        yield take
    logger.propagate = propagates


async def look(client: Client, files: RunFiles, rows: Rows, now: datetime = LATER) -> None:
    await Inspection(client, files, rows, now, LEFT_BEHIND).look_after_all()


def start(files: RunFiles, rows: Rows, run_id: str, state: GovernorState | None = None) -> None:
    """Have a run go on that was claimed, and whose rows say so."""
    claim(files, rows, run_id, "orders")
    change_attempt(rows, run_id, 1, lambda _: (state or begun(items=10), None))


def damage(files: RunFiles, rows: Rows, harmed: str = "request") -> None:
    """Have nobody be able to read what is kept of `bad`."""
    if harmed == "rows":
        broken = Write(row_keys.RUN_ROW, {"json0": "{"}, mode="put")
        rows.submit(row_keys.attempt_partition("bad", 1), [broken])
        return
    kept = {CLAIMED_AT: moment_text(files.read_claim("bad").claimed_at)}
    path = blob_paths.request_path("bad")
    files.store.write(files.container, path, b"{", metadata=kept)


def give_places(rows: Rows, *running: str, waiting: str) -> None:
    state = AdmissionState(
        running=dict.fromkeys(running, at(0)), waiting={waiting: moment_text(LATER)}, max_runs=1
    )
    rows.create(row_keys.ADMISSION_PARTITION, row_keys.ADMISSION_ROW, state)


def state_of(rows: Rows) -> GovernorState:
    return read_attempt(rows, "bad", 1).state


def listed(rows: Rows) -> list[tuple[str, str | None]]:
    entries = index.read_entries(rows, index.IndexRange(), 9)
    return [(entry.workload, entry.outcome) for entry in entries]


async def test_one_whose_orchestration_failed_is_taken_over_until_it_is_given_up(
    files: RunFiles, rows: Rows
):
    start(files, rows, "bad")
    damage(files, rows)
    client = Client()
    for _ in range(MAX_WITHOUT_PROGRESS):
        assert state_of(rows).run.end is None
        client.end("bad", "Failed", "a worker died")
        await look(client, files, rows)
    end = state_of(rows).run.end
    assert end is not None and end.outcome == "failed"
    assert client.started == ["bad"] * MAX_WITHOUT_PROGRESS


async def test_one_that_was_terminated_is_ended_and_its_place_is_free(files: RunFiles, rows: Rows):
    start(files, rows, "bad")
    claim(files, rows, "next")
    give_places(rows, "bad", waiting="next")
    damage(files, rows)
    client = Client(instances={"next", "bad:s00"})
    client.end("bad", "Terminated", "enough")
    await look(client, files, rows)
    end = state_of(rows).run.end
    assert end is not None and end.is_forced
    assert client.terminated == ["bad:s00"]
    assert [*read_places(rows).running] == ["next"]
    assert ("orders", "failed") in listed(rows)
    assert [one.run_id for one in open_attempts(rows)] == ["next"]


@pytest.mark.parametrize("is_announced", [True, False])
async def test_one_that_has_ended_is_finished_and_the_index_keeps_its_workload(
    files: RunFiles, rows: Rows, is_announced: bool
):
    end = run_rules.finish(begun(items=10).run, RunEnd(outcome="succeeded", at=at(1)))
    end = end.model_copy(update={"is_announced": is_announced})
    start(files, rows, "bad", GovernorState(run=end))
    damage(files, rows)
    client = Client()
    client.end("bad", "Completed")
    await look(client, files, rows)
    assert open_attempts(rows) == []
    assert listed(rows) == [("orders", "succeeded")]


async def test_one_that_was_claimed_and_left_is_started_and_fails_by_name(
    files: RunFiles, rows: Rows
):
    claim(files, rows, "bad", "orders")
    damage(files, rows)
    client = Client()
    await look(client, files, rows)
    assert client.started == ["bad"]
    assert listed(rows) == [("orders", None)]


@pytest.mark.parametrize("harmed", DAMAGES)
async def test_one_that_does_not_move_lends_its_place(files: RunFiles, rows: Rows, harmed: str):
    start(files, rows, "bad")
    claim(files, rows, "next")
    give_places(rows, "bad", waiting="next")
    damage(files, rows, harmed)
    client = Client(instances={"bad", "next"})
    await look(client, files, rows)
    assert [*read_places(rows).running] == ["bad"]
    await look(client, files, rows, LATER + timedelta(minutes=3))
    places = read_places(rows)
    assert ([*places.running], [*places.lent]) == (["next"], ["bad"])
    assert ("next", "turn") in client.events


@pytest.mark.parametrize("harmed", DAMAGES)
async def test_it_is_named_every_five_minutes_and_not_at_each_look(
    files: RunFiles, rows: Rows, told: Callable[[], list[str]], harmed: str
):
    start(files, rows, "bad")
    damage(files, rows, harmed)
    client = Client(instances={"bad"})
    for half_minutes in range(1, 8):
        await look(client, files, rows, LATER + timedelta(seconds=30 * half_minutes))
    assert told() == []
    await look(client, files, rows, FIVE_PAST)
    (text,) = told()
    assert "cannot be read" in text
    assert "bad/request.json" in text or "RunState" in text


async def test_one_that_nobody_can_read_that_it_is_open_is_noted_anew(
    files: RunFiles, rows: Rows, told: Callable[[], list[str]]
):
    start(files, rows, "bad")
    damage(files, rows)
    key = row_keys.open_row("bad", 1)
    rows.submit(row_keys.RUNS_PARTITION, [Write(key, {"json0": "{"}, mode="put")])
    client = Client(instances={"bad"})
    await look(client, files, rows)
    (one,) = open_attempts(rows)
    assert (one.run_id, one.fault, one.listed_at) == ("bad", "", files.read_claim("bad").claimed_at)
    assert len(told()) == 1
    client.end("bad", "Terminated", "enough")
    await look(client, files, rows)
    assert (open_attempts(rows), listed(rows)) == ([], [("orders", "failed")])
