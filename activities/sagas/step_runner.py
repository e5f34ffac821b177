"""Does or undoes one step of the saga of an item; whatever it raises is a result."""

import inspect
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from activities.batches.event_loop import run_coroutine
from activities.batches.item_errors import error_info
from activities.batches.item_files import RunItemFiles
from activities.batches.time_limits import TimeLimits
from activities.sagas.saga_files import saga_workload
from activities.sagas.saga_log import now_ms
from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.run_files.files import RunFiles, kept_request
from fanout.adapters.telemetry.logs import bind_task, logger
from fanout.messages.batches import BatchRef
from fanout.messages.payloads import shorten
from fanout.messages.sagas import MAX_OUTPUT_BYTES, SagaItem, StepCall, StepResult
from fanout.models.outcome import ErrorInfo
from fanout.models.request import Timeouts
from fanout.naming.idempotency_keys import saga_step_key
from fanout.outcomes.outputs import OutputError, make_plain
from fanout.workload import ItemFiles, SagaWorkload, Step, StepContext

log = logger("workload")
MAX_TYPE_BYTES = 80
MAX_REASON_BYTES = 400


@dataclass(frozen=True)
class StepRunner:
    """Does the steps of the sagas of a batch.

    Attributes:
        items: By index.
    """

    workload: SagaWorkload[Any, Any]
    parameters: Any
    timeouts: Timeouts
    items: Mapping[int, SagaItem]
    files: ItemFiles

    @classmethod
    def for_batch(
        cls, ref: BatchRef, files: RunFiles, items: Mapping[int, SagaItem]
    ) -> "StepRunner":
        """For the items of a batch."""
        request = kept_request(files, ref.run_id, ref.attempt)
        workload = saga_workload(request.workload)
        return cls(
            workload=workload,
            parameters=workload.parameters_model.model_validate(request.parameters),
            timeouts=request.timeouts,
            items=items,
            files=RunItemFiles.for_run(request, ref.run_id, files),
        )

    def carry_out(self, call: StepCall) -> StepResult:
        """Do or undo a step."""
        kept, step = self.items[call.saga.index], self.workload.steps[call.step]
        bind_task(kept.item_id)
        context = self._context(call, kept.item_id)
        limits = TimeLimits.of(self.timeouts)
        started = time.perf_counter()
        try:
            item = self.workload.item_model.model_validate(kept.item)
            returned = limits.call_item(_call_step, step, call, item, context)
            output = _check_output(returned) if call.mode == "do" else None
        except BaseException as error:  # noqa: BLE001  whatever user code raises is an outcome
            fault = describe_fault(error)
            _log_failure(call, step, fault, (time.perf_counter() - started) * 1000)
            is_outage = is_infrastructure(error)
            return StepResult(error=fault, ended_ms=now_ms(), is_outage=is_outage)
        return StepResult(output=output, ended_ms=now_ms())

    def _context(self, call: StepCall, item_id: str) -> StepContext[Any]:
        steps = self.workload.steps
        keys = {
            step.name: saga_step_key(call.batch.run_id, item_id, step.name, call.saga.take)
            for step in steps
        }
        return StepContext(
            run_id=call.batch.run_id,
            idempotency_key=keys[steps[call.step].name],
            keys=keys,
            attempt=call.try_number,
            parameters=self.parameters,
            logger=log,
            files=self.files,
            outputs=call.outputs,
            is_doubtful=call.is_doubtful,
            index=call.saga.index,
        )


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


def describe_fault(raised: BaseException) -> ErrorInfo:
    """Describe what was raised in texts that are short enough for a history."""
    error = error_info(raised)
    texts = {
        "type": shorten(error.type, MAX_TYPE_BYTES),
        "message": shorten(error.message, MAX_REASON_BYTES),
    }
    return error.model_copy(update=texts)
