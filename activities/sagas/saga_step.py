"""The activity `saga_step`: does or undoes one step of the saga of one item, once.

It never raises for the step: what came of it is its result. That infrastructure is away is one,
too: the saga then waits for it. Whatever else it raises, its orchestrator calls it again.
"""

from activities.batches.fence import NO_FENCE, Fence
from activities.sagas.saga_files import kept_items, kept_results
from activities.sagas.saga_log import now_ms
from activities.sagas.step_runner import StepRunner, describe_fault
from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.adapters.telemetry.logs import logger
from fanout.messages.sagas import KeptStep, StepCall, StepResult
from fanout.naming import functions, row_keys
from fanout.printable import describe_failure

log = logger(functions.SAGA_STEP)


def saga_step(call: StepCall) -> StepResult:
    """Do or undo a step, unless the attempt of its run has ended."""
    return try_step(call, files_of(call.batch), rows(), Fence.around(call.batch, rows()))


def try_step(call: StepCall, files: RunFiles, rows: Rows, fence: Fence = NO_FENCE) -> StepResult:
    """Do or undo a step, and tell if that could not even be tried, or not be written down."""
    try:
        return StepResult(is_over=True) if fence.is_over else carry_out_once(call, files, rows)
    except Exception as error:
        if not is_infrastructure(error):
            raise
        log.warning("%s of step %d waits: %s", call.mode, call.step, describe_failure(error))
        return StepResult(error=describe_fault(error), ended_ms=now_ms(), is_outage=True)


def carry_out_once(call: StepCall, files: RunFiles, rows: Rows) -> StepResult:
    """Do or undo a step, and keep what came of it: whoever makes the same try again hears the same.

    An activity may be carried out twice, and a saga that died is taken up anew: what has been
    undone meanwhile is so not done again. Looking first costs a read of a row for each try. What
    the batch has done together is in its file.
    """
    together = kept_results(files, call.batch).get(call.key)
    return together or _carry_out_apart(call, files, rows)


def _carry_out_apart(call: StepCall, files: RunFiles, rows: Rows) -> StepResult:
    partition = row_keys.steps_partition(call.batch.run_id, call.batch.attempt)
    row_key = row_keys.step_row(
        call.saga.index, call.saga.take, call.step, call.mode, call.try_number
    )
    claim = call.batch.claim
    kept = rows.load(partition, row_key, KeptStep)
    if (known := kept.result_for(claim)) is not None:
        return known
    own = KeptStep(claim=claim, result=carry_out(call, files))
    if kept == KeptStep() and rows.create(partition, row_key, own):
        return own.result or StepResult()

    def keep_first(kept: KeptStep) -> tuple[KeptStep, StepResult | None]:
        earlier = kept.result_for(claim)
        return (own, own.result) if earlier is None else (kept, earlier)

    return rows.change(partition, row_key, KeptStep, keep_first) or StepResult()


def carry_out(call: StepCall, files: RunFiles) -> StepResult:
    """Do or undo a step of the saga of an item."""
    return StepRunner.for_batch(call.batch, files, kept_items(files, call.batch)).carry_out(call)
