"""The activity `saga_step`: does or undoes one step of the saga of one item, once.

It never raises for the step: what came of it is its result. It raises for infrastructure, and the
orchestrator then tries again.
"""

import inspect
import json
import time
from typing import Any

from activities.batches.event_loop import run_coroutine
from activities.batches.fence import Fence
from activities.batches.item_errors import error_info
from activities.batches.item_files import RunItemFiles
from activities.batches.time_limits import TimeLimits
from activities.sagas.saga_files import kept_items, saga_workload
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.telemetry.logs import bind_task, logger
from fanout.messages.payloads import shorten
from fanout.messages.sagas import MAX_OUTPUT_BYTES, KeptStep, StepCall, StepResult
from fanout.models.outcome import ErrorInfo
from fanout.naming import row_keys
from fanout.naming.idempotency_keys import saga_step_key
from fanout.outcomes.outputs import OutputError, make_plain
from fanout.workload import Step, StepContext

log = logger("workload")
MAX_TYPE_BYTES = 80
MAX_REASON_BYTES = 400


def saga_step(call: StepCall) -> StepResult:
    """Do or undo a step, unless the attempt of its run has ended."""
    if Fence.around(call.batch, rows()).is_over:
        return StepResult(is_over=True)
    return carry_out_once(call, files_of(call.batch), rows())


def carry_out_once(call: StepCall, files: RunFiles, rows: Rows) -> StepResult:
    """Do or undo a step, and keep what came of it: whoever makes the same try again hears the same.

    An activity may be carried out twice, and a saga that died is taken up anew: what has been
    undone meanwhile is so not done again. Looking first costs a read of a row for each try.
    """
    partition = row_keys.steps_partition(call.batch.run_id, call.batch.attempt)
    row_key = row_keys.step_row(
        call.saga.index, call.saga.take, call.step, call.mode, call.try_number
    )
    claim = call.batch.claim
    known = rows.load(partition, row_key, KeptStep).result_for(claim)
    if known is not None:
        return known
    own = KeptStep(claim=claim, result=carry_out(call, files))

    def keep_first(kept: KeptStep) -> tuple[KeptStep, StepResult | None]:
        earlier = kept.result_for(claim)
        return (own, own.result) if earlier is None else (kept, earlier)

    return rows.change(partition, row_key, KeptStep, keep_first) or StepResult()


def carry_out(call: StepCall, files: RunFiles) -> StepResult:
    """Do or undo a step of the saga of an item."""
    ref = call.batch
    request = kept_request(files, ref.run_id, ref.attempt)
    workload = saga_workload(request.workload)
    kept = kept_items(files, ref)[call.saga.index]
    step = workload.steps[call.step]
    bind_task(kept.item_id)
    keys = {
        other.name: saga_step_key(ref.run_id, kept.item_id, other.name, call.saga.take)
        for other in workload.steps
    }
    context = StepContext(
        run_id=ref.run_id,
        idempotency_key=keys[step.name],
        keys=keys,
        attempt=call.try_number,
        parameters=workload.parameters_model.model_validate(request.parameters),
        logger=log,
        files=RunItemFiles.for_run(request, ref.run_id, files),
        outputs=call.outputs,
        is_doubtful=call.is_doubtful,
    )
    limits = TimeLimits.from_now(request.timeouts)
    started = time.perf_counter()
    try:
        item = workload.item_model.model_validate(kept.item)
        returned = limits.call_item(_call_step, step, call, item, context)
        output = _check_output(returned) if call.mode == "do" else None
    except BaseException as error:  # noqa: BLE001  whatever user code raises is an outcome
        fault = error_info(error)
        _log_failure(call, step, fault, (time.perf_counter() - started) * 1000)
        return StepResult(error=_shorten_texts(fault), ended_ms=_now_ms())
    return StepResult(output=output, ended_ms=_now_ms())


def _call_step(step: Step, call: StepCall, item: Any, context: StepContext[Any]) -> Any:
    if call.mode == "do":
        returned = step.do(item, context)
    elif step.undo is not None:
        returned = step.undo(item, call.outputs.get(step.name), context)
    else:
        raise TypeError(f"the step '{step.name}' cannot be undone")
    return run_coroutine(_await(returned)) if inspect.isawaitable(returned) else returned


async def _await(returned: Any) -> Any:
    return await returned


class StepOutputError(Exception):
    """A step returned what cannot travel through a history."""


def _check_output(output: Any) -> Any:
    """Make an output plain JSON, which must be short: it travels through the history."""
    try:
        plain = make_plain(output)
    except OutputError as error:
        raise StepOutputError(str(error)) from error
    size = len(json.dumps(plain))
    if size > MAX_OUTPUT_BYTES:
        message = f"the output takes {size} bytes; return a reference of {MAX_OUTPUT_BYTES} at most"
        raise StepOutputError(message)
    return plain


def _log_failure(call: StepCall, step: Step, error: ErrorInfo, took_ms: float) -> None:
    fields = {"error_type": error.type, "error_message": error.message}
    log.info("%s %s failed", call.mode, step.name, extra=fields | {"duration_ms": took_ms})


def _shorten_texts(error: ErrorInfo) -> ErrorInfo:
    texts = {
        "type": shorten(error.type, MAX_TYPE_BYTES),
        "message": shorten(error.message, MAX_REASON_BYTES),
    }
    return error.model_copy(update=texts)


def _now_ms() -> int:
    return int(time.time() * 1000)
