"""The orchestrators `saga_batch` and `saga`: dependent steps for each item, undone if one fails.

`saga_batch` runs the sagas of a batch side by side; `saga` those steps of one item that may begin,
all together, until none is left. What to do when is in `fanout.saga`.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from fanout import names
from fanout.ids import saga_instance
from fanout.models.saga import (
    OpenedSagas,
    SagaRecord,
    SagaWork,
    StepCall,
    StepResult,
)
from fanout.models.wave import BatchRef, BatchResult
from fanout.payloads import dump, shortened
from fanout.saga import FIRST_REPAIR_SECONDS, MAX_REPAIR_SECONDS, Call, Move, Saga
from orchestrators.attempts import attempt, attempt_all
from orchestrators.clock import now
from orchestrators.retries import infrastructure

bp = df.Blueprint()
Steps = Generator[Any, Any, Any]
MAX_REASON_BYTES = 200
# How often the end of a saga is written down again when storage fails.
MAX_RECORDS = 20


@bp.orchestration_trigger(context_name="context", orchestration=names.SAGA_BATCH)
def saga_batch(context: df.DurableOrchestrationContext) -> Steps:
    """Run the sagas of a batch; returns its counts as a `BatchResult`."""
    batch = BatchRef.model_validate(context.get_input())
    begun = now(context)
    opened = OpenedSagas.model_validate(
        (yield context.call_activity_with_retry(names.OPEN_SAGAS, infrastructure(), dump(batch)))
    )
    sagas = [
        context.call_sub_orchestrator(
            names.SAGA,
            dump(SagaWork(batch=batch, steps=opened.steps, saga=start)),
            saga_instance(context.instance_id, start.index),
        )
        for start in opened.sagas
    ]
    # One that could not be written down leaves its item pending; a redrive goes on with it.
    yield from attempt_all(context, sagas)
    closed = yield context.call_activity_with_retry(
        names.CLOSE_SAGAS, infrastructure(), dump(batch)
    )
    took = (now(context) - begun).total_seconds() * 1000
    result = BatchResult.model_validate(closed).model_copy(update={"work_ms": round(took, 1)})
    return dump(result)


@bp.orchestration_trigger(context_name="context", orchestration=names.SAGA)
def saga(context: df.DurableOrchestrationContext) -> Steps:
    """Run the saga of one item to its end, and have it written down."""
    work = SagaWork.model_validate(context.get_input())
    begun = now(context)
    course = Saga(work.steps, work.batch.run_id, work.saga.index, work.saga.take)
    move = course.move(begun)
    while move != Move():
        if move.until is not None:
            yield context.create_timer(move.until.replace(tzinfo=None))
        else:
            yield from _carried_out(context, work, course, move.calls)
        move = course.move(now(context))
    took = (now(context) - begun).total_seconds() * 1000
    record = SagaRecord(
        batch=work.batch, saga=work.saga, end=course.end(), duration_ms=round(took, 1)
    )
    yield from _recorded(context, record)
    return record.end.status


def _carried_out(context: Any, work: SagaWork, course: Saga, calls: tuple[Call, ...]) -> Steps:
    """Make some calls, all together, and tell the saga what they came to."""
    tasks = [
        context.call_activity(names.SAGA_STEP, dump(_call(work, course, call))) for call in calls
    ]
    ended = yield from attempt_all(context, tasks)
    results = [
        StepResult.model_validate(one.result)
        if one.failure is None
        else shortened(one.failure, MAX_REASON_BYTES)
        for one in ended
    ]
    course.note(now(context), zip(calls, results, strict=True))


def _call(work: SagaWork, course: Saga, call: Call) -> StepCall:
    return StepCall(
        batch=work.batch,
        saga=work.saga,
        step=call.step,
        mode=call.mode,
        attempt=call.attempt,
        outputs=course.outputs(call),
        is_doubtful=call.is_doubtful,
    )


def _recorded(context: Any, record: SagaRecord) -> Steps:
    """Have the end written down; what it says is true already, so storage is waited for."""
    wait = FIRST_REPAIR_SECONDS
    for _ in range(MAX_RECORDS):
        told = yield from attempt(context.call_activity(names.RECORD_SAGA, dump(record)))
        if told.failure is None:
            return
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=wait))
        wait = min(MAX_REPAIR_SECONDS, 2 * wait)
    raise RuntimeError(f"the end of the saga was not written: {told.failure}")
