"""Taking up a run whose orchestration failed: bounded, counted, told."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry import metrics
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.run import RunInput
from fanout.models.request import RunRequest
from starters.lifecycle.attempts import newest_attempt
from starters.lifecycle.end_by_force import end_by_force
from starters.lifecycle.take_over import (
    MAX_REASON_BYTES,
    MAX_TAKE_OVERS,
    MAX_WITHOUT_PROGRESS,
    take_over,
)
from tests.support.doubles.durable_client import Client
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads.attempts import after_wave, begun, decided, memory_rows, shard_of

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
REQUEST = {"workload": "w", "run_id": "r", "source": {"kind": "inline", "items": []}}
FAILED = "Non-Deterministic workflow detected: a worker died"


@pytest.fixture
def files() -> RunFiles:
    return _files()


def _files() -> RunFiles:
    files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
    assert files.claim("r", RunRequest.model_validate(REQUEST))
    return files


def write(rows: Rows, state: GovernorState) -> GovernorState:
    change_attempt(rows, "r", 1, lambda _: (state, None))
    return state


def run_of(rows: Rows) -> RunState:
    return read_attempt(rows, "r", 1).state.run


async def fail_and_take_over(
    client: Client, files: RunFiles, rows: Rows, why: Any = FAILED
) -> None:
    client.end("r", "Failed", why)
    attempt = await newest_attempt("r", client, files, rows)
    await take_over(attempt, client, files, rows, NOW)


async def test_it_is_started_again_under_its_own_id_and_goes_on_from_its_rows(
    files: RunFiles, rows: Rows
):
    before = write(rows, begun(items=10))
    client = Client()
    await fail_and_take_over(client, files, rows)
    assert client.started == ["r"]
    ref = RunInput.model_validate(client.inputs[0])
    assert (ref.is_resumed, ref.attempt, ref.claim) == (True, 1, files.claim_of("r"))
    run = run_of(rows)
    assert (run.plan, run.phase, run.end) == (before.run.plan, "processing", None)
    (one,) = run.take_overs
    assert (one.reason, one.at, one.ended) == (FAILED, NOW.isoformat(), 0)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    module = "starters.lifecycle.take_over"
    monkeypatch.setattr(f"{module}.record_metric", lambda *what: found.append(what))
    return found


async def test_each_is_counted_for_the_alert(files: RunFiles, rows: Rows, told: list[Any]):
    write(rows, begun(items=10))
    client = Client()
    for _ in range(2):
        await fail_and_take_over(client, files, rows)
    assert told == [(metrics.TAKE_OVERS, 1)] * 2


async def test_one_that_ends_the_run_is_not_counted(files: RunFiles, rows: Rows, told: list[Any]):
    write(rows, begun(items=10))
    client = Client()
    for _ in range(MAX_WITHOUT_PROGRESS + 2):
        await fail_and_take_over(client, files, rows)
    assert run_of(rows).end is not None
    assert len(told) == MAX_WITHOUT_PROGRESS - 1


async def test_one_whose_start_fails_is_counted_when_it_has_started(
    files: RunFiles, rows: Rows, told: list[Any], monkeypatch: pytest.MonkeyPatch
):
    write(rows, begun(items=10))
    client = Client()
    with monkeypatch.context() as patch:
        patch.setattr(client, "start_new", AsyncMock(side_effect=OSError("no hub")))
        with pytest.raises(OSError, match="no hub"):
            await fail_and_take_over(client, files, rows)
    assert told == []
    await fail_and_take_over(client, files, rows)
    assert told == [(metrics.TAKE_OVERS, 1)]


async def test_a_long_reason_and_none_at_all_are_told_in_few_bytes(files: RunFiles, rows: Rows):
    write(rows, begun(items=10))
    client = Client()
    await fail_and_take_over(client, files, rows, "é" * 5000)
    await fail_and_take_over(client, files, rows, None)
    first, second = run_of(rows).take_overs
    assert len(first.reason.encode()) <= MAX_REASON_BYTES
    assert second.reason == "it failed"
    assert first.id != second.id


async def test_one_that_gets_nowhere_is_ended_as_failed_and_its_end_is_told(
    files: RunFiles, rows: Rows
):
    write(rows, begun(items=10))
    client = Client()
    for _ in range(MAX_WITHOUT_PROGRESS):
        assert run_of(rows).end is None
        await fail_and_take_over(client, files, rows)
    run = run_of(rows)
    assert run.end is not None
    assert (run.end.outcome, run.end.is_forced, run.is_announced) == ("failed", False, False)
    assert run.end.error == f"its orchestration failed {MAX_WITHOUT_PROGRESS} times: {FAILED}"
    assert run.end.items.pending == 10
    # Its orchestration finds that it is over, and does what follows from that.
    assert len(client.started) == MAX_WITHOUT_PROGRESS


async def test_one_that_gets_on_is_taken_up_as_often_as_it_takes_within_reason(
    files: RunFiles, rows: Rows
):
    state = write(rows, begun(items=1000))
    client, work = Client(), shard_of(state)
    for number in range(1, MAX_TAKE_OVERS + 1):
        assert run_of(rows).end is None, number
        work = after_wave(work, succeeded=1)
        state = write(rows, decided(read_attempt(rows, "r", 1).state, work)[0])
        await fail_and_take_over(client, files, rows)
    assert len(run_of(rows).take_overs) == MAX_TAKE_OVERS
    end = run_of(rows).end
    assert end is not None and end.items.succeeded == MAX_TAKE_OVERS


@given(st.lists(st.integers(0, 1), min_size=1, max_size=150))
def test_it_is_bounded_whatever_happens_between(progress: list[int]):
    async def scenario() -> None:
        files, rows, client = _files(), memory_rows(), Client()
        state = write(rows, begun(items=1000))
        work = shard_of(state)
        since = 0
        for ended in progress:
            if ended:
                work = after_wave(work, succeeded=1)
                write(rows, decided(read_attempt(rows, "r", 1).state, work)[0])
            await fail_and_take_over(client, files, rows)
            since = 1 if ended else since + 1
            run = run_of(rows)
            assert (run.end is not None) == (
                since == MAX_WITHOUT_PROGRESS or len(run.take_overs) == MAX_TAKE_OVERS
            )
            if run.end is not None:
                break

    asyncio.run(scenario())


async def test_one_that_has_ended_meanwhile_is_counted_no_more(files: RunFiles, rows: Rows):
    write(rows, begun(items=10))
    client = Client()
    client.end("r", "Failed", FAILED)
    attempt = await newest_attempt("r", client, files, rows)
    over = await newest_attempt("r", client, files, rows)
    client.end("r", "Terminated", "enough")
    over = await newest_attempt("r", client, files, rows)
    await end_by_force(over, client, files, rows)
    await take_over(attempt, client, files, rows, NOW)
    run = run_of(rows)
    assert run.take_overs == []
    assert run.end is not None and run.end.is_forced
