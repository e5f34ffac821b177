"""The orchestrators `saga_batch` and `saga`: dependent steps for each item, undone if one fails.

`saga_batch` has an activity run the sagas of a batch. Those that it does not bring to their end go
on apart: `saga` has those steps of one item carried out that may begin, all together, until none is
left. What to do when is in `fanout.sagas.machine`.
"""

from collections.abc import Generator
from datetime import datetime
from typing import Any

from fanout.durable.app import Blueprint, orchestrator
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.payloads import dump, shorten
from fanout.messages.sagas import (
    FindUndoAsk,
    FindUndoResult,
    RunSagasResult,
    SagaRecord,
    SagaStart,
    SagaWork,
    StepCall,
    StepPlan,
    StepResult,
)
from fanout.messages.tickets import answer_as_child
from fanout.naming import functions
from fanout.naming.instance_ids import saga_instance
from fanout.sagas.machine import (
    FIRST_REPAIR_SECONDS,
    MAX_REPAIR_SECONDS,
    Breakdown,
    Call,
    Move,
    Saga,
)
from orchestrators.accounts import open_account, usage_of
from orchestrators.calling import call_all, call_all_patiently, call_insistently
from orchestrators.calls import Activity, Child
from orchestrators.clock import now
from orchestrators.sleep import sleep
from orchestrators.tasks import TaskResult

bp = Blueprint()


class SagaBatchError(Exception):
    """The sagas of a batch could not be carried out or closed; the message has the reason."""


Steps = Generator[Any, Any, Any]
MAX_REASON_BYTES = 200
# What a saga comes to whose run has ended: a later attempt takes it up.
ABANDONED = "abandoned"
# How often the end of a saga is written down again when storage fails.
MAX_RECORDS = 20


@orchestrator(bp, functions.SAGA_BATCH)
def saga_batch(context: Any, given: Any) -> Steps:
    """Run the sagas of a batch; returns its counts as a `BatchResult`."""
    batch = BatchRef.model_validate(given)
    open_account(context)
    since = now(context)
    # Steps may have been done already: they are not left alone because storage is away.
    ran = yield from call_insistently(
        context, Activity(context, functions.RUN_SAGAS, batch, once=True)
    )
    opening = RunSagasResult.model_validate(_insist_on_value(ran))
    result = opening.result or (yield from _go_on_apart(context, batch, opening))
    update = {"work_ms": _milliseconds_since(context, since)}
    answer = dump(result.model_copy(update=update))
    return answer_as_child(context.instance_id, answer, usage_of(context))


def _go_on_apart(
    context: Any, batch: BatchRef, opening: RunSagasResult
) -> Generator[Any, Any, BatchResult]:
    """Have each saga that has not ended go on by itself, and close the batch after all of them."""
    # One that could not be written down leaves its item pending; a redrive goes on with it.
    yield from call_all_patiently(
        context, [_SagaCall(context, batch, opening.steps, start) for start in opening.sagas]
    )
    closed = yield from call_insistently(
        context, Activity(context, functions.CLOSE_SAGAS, batch, once=True)
    )
    return BatchResult.model_validate(_insist_on_value(closed))


class _SagaCall:
    """Starts the saga of an item; from the second time on it takes up what the first has left."""

    def __init__(
        self, context: Any, batch: BatchRef, steps: list[StepPlan], start: SagaStart
    ) -> None:
        self.context = context
        self._work = SagaWork(batch=batch, steps=steps, saga=start, may_undo=batch.attempt > 1)

    @property
    def _child(self) -> Child:
        instance = saga_instance(self.context.instance_id, self._work.saga.index)
        return Child(self.context, functions.SAGA, self._work, instance)

    @property
    def ticket(self) -> str:
        return self._child.ticket

    def __call__(self) -> Any:
        child = self._child
        repeated = self._work.batch.model_copy(update={"is_repeated": True})
        self._work = self._work.model_copy(update={"batch": repeated})
        return child()


def _insist_on_value(result: TaskResult) -> Any:
    """The answer of an activity without which the batch comes to nothing."""
    if result.failure is not None:
        raise SagaBatchError(result.failure)
    return result.value


@orchestrator(bp, functions.SAGA)
def saga(context: Any, given: Any) -> Steps:
    """Run the saga of one item to its end, and have it written down."""
    work = SagaWork.model_validate(given)
    open_account(context)
    since = now(context)
    left = (yield from _find_undo(context, work)) if work.may_undo else FindUndoResult()
    seeds = (work.batch.run_id, work.saga.index, work.saga.take)
    course = Saga(work.steps, *seeds, undo=left.undo, has_begun=left.has_begun)
    move = course.move(since)
    while move != Move():
        if move.until is not None:
            yield from sleep(context, (move.until - now(context)).total_seconds())
        elif not (yield from _make_calls(context, work, course, move.calls)):
            return answer_as_child(context.instance_id, ABANDONED, usage_of(context))
        move = course.move(now(context))
    record = SagaRecord(
        batch=work.batch,
        saga=work.saga,
        end=course.end(),
        duration_ms=_milliseconds_since(context, since),
    )
    yield from _record(context, record)
    return answer_as_child(context.instance_id, record.end.status, usage_of(context))


def _find_undo(context: Any, work: SagaWork) -> Generator[Any, Any, FindUndoResult]:
    """Ask what an earlier attempt has left of the saga."""
    ask = FindUndoAsk(batch=work.batch, saga=work.saga)
    found = yield from call_insistently(
        context, Activity(context, functions.FIND_UNDO, ask, once=True)
    )
    return FindUndoResult.model_validate(_insist_on_value(found))


def _make_calls(
    context: Any, work: SagaWork, course: Saga, calls: tuple[Call, ...]
) -> Generator[Any, Any, bool]:
    """Make some calls, all together, and have the saga take note of what they came to.

    Returns:
        Whether the saga goes on; it does not once the attempt of its run has ended.
    """
    activities = [
        Activity(context, functions.SAGA_STEP, _step_call(work, course, call), once=True)
        for call in calls
    ]
    results = [_step_result(result) for result in (yield from call_all(context, activities))]
    if any(isinstance(result, StepResult) and result.is_over for result in results):
        return False
    course.note(now(context), zip(calls, results, strict=True))
    return True


def _step_call(work: SagaWork, course: Saga, call: Call) -> StepCall:
    return StepCall(
        batch=work.batch,
        saga=work.saga,
        step=call.step,
        mode=call.mode,
        try_number=call.try_number,
        outputs=course.outputs(call),
        is_doubtful=call.is_doubtful,
    )


def _step_result(result: TaskResult) -> StepResult | Breakdown:
    if result.failure is not None:
        return Breakdown(shorten(result.failure, MAX_REASON_BYTES))
    return StepResult.model_validate(result.value)


def _record(context: Any, record: SagaRecord) -> Steps:
    """Have the end written down; what it says is true already, so storage is waited for."""
    wait = FIRST_REPAIR_SECONDS
    for _ in range(MAX_RECORDS):
        call = Activity(context, functions.RECORD_SAGA, record, once=True)
        (result,) = yield from call_all(context, [call])
        if result.failure is None:
            return
        yield from sleep(context, wait)
        wait = min(MAX_REPAIR_SECONDS, 2 * wait)
    raise RuntimeError(f"the end of the saga was not written: {result.failure}")


def _milliseconds_since(context: Any, since: datetime) -> float:
    return round((now(context) - since).total_seconds() * 1000, 1)
