"""The activities of sagas, one after the other, on blobs in memory."""

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from activities.planning.plan import plan_run
from activities.sagas.close_sagas import close_batch
from activities.sagas.run_sagas import run_batch
from activities.sagas.saga_files import open_items, write_record
from activities.sagas.saga_items import open_batch
from activities.sagas.saga_log import SagaLog
from activities.sagas.saga_step import carry_out, carry_out_once
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.errors import PermanentError, TransientError
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.payloads import dump
from fanout.messages.run import RunInput
from fanout.messages.sagas import (
    RunSagasResult,
    SagaEnd,
    SagaRecord,
    SagaStart,
    SagaTrace,
    StepCall,
    StepResult,
)
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from fanout.naming.idempotency_keys import saga_step_key
from fanout.workload import NoParameters, SagaWorkload, Step, StepContext
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import MemoryTables, memory_rows
from tests.support.workloads.hostile_workloads import ERRORS, OUTPUTS, SOUND
from workloads import registry

SUCCEEDED = SagaEnd(status="succeeded", trace=SagaTrace(done=[0]), outputs={"first": 1})


class Item(BaseModel):
    id: str


class Free(SagaWorkload[Item, NoParameters]):
    """A saga of one step, which a test gives it."""

    name: ClassVar[str] = "free"
    item_model = Item
    do: ClassVar[Callable[..., Any]] = staticmethod(lambda item, context: None)
    undo: ClassVar[Callable[..., Any] | None] = None

    def item_id(self, item: Item) -> str:
        return item.id

    @property
    def steps(self) -> tuple[Step, ...]:
        return (Step("first", type(self).do, type(self).undo),)


registry.register(Free())


class Run:
    """A run of three items in one batch."""

    def __init__(self, **more: Any) -> None:
        self.files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
        self.rows = memory_rows()
        items = [{"id": "a"}, {"wrong": 1}, {"id": "c"}]
        asked = {"workload": "free", "run_id": "r", "source": {"kind": "inline", "items": items}}
        assert self.files.claim("r", RunRequest.model_validate(asked | more))
        self.plan = plan_run(RunInput(run_id="r"), self.files)

    def ref(self, retry_round: int = 0, attempt: int = 1) -> BatchRef:
        return BatchRef(
            run_id="r", attempt=attempt, partition=0, first_cut=0, retry_round=retry_round
        )

    def open(self, attempt: int = 1) -> list[SagaStart]:
        batch = open_batch(self.ref(attempt=attempt), self.files, ExitStack())
        return [item.start for item in open_items(batch)]

    def run(self, attempt: int = 1) -> RunSagasResult:
        return run_batch(self.ref(attempt=attempt), self.files, self.rows)

    def close(self, retry_round: int = 0, attempt: int = 1) -> BatchResult:
        return close_batch(self.ref(retry_round, attempt), self.files)

    def record(self, index: int, end: SagaEnd = SUCCEEDED, take: int = 1) -> None:
        saga = SagaStart(index=index, take=take)
        write_record(self.files, SagaRecord(batch=self.ref(), saga=saga, end=end))

    def redrive(self) -> None:
        assert self.files.claim_attempt("r", 2, RedriveRequest())
        plan_run(RunInput(run_id="r", attempt=2), self.files)

    def step(self, index: int = 0, **more: Any) -> StepResult:
        saga = SagaStart(index=index)
        call = StepCall(batch=self.ref(), saga=saga, step=0, **more)
        return carry_out(call, self.files)

    def lines(self, retry_round: int = 0, attempt: int = 1) -> list[dict[str, Any]]:
        of = blob_paths.generation(attempt)
        path = blob_paths.part_path("r", of, self.ref(retry_round, attempt).name)
        return [json.loads(line) for line in self.files.read(path).splitlines()]


def test_a_plan_says_that_the_workload_is_a_saga_and_keeps_its_batches_small() -> None:
    run = Run()
    assert run.plan.is_saga
    assert run.plan.work.max_span == 1


