"""The activity `process_batch`: runs the workload over one batch and writes its part file.

It never raises for an item: what happened to each is an outcome. It raises for infrastructure, and
is then tried again. The name of a part says whose outcomes it holds, and the first to write it
decides them: whoever carries out the same batch again gives the result that its part has.
"""

import os
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from threading import BoundedSemaphore

from activities.batches.batch import Batch, Processed
from activities.batches.boxes.rests import (
    batch_cuts,
    batch_part_path,
    give_back_by,
    kept_cuts,
    watch,
)
from activities.batches.boxes.stretch import Stretch
from activities.batches.chunk_batch import process_chunk_batch
from activities.batches.cut_reader import read_cut, refuse_unreadable
from activities.batches.earlier import Earlier, read_outcomes_before, read_partial_before
from activities.batches.fence import Fence
from activities.batches.item_errors import source_fault
from activities.batches.item_files import RunItemFiles
from activities.batches.map_batch import process_map_batch
from activities.batches.part_result import result_of_part
from activities.batches.time_limits import TimeLimits
from activities.events import Events, RaiseEvent, raise_nothing
from activities.memory.batch_memory import BatchMemory, hold_for_batch
from fanout.adapters.accounts import note_item_time
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import (
    RunFiles,
    files_of,
    kept_request,
)
from fanout.adapters.run_files.intact import find_part, read_part, write_part
from fanout.adapters.run_files.part_reader import join_cuts
from fanout.adapters.sources.blobs import BrokenSourceError
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.otel import record_metric
from fanout.errors import SourceChangedError
from fanout.messages.batches import BatchRef, BatchResult, ProcessAsk, TimeBox
from fanout.models.outcome import ErrorInfo, Outcome
from fanout.models.plan import Cut
from fanout.naming import functions
from fanout.outcomes.lines import failed_line, range_line, status_of
from fanout.outcomes.rests import first_lines
from fanout.workload import ChunkWorkload, MapWorkload, Workload
from workloads import registry

log = logger(functions.PROCESS_BATCH)

# Work on a chunk takes a core: more at once only crowd the memory of a worker process. One more
# than it has cores is read meanwhile.
CHUNKS_AT_ONCE = (os.cpu_count() or 1) + 1
_chunks = BoundedSemaphore(CHUNKS_AT_ONCE)
# Less than it takes to start a host again, after which it carries out again what it had begun.
RESTART_SECONDS = 1.0


def process_batch(ask: ProcessAsk, events: Events) -> BatchResult:
    """Process a batch."""
    return process(ask, files_of(ask), rows(), events.raise_event)


def process(
    ask: ProcessAsk,
    files: RunFiles,
    rows: Rows | None = None,
    raise_event: RaiseEvent = raise_nothing,
) -> BatchResult:
    """Run the workload over a batch, or (in a later round) over those items that wait for one.

    Args:
        ask: Which batch.
        files: Where the run is kept.
        rows: They say when its attempt has ended; None never ends it.
        raise_event: Tells the orchestration that the batch gives back a rest.
    """
    # One that takes its time may have begun before: then its rest is others' already.
    if ask.is_repeated or (ask.box is not None and not _is_granted_just_now(ask.box)):
        part = find_part(files, batch_part_path(ask))
        if part is not None:
            return _take_up(ask, part, files, rows)
    return process_anew(ask, files, rows, raise_event).result


def _is_granted_just_now(box: TimeBox) -> bool:
    """Tell whether nobody can have begun a batch before: no host starts again so fast."""
    if box.granted_at is None:
        return False
    age = datetime.now(UTC) - datetime.fromisoformat(box.granted_at)
    return abs(age.total_seconds()) < RESTART_SECONDS


@dataclass(frozen=True)
class BatchEnd:
    """What a batch came to.

    Attributes:
        lines: Its part, if this execution has written it.
        partial: Its partial; None if it has none.
    """

    result: BatchResult
    lines: bytes | None = None
    partial: bytes | None = None


