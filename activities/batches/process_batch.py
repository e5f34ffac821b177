"""The activity `process_batch`: runs the workload over one batch and writes its part file.

It never raises for an item: what happened to each is an outcome. It raises for infrastructure, and
is then tried again. The name of a part says whose outcomes it holds, and the first to write it has
said them: whoever carries out the same batch again gives the result that its part has.
"""

import os
import time
from contextlib import nullcontext
from threading import BoundedSemaphore

import azure.durable_functions as df
import azure.functions as func

from activities.batches.batch import Batch, Processed, came_to
from activities.batches.chunk_batch import process_chunk_batch
from activities.batches.chunks import chunk_of
from activities.batches.earlier import Earlier, outcomes_before, partial_before
from activities.batches.fence import Fence
from activities.batches.item_files import RunItemFiles
from activities.batches.map_batch import process_map_batch
from activities.batches.time_limits import TimeLimits
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of, kept_partition, kept_request
from fanout.adapters.run_files.part_reader import join_cuts
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.otel import record_metric
from fanout.adapters.telemetry.spans import trace_activity
from fanout.errors import SourceChangedError
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.payloads import dump
from fanout.messages.tickets import answered
from fanout.models.outcome import ErrorInfo, Outcome
from fanout.models.plan import BatchCut
from fanout.naming import blob_paths, functions
from fanout.naming.media_types import JSON_LINES
from fanout.outcomes.lines import failed_line, range_line, status_of
from fanout.workload import ChunkWorkload, MapWorkload, Workload
from workloads import registry

bp = df.Blueprint()
log = logger(functions.PROCESS_BATCH)

# Chunks are large, and work on one takes a core: more at once only crowd the memory of a worker
# process. One more than it has cores is read meanwhile.
CHUNKS_AT_ONCE = (os.cpu_count() or 1) + 1
_chunks = BoundedSemaphore(CHUNKS_AT_ONCE)


@bp.activity_trigger(input_name="ref", activity=functions.PROCESS_BATCH)
def process_batch(ref: dict, context: func.Context) -> dict:
    """Process a batch; shell around `process`."""
    with trace_activity(context, ref):
        found = BatchRef.model_validate(ref)
        return answered(ref, dump(process(found, files_of(found), rows())))


def process(ref: BatchRef, files: RunFiles, fenced_by: Rows | None = None) -> BatchResult:
    """Run the workload over a batch, or (in a later round) over those items that wait for one.

    Args:
        ref: Which batch.
        files: Where the run is kept.
        fenced_by: The rows that say when its attempt has ended; None never ends it.
    """
    begun = time.perf_counter()
    of = blob_paths.generation(ref.attempt)
    cuts = kept_partition(files, ref.run_id, ref.partition, of).cuts
    cut = join_cuts(cuts[ref.batch : ref.batch + ref.span])
    before = outcomes_before(ref, files)
    part = blob_paths.part_path(ref.run_id, of, ref.name)
    if ref.is_repeated and files.exists(part):
        return _known(ref, files, part, before)
    try:
        processed = _process(ref, files, cut, before, Fence.around(ref, fenced_by))
    except SourceChangedError as error:
        processed = _given_up(cut, before.lines, error)
        processed.partial = partial_before(ref, files)
    if processed.partial is not None:
        files.write_first(blob_paths.partial_path(part), processed.partial)
    if not files.write_first(part, b"".join(processed.lines), JSON_LINES):
        return _known(ref, files, part, before)
    result = processed.result
    _tell(part, result, (time.perf_counter() - begun) * 1000)
    return result


def _known(ref: BatchRef, files: RunFiles, part: str, before: Earlier) -> BatchResult:
    """What the execution came to that wrote the part."""
    workload = registry.get(kept_request(files, ref.run_id, ref.attempt).workload)
    calls_downstream = workload.downstream is not None
    return came_to(before, files.read(part), calls_downstream=calls_downstream)


def _tell(path: str, result: BatchResult, duration_ms: float) -> None:
    """Log a batch, and each kind of failure in it; the part file has every single one."""
    log.debug("wrote %s", path, extra={"duration_ms": duration_ms})
    if result.retryable:
        log.info("%d items of %s will be tried again", result.retryable, path)
    for group in result.errors:
        about = {"task_id": group.example_item, "error_type": group.type}
        about["error_message"] = group.message
        log.warning("gave up on %d items of %s", group.count, path, extra=about)


def _process(
    ref: BatchRef, files: RunFiles, cut: BatchCut, before: Earlier, fence: Fence
) -> Processed:
    request = kept_request(files, ref.run_id, ref.attempt)
    workload = registry.get(request.workload)
    turn = _chunks if isinstance(workload, ChunkWorkload) else nullcontext()
    with turn:
        return _processed(_batch(ref, files, cut, before, workload, fence), workload)


def _batch(
    ref: BatchRef,
    files: RunFiles,
    cut: BatchCut,
    before: Earlier,
    workload: Workload,
    fence: Fence,
) -> Batch:
    request = kept_request(files, ref.run_id, ref.attempt)
    return Batch(
        run_id=ref.run_id,
        max_attempts=request.retry.max_attempts,
        is_probe=ref.is_probe,
        chunk=chunk_of(files, ref.run_id, request, cut),
        parameters=workload.parameters_model.model_validate(request.parameters),
        before=before.lines,
        has_begun=before.has_begun,
        before_partial=partial_before(ref, files),
        limits=TimeLimits.begin(request.timeouts),
        files=RunItemFiles.of(request, ref.run_id, files),
        fence=fence,
    )


def _processed(batch: Batch, workload: Workload) -> Processed:
    begun = time.perf_counter()
    if isinstance(workload, ChunkWorkload):
        processed = process_chunk_batch(workload, batch)
        seconds = (time.perf_counter() - begun) / max(1, batch.chunk.count)
        record_metric(metrics.ITEM_DURATION, seconds, workload=workload.name)
    elif isinstance(workload, MapWorkload):
        processed = process_map_batch(workload, batch)
    else:
        raise TypeError(f"the workload '{workload.name}' has no shape that a batch can run")
    processed.work_ms = (time.perf_counter() - begun) * 1000
    return processed


def _given_up(cut: BatchCut, before: bytes, error: Exception) -> Processed:
    """Fail every item that still waits; those that ended in an earlier round stay as they are."""
    fault = ErrorInfo(type=type(error).__name__, message=str(error))
    processed = Processed()
    waiting = before or range_line("pending", cut.first_index, cut.items, 0)
    for line in waiting.splitlines(keepends=True):
        if status_of(line) != "pending":
            processed.lines.append(line)
            continue
        item = Outcome.model_validate_json(line)
        processed.count_failed(fault, item.item_id, item.count)
        processed.lines.append(
            failed_line("failed", item.index, item.item_id, fault, item.attempts, item.duration_ms)
            if item.count == 1
            else range_line("failed", item.index, item.count, item.attempts, fault)
        )
    return processed