def test_items_that_make_sense_get_a_saga_the_others_have_failed() -> None:
    run = Run()
    assert [saga.index for saga in run.open()] == [0, 2]
    run.record(0)
    run.record(2)
    result = run.close()
    assert (result.succeeded, result.failed) == (2, 1)
    assert [line["status"] for line in run.lines()] == ["succeeded", "failed", "succeeded"]
    assert "id: Field required" in run.lines()[1]["error"]["message"]


def test_an_item_whose_end_was_never_written_down_stays_pending_and_goes_on_in_a_redrive() -> None:
    run = Run()
    run.open()
    run.record(0)
    result = run.close()
    assert (result.succeeded, result.failed, result.retryable) == (1, 1, 0)
    assert run.lines()[2] == {
        "status": "pending",
        "index": 2,
        "item_id": "c",
        "attempts": 0,
        "saga": {"take": 1},
    }
    run.redrive()
    assert run.open(attempt=2) == [SagaStart(index=2, take=1)]
    run.record(2)
    run.close(attempt=2)
    statuses = [line["status"] for line in run.lines(attempt=2)]
    assert statuses == ["succeeded", "failed", "succeeded"]


def test_a_batch_that_was_lost_goes_on_with_the_sagas_that_have_not_ended() -> None:
    run = Run()
    assert SagaLog(run.rows, run.ref()).begin() is not None
    run.open()
    run.record(0)
    assert run.run().sagas == [SagaStart(index=2)]
    run.record(2)
    lost = run.run()
    assert lost.result is not None and lost.result.succeeded == 2
    assert run.close() == lost.result


def test_a_redrive_finds_what_a_lost_batch_had_ended_and_begins_anew_what_had_failed() -> None:
    run = Run()
    run.open()
    run.record(0)
    failed = SagaEnd(status="compensated", trace=SagaTrace(undone=[0]))
    run.record(2, failed)
    run.redrive()
    assert run.open(attempt=2) == [SagaStart(index=0), SagaStart(index=2, take=2)]
    assert run.run(attempt=2).result is not None
    assert run.lines(attempt=2)[0]["output"] == {"first": 1}
    assert run.lines(attempt=2)[2]["saga"] == {"take": 2, "done": ["first"]}


def test_a_step_may_be_a_coroutine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(item: Item, context: StepContext[NoParameters]) -> str:
        await asyncio.sleep(0)
        return f"{item.id} {context.idempotency_key}"

    monkeypatch.setattr(Free, "do", staticmethod(do))
    run = Run()
    run.open()
    result = run.step()
    assert (result.output, result.error) == ("a r/a/first", None)
    assert result.ended_ms > 0


def test_what_a_step_raises_is_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(item: Item, context: StepContext[NoParameters]) -> None:
        raise PermanentError("x" * 5000)

    monkeypatch.setattr(Free, "do", staticmethod(refuse))
    run = Run()
    run.open()
    error = run.step().error
    assert error is not None
    assert (error.type, error.retryable, len(error.message)) == ("PermanentError", False, 400)


@pytest.mark.parametrize("output", ["x" * 300, object(), float("nan")])
def test_an_output_that_is_no_reference_is_refused(
    output: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Free, "do", staticmethod(lambda item, context: output))
    run = Run()
    run.open()
    error = run.step().error
    assert error is not None and error.type == "StepOutputError"


def test_an_undo_has_the_output_and_the_key_of_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        Free,
        "undo",
        staticmethod(lambda item, output, context: seen.append((output, context.idempotency_key))),
    )
    run = Run()
    run.open()
    run.step(mode="undo", outputs={"first": "ref-1"})
    assert seen == [("ref-1", saga_step_key("r", "a", "first", 1))]


