"""Once an attempt has ended, nothing of it begins; what was done until then is written down."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from activities.batches import fence
from activities.batches.compensate_batch import compensate
from activities.batches.fence import Fence
from activities.batches.process_batch import process
from activities.endings.finish import finish_attempt
from activities.planning.plan_compensation import plan_undo
from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.rows import Rows
from fanout.governor.run_rules import open_run
from fanout.governor.run_state import RunState
from fanout.messages.batches import BatchResult, ProcessAsk
from fanout.messages.ending import EndedRun
from fanout.messages.run import RunEnd, RunRef
from fanout.models.request import RunRequest
from fanout.naming import blob_paths, row_keys
from fanout.workload import Context
from tests.support.doubles.memory_tables import MemoryTables, memory_rows
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline
from tests.support.workloads.probe_workloads import Probe, ProbeItem, Sum

AT = "2026-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "LOOK_EVERY_SECONDS", 0.0)


@pytest.fixture
def claim() -> str:
    """What no other test has: who looked a second ago does not look again."""
    return secrets.token_hex(8)


@pytest.fixture
def rows(claim: str) -> Iterator[Rows]:
    """The rows of an attempt that goes on."""
    to = memory_rows()
    open_attempt(to, claim)
    yield to


def open_attempt(to: Rows, claim: str) -> None:
    change_attempt(
        to,
        RUN_ID,
        1,
        lambda state: (
            state.model_copy(update={"run": open_run(state.run, AT, claim, is_queued=False)}),
            None,
        ),
    )


def end_by_force(to: Rows, claim: str) -> None:
    end = RunEnd(outcome="cancelled", at=AT, is_forced=True)
    finish_attempt(EndedRun(run_id=RUN_ID, claim=claim, end=end), to)


def batch(claim: str, **more: Any) -> ProcessAsk:
    return ProcessAsk(run_id=RUN_ID, claim=claim, partition=0, first_cut=0, **more)


def test_an_attempt_is_over_when_it_has_ended_or_is_not_there(rows: Rows, claim: str) -> None:
    assert not Fence.around(batch(claim), rows).is_over
    assert Fence.around(batch("an earlier run's"), rows).is_over
    assert Fence(RUN_ID, 2, claim, rows).is_over
    end_by_force(rows, claim)
    assert Fence.around(batch(claim), rows).is_over
    assert not Fence.around(batch(claim), None).is_over, "nobody has a fence there"


def test_who_has_looked_does_not_look_again_at_once(
    rows: Rows, claim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence, "LOOK_EVERY_SECONDS", 60.0)
    around = Fence.around(batch(claim), rows)
    assert not around.is_over
    end_by_force(rows, claim)
    assert not around.is_over


def test_while_storage_is_away_what_was_known_holds(rows: Rows, claim: str) -> None:
    class Away(MemoryTables):
        def read(self, *_: Any) -> Any:
            raise ServiceRequestError("storage is away")

    away = Rows(Away(), rows.table)
    with pytest.raises(ServiceRequestError):
        _ = Fence.around(batch(claim), away).is_over
    assert not Fence.around(batch(claim), rows).is_over
    assert not Fence.around(batch(claim), away).is_over


def ending(monkeypatch: pytest.MonkeyPatch, to: Rows, claim: str, at: Any, method: str) -> None:
    """Have the attempt end while an item is at work."""
    act = getattr(Probe, method)

    def end_there(self: Probe, item: ProbeItem, *rest: Any) -> Any:
        if item.id == at:
            end_by_force(to, claim)
        return act(self, item, *rest)

    monkeypatch.setattr(Probe, method, end_there)


def test_a_batch_stops_at_the_next_item_and_writes_the_rest_as_pending(
    rows: Rows, claim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending(monkeypatch, rows, claim, 2, "process")
    run = LocalRun(inline([{"id": n} for n in range(6)]))
    run.plan()
    result = process(batch(claim), run.files, rows)
    assert (result.succeeded, result.retryable, result.untried) == (3, 3, 3)
    assert not result.has_tripped
    found = [(outcome.status, outcome.attempts) for outcome in run.part()]
    assert found == [("succeeded", 1)] * 3 + [("pending", 0)] * 3
    again = process(batch(claim, is_repeated=True), run.files, rows)
    assert again == result.model_copy(update={"work_ms": None})


def test_a_compensation_stops_at_the_next_item_and_leaves_the_rest_as_it_is(
    rows: Rows, claim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = LocalRun(inline([{"id": n} for n in range(6)], on_exceeded="compensate"))
    run.work_off(run.plan())
    plan_undo(RunRef(run_id=RUN_ID), run.files)
    ending(monkeypatch, rows, claim, 4, "compensate")
    result = compensate(batch(claim), run.files, rows)
    assert (result.succeeded, result.retryable, result.untried) == (2, 4, 4)
    path = blob_paths.part_path(RUN_ID, blob_paths.generation(1, "compensate"), batch(claim).name)
    assert run.files.read(path).count(b'"status":"succeeded"') == 4
    again = compensate(batch(claim, is_repeated=True), run.files, rows)
    assert again == result.model_copy(update={"work_ms": None})


def test_a_chunk_is_not_begun(rows: Rows, claim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: Sum, chunk: Any, context: Context[Any]) -> Any:
        raise AssertionError("it was begun")

    monkeypatch.setattr(Sum, "process_chunk", never)
    source = {"kind": "csv", "container": "inbox", "blob": "rows.csv"}
    asked = {"workload": "sum", "source": source, "parameters": {"column": "n"}, "batch": {}}
    run = LocalRun(RunRequest.model_validate(asked))
    run.store.write("inbox", "rows.csv", b"n\n1\n2\n")
    run.plan()
    end_by_force(rows, claim)
    result = process(batch(claim), run.files, rows)
    assert result.model_copy(update={"work_ms": 0.0}) == BatchResult(retryable=2, untried=2)
    (waiting,) = run.part()
    assert (waiting.status, waiting.count, waiting.attempts) == ("pending", 2, 0)


def test_what_another_run_of_the_same_id_left_is_no_attempt(rows: Rows, claim: str) -> None:
    rows.clear(row_keys.attempt_partition(RUN_ID, 1))
    assert (
        rows.load(row_keys.attempt_partition(RUN_ID, 1), row_keys.RUN_ROW, RunState) == RunState()
    )
    assert Fence.around(batch(claim), rows).is_over