def _take_up(ask: ProcessAsk, part: bytes, files: RunFiles, rows: Rows | None) -> BatchResult:
    """Go on where another execution of the batch has come to."""
    kept = kept_cuts(ask, part, files)
    if kept is None:
        return _read_result(ask, part, read_outcomes_before(ask, files), files)
    own = ask.model_copy(update={"span": kept, "box": None, "is_repeated": True})
    return process(own, files, rows).model_copy(update={"cuts": kept})


def process_anew(
    ask: ProcessAsk, files: RunFiles, rows: Rows | None, raise_event: RaiseEvent
) -> BatchEnd:
    """Run the workload over a batch that has left no part, as far as is known."""
    cut = join_cuts(batch_cuts(ask, files))
    has_outcomes = ask.retry_round > 0 or ask.attempt > 1
    with hold_for_batch(files, ask, cut, has_outcomes=has_outcomes) as memory:
        end = _process_in(memory, ask, files, rows, raise_event)
    # Whoever ends the run at once has no hold for long ones; they are read again.
    is_short = len(end.lines or b"") + len(end.partial or b"") <= files.budget.free
    return end if is_short else BatchEnd(end.result)


def _process_in(
    memory: BatchMemory,
    ask: ProcessAsk,
    files: RunFiles,
    rows: Rows | None,
    raise_event: RaiseEvent,
) -> BatchEnd:
    started = time.perf_counter()
    cut, before = memory.cut, read_outcomes_before(ask, files)
    stretch = Stretch(batch_cuts(ask, files))
    if not _gives_back(ask, before, files):
        ask = ask.model_copy(update={"box": None})
    try:
        with watch(ask, stretch, files, raise_event):
            fence = Fence.around(ask, rows)
            processed = _run_workload(ask, files, before, fence, stretch, memory)
    except (BrokenSourceError, SourceChangedError) as error:
        processed = _give_up(cut, before.lines, source_fault(error))
        processed.partial = read_partial_before(ask, files)
        stretch.end = stretch.bounds[-1]
    if stretch.has_rest:
        return BatchEnd(_write_own(ask, processed, stretch, before, files))
    part, lines = batch_part_path(ask), b"".join(processed.lines)
    if not write_part(files, part, lines, processed.partial):
        return BatchEnd(_yield_to_first(ask, processed, stretch, before, files))
    result = processed.result
    _log(part, result, (time.perf_counter() - started) * 1000)
    return BatchEnd(result, lines, processed.partial)


def _gives_back(ask: ProcessAsk, before: Earlier, files: RunFiles) -> bool:
    """Tell whether a batch can give back a rest: item by item, and for the first time."""
    workload = registry.get(kept_request(files, ask.run_id, ask.attempt).workload)
    return isinstance(workload, MapWorkload) and not before.lines


def _write_own(
    ask: ProcessAsk, processed: Processed, stretch: Stretch, before: Earlier, files: RunFiles
) -> BatchResult:
    """Write the part of a batch that gave back its rest: the outcomes of what it has kept."""
    kept = stretch.kept
    if kept is None:
        return _read_result(ask, read_part(files, batch_part_path(ask)), before, files)
    own = ask.model_copy(update={"span": kept})
    part, end = batch_part_path(own), stretch.bounds[kept]
    lines = b"".join(processed.lines)
    is_exact = stretch.end == end
    is_first = write_part(files, part, lines if is_exact else first_lines(lines, end))
    if is_first and is_exact:
        return processed.result.model_copy(update={"cuts": kept})
    result = _read_result(own, read_part(files, part), before, files)
    return result.model_copy(update={"cuts": kept})


def _yield_to_first(
    ask: ProcessAsk, processed: Processed, stretch: Stretch, before: Earlier, files: RunFiles
) -> BatchResult:
    """Give the result of the execution that was first; it may have given back a rest."""
    part = read_part(files, batch_part_path(ask))
    stretch.kept = kept_cuts(ask, part, files)
    if stretch.kept is None:
        return _read_result(ask, part, before, files)
    return _write_own(ask, processed, stretch, before, files)