def test_a_step_is_held_to_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(item: Item, context: StepContext[NoParameters]) -> None:
        await asyncio.sleep(0.2)

    monkeypatch.setattr(Free, "do", staticmethod(sleep))
    run = Run(timeouts={"item_seconds": 0.05})
    run.open()
    error = run.step().error
    assert error is not None and (error.type, error.retryable) == ("ItemTimeoutError", True)


def test_a_step_may_write_files_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def do(item: Item, context: StepContext[NoParameters]) -> str:
        return context.files.write(f"{item.id}.txt", b"label", "text/plain")

    monkeypatch.setattr(Free, "do", staticmethod(do))
    run = Run()
    run.open()
    assert run.step().output == "files/a.txt"
    assert run.files.read("r/results/files/a.txt") == b"label"


def test_the_same_try_again_hears_what_the_first_came_to(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def do(item: Item, context: StepContext[NoParameters]) -> int:
        tries.append(context.attempt)
        if len(tries) == 1:
            raise TransientError("busy")
        return len(tries)

    monkeypatch.setattr(Free, "do", staticmethod(do))
    run = Run()
    run.open()
    rows = Rows(MemoryTables(), "steps")

    def once(attempt: int) -> StepResult:
        call = StepCall(batch=run.ref(), saga=SagaStart(index=0), step=0, try_number=attempt)
        return carry_out_once(call, run.files, rows)

    first, second = once(1), once(2)
    assert first.error is not None and first.error.retryable
    assert second.output == 2
    assert (once(1), once(2), tries) == (first, second, [1, 2])


@pytest.mark.parametrize("mode", ["do", "undo"])
@pytest.mark.parametrize("name", ERRORS)
def test_whatever_a_step_raises_is_what_came_of_it(
    name: str, mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_it(*_: Any) -> None:
        raise ERRORS[name]()

    monkeypatch.setattr(Free, "do", staticmethod(raise_it))
    monkeypatch.setattr(Free, "undo", staticmethod(raise_it))
    run = Run()
    run.open()
    result = run.step(mode=mode)
    assert result.error is not None and result.error.type
    dump(result)
    StepResult.model_validate_json(result.model_dump_json())


@pytest.mark.parametrize("name", [*OUTPUTS, "big"])
def test_an_output_that_cannot_travel_is_the_fault_of_the_step(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = OUTPUTS.get(name) or SOUND[name][0]
    monkeypatch.setattr(Free, "do", staticmethod(lambda item, context: make()))
    run = Run()
    run.open()
    error = run.step(mode="do").error
    assert error is not None and error.type == "StepOutputError"


def test_of_two_at_the_same_try_both_hear_who_was_first(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run()
    run.open()
    rows = Rows(MemoryTables(), "steps")
    call = StepCall(batch=run.ref(), saga=SagaStart(index=0), step=0)
    others: list[StepResult] = []

    def do(item: Item, context: StepContext[NoParameters]) -> int:
        if not others:
            others.append(StepResult())  # the other finds nobody before it, too
            others[0] = carry_out_once(call, run.files, rows)
            raise PermanentError("too late")
        return 7

    monkeypatch.setattr(Free, "do", staticmethod(do))
    assert carry_out_once(call, run.files, rows) == others[0]
    assert others[0].output == 7


def test_what_a_deleted_run_of_the_same_id_came_to_is_not_taken_for_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[int] = []

    def do(item: Item, context: StepContext[NoParameters]) -> int:
        done.append(len(done))
        return len(done)

    monkeypatch.setattr(Free, "do", staticmethod(do))
    run = Run()
    run.open()
    rows = Rows(MemoryTables(), "steps")
    earlier = StepCall(batch=run.ref(), saga=SagaStart(index=0), step=0)
    later = earlier.model_copy(
        update={"batch": earlier.batch.model_copy(update={"claim": "another"})}
    )
    outputs = [carry_out_once(call, run.files, rows).output for call in (earlier, later, later)]
    assert outputs == [1, 2, 2]
