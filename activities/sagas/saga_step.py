"""The activity `saga_step`: does or undoes one step of the saga of one item, once.

It never raises for the step: what came of it is its result. It raises for infrastructure, and the
orchestrator then tries again.
"""

import asyncio
import inspect
import json
import time
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from pydantic_core import PydanticSerializationError, to_jsonable_python

from activities.batches.batch import error_info
from activities.batches.fence import Fence
from activities.batches.item_files import RunItemFiles
from activities.batches.time_limits import TimeLimits
from activities.sagas.saga_files import kept_items, saga_workload
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.telemetry.logs import bind_task, logger
from fanout.adapters.telemetry.spans import trace_activity
from fanout.messages.payloads import dump, shortened
from fanout.messages.sagas import MAX_OUTPUT_BYTES, KeptStep, StepCall, StepResult
from fanout.messages.tickets import answered
from fanout.models.outcome import ErrorInfo
from fanout.naming import functions, row_keys
from fanout.naming.idempotency_keys import saga_step_key
from fanout.workload import Step, StepContext

bp = df.Blueprint()
log = logger("workload")
MAX_TYPE_BYTES = 80
MAX_REASON_BYTES = 400


@bp.activity_trigger(input_name="call", activity=functions.SAGA_STEP)
def saga_step(call: dict, context: func.Context) -> dict:
    """Do or undo a step; shell around `carry_out`."""
    found = StepCall.model_validate(call)
    with trace_activity(context, call):
        if Fence.around(found.batch, rows()).is_over:
            return answered(call, dump(StepResult(is_over=True)))
        return answered(call, dump(carry_out_once(found, files_of(found.batch), rows())))


def carry_out_once(call: StepCall, files: RunFiles, to: Rows) -> StepResult:
    """Do or undo a step, and keep what came of it: whoever makes the same try again hears the same.

    An activity may be carried out twice, and a saga that died is taken up anew: what has been
    undone meanwhile is so not done again. Looking first costs a read of a row for each try.
    """
    partition = row_keys.steps_partition(call.batch.run_id, call.batch.attempt)
    row_key = row_keys.step_row(call.saga.index, call.saga.take, call.step, call.mode, call.attempt)
    claim = call.batch.claim
    known = to.load(partition, row_key, KeptStep).of(claim)
    if known is not None:
        return known
    mine = KeptStep(claim=claim, result=carry_out(call, files))

    def first(kept: KeptStep) -> tuple[KeptStep, StepResult | None]:
        found = kept.of(claim)
        return (mine, mine.result) if found is None else (kept, found)

    return to.change(partition, row_key, KeptStep, first) or StepResult()


def carry_out(call: StepCall, files: RunFiles) -> StepResult:
    """Do or undo a step of the saga of an item."""
    ref = call.batch
    request = kept_request(files, ref.run_id, ref.attempt)
    workload = saga_workload(request.workload)
    kept = kept_items(files, ref)[call.saga.index]
    step = workload.steps[call.step]
    bind_task(kept.item_id)
    keys = {
        one.name: saga_step_key(ref.run_id, kept.item_id, one.name, call.saga.take)
        for one in workload.steps
    }
    context = StepContext(
        run_id=ref.run_id,
        idempotency_key=keys[step.name],
        keys=keys,
        attempt=call.attempt,
        parameters=workload.parameters_model.model_validate(request.parameters),
        logger=log,
        files=RunItemFiles.of(request, ref.run_id, files),
        outputs=call.outputs,
        is_doubtful=call.is_doubtful,
    )
    item = workload.item_model.model_validate(kept.item)
    limits = TimeLimits.begin(request.timeouts)
    begun = time.perf_counter()
    try:
        made = limits.call_item(_finished, step, call, item, context)
        output = _reference(made) if call.mode == "do" else None
    except Exception as error:  # noqa: BLE001  whatever user code raises is an outcome
        _tell(call, step, error, (time.perf_counter() - begun) * 1000)
        return StepResult(error=_cut(error_info(error)), ended_ms=_now_ms())
    return StepResult(output=output, ended_ms=_now_ms())


def _finished(step: Step, call: StepCall, item: Any, context: StepContext[Any]) -> Any:
    if call.mode == "do":
        made = step.do(item, context)
    elif step.undo is not None:
        made = step.undo(item, call.outputs.get(step.name), context)
    else:
        raise TypeError(f"the step '{step.name}' cannot be undone")
    return asyncio.run(_awaited(made)) if inspect.isawaitable(made) else made


async def _awaited(made: Any) -> Any:
    return await made


class StepOutputError(Exception):
    """A step returned what cannot travel through a history."""


def _reference(output: Any) -> Any:
    try:
        found = to_jsonable_python(output)
        size = len(json.dumps(found, allow_nan=False))
    except (PydanticSerializationError, ValueError) as error:
        raise StepOutputError(f"the output is no JSON: {error}") from error
    if size > MAX_OUTPUT_BYTES:
        message = f"the output takes {size} bytes; return a reference of {MAX_OUTPUT_BYTES} at most"
        raise StepOutputError(message)
    return found


def _tell(call: StepCall, step: Step, error: Exception, took_ms: float) -> None:
    about = {"error_type": type(error).__name__, "error_message": str(error)}
    log.info("%s %s failed", call.mode, step.name, extra=about | {"duration_ms": took_ms})


def _cut(error: ErrorInfo) -> ErrorInfo:
    texts = {
        "type": shortened(error.type, MAX_TYPE_BYTES),
        "message": shortened(error.message, MAX_REASON_BYTES),
    }
    return error.model_copy(update=texts)


def _now_ms() -> int:
    return int(time.time() * 1000)