def _read_result(ref: BatchRef, part: bytes, before: Earlier, files: RunFiles) -> BatchResult:
    """Read what the execution came to that wrote the part."""
    workload = registry.get(kept_request(files, ref.run_id, ref.attempt).workload)
    calls_downstream = workload.downstream is not None
    return result_of_part(before, part, calls_downstream=calls_downstream)


def _log(part: str, result: BatchResult, duration_ms: float) -> None:
    """Log a batch, and each kind of failure in it; the part file has every single one."""
    log.debug("wrote %s", part, extra={"duration_ms": duration_ms})
    if result.retryable:
        log.info("%d items of %s will be tried again", result.retryable, part)
    for group in result.errors:
        fields = {"task_id": group.example_item, "error_type": group.type}
        fields["error_message"] = group.message
        log.warning("gave up on %d items of %s", group.count, part, extra=fields)


def _run_workload(
    ask: ProcessAsk,
    files: RunFiles,
    before: Earlier,
    fence: Fence,
    stretch: Stretch,
    memory: BatchMemory,
) -> Processed:
    """Read the batch and process it; no more chunks at once than there are cores for."""
    request = kept_request(files, ask.run_id, ask.attempt)
    workload = registry.get(request.workload)
    place = _chunks if isinstance(workload, ChunkWorkload) else nullcontext()
    with place:
        batch = _read_batch(ask, files, memory.cut, before, workload, fence)
        memory.fit(batch.chunk, batch.rest_count, batch.before)
        batch = replace(batch, claim_long_outcomes=memory.claim_long_outcomes)
        if ask.box is not None:
            give_back = partial(stretch.cut_short, give_back_by(ask, stretch, files))
            batch = replace(batch, stretch=stretch, give_back=give_back)
        return _process_by_shape(batch, workload)


def _read_batch(
    ask: ProcessAsk,
    files: RunFiles,
    cut: Cut,
    before: Earlier,
    workload: Workload,
    fence: Fence,
) -> Batch:
    request = kept_request(files, ask.run_id, ask.attempt)
    pieces = read_cut(files, ask.run_id, request, cut)
    # Not `next(pieces)`: StopIteration out of an activity is a call that Azure never ends.
    if (first := next(pieces, None)) is None:
        raise ValueError(f"nothing was read for {cut}")
    rest = cut._replace(first_index=cut.first_index + first.count, items=cut.items - first.count)
    return Batch(
        run_id=ask.run_id,
        max_tries=request.retry.max_attempts,
        is_probe=ask.is_probe,
        chunk=first,
        rest=refuse_unreadable(pieces, rest),
        rest_count=rest.items,
        max_outcome_bytes=files.budget.outcomes,
        free_outcome_bytes=files.budget.free,
        parameters=workload.parameters_model.model_validate(request.parameters),
        before=before.lines,
        has_begun=before.has_begun,
        before_partial=read_partial_before(ask, files),
        limits=TimeLimits.of(request.timeouts),
        files=RunItemFiles.for_run(request, ask.run_id, files),
        fence=fence,
    )


def _process_by_shape(batch: Batch, workload: Workload) -> Processed:
    started = time.perf_counter()
    if isinstance(workload, ChunkWorkload):
        processed = process_chunk_batch(workload, batch)
        seconds = (time.perf_counter() - started) / max(1, batch.count)
        record_metric(metrics.ITEM_DURATION, seconds, workload=workload.name)
    elif isinstance(workload, MapWorkload):
        processed = process_map_batch(workload, batch)
    else:
        raise TypeError(f"the workload '{workload.name}' has no shape that a batch can run")
    processed.work_ms = (time.perf_counter() - started) * 1000
    note_item_time(processed.work_ms)
    return processed


def _give_up(cut: Cut, before: bytes, fault: ErrorInfo) -> Processed:
    """Fail every item that still waits; those that ended in an earlier round stay as they are."""
    processed = Processed()
    lines = before or range_line("pending", cut.first_index, cut.items, 0)
    for line in lines.splitlines(keepends=True):
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
