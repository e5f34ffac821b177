"""Run a chunk workload over a batch: one call, one partial, outcomes as ranges."""

import time
from collections.abc import Iterator, Sequence

from activities.batches.batch import Batch, Processed, error_info
from fanout.adapters.telemetry.logs import logger
from fanout.models.outcome import ErrorInfo, ItemStatus, Outcome
from fanout.naming.idempotency_keys import chunk_key
from fanout.outcomes.lines import count_statuses, failed_line, range_line, status_of
from fanout.records import Chunk
from fanout.workload import ChunkWorkload, Context, Failure

log = logger("workload")


def process_chunk_batch(workload: ChunkWorkload, batch: Batch) -> Processed:
    """Give the chunk to the workload; a chunk that raises is tried again whole."""
    chunk = batch.chunk
    if batch.fence.is_over:
        return _untouched(batch)
    if chunk.fault is not None:
        return _refused(batch, chunk.fault)
    context = Context(
        run_id=batch.run_id,
        idempotency_key=chunk_key(batch.run_id, chunk.first_index),
        attempt=batch.attempt,
        parameters=batch.parameters,
        logger=log,
    )
    begun = time.perf_counter()
    try:
        made = batch.limits.call_batch(workload.process_chunk, chunk, context)
        failures = _in_order(made.failures, chunk)
        partial = workload.dump_partial(made.partial)
    except Exception as error:  # noqa: BLE001  whatever user code raises is an outcome
        return _refused(batch, error_info(error))
    duration_ms = (time.perf_counter() - begun) * 1000
    lines = list(_lines(chunk.first_index, chunk.count, failures, batch.attempt, duration_ms))
    had_succeeded = count_statuses(batch.before)["succeeded"]
    processed = Processed(lines, partial, succeeded=chunk.count - len(failures) - had_succeeded)
    processed.retries = chunk.count - had_succeeded if batch.attempt > 1 else 0
    for failure in failures:
        processed.count_failed(failure.error, str(failure.index))
    return processed


def _in_order(failures: Sequence[Failure], chunk: Chunk) -> list[Failure]:
    """Sort the failures; each is to be one item of the chunk, or the counts would not add up."""
    by_index = {failure.index: failure for failure in failures}
    last = chunk.first_index + chunk.count - 1
    strangers = [index for index in by_index if not chunk.first_index <= index <= last]
    if strangers:
        raise ValueError(
            f"the workload failed item {strangers[0]} of a chunk from {chunk.first_index} to {last}"
        )
    return [by_index[index] for index in sorted(by_index)]


def _lines(
    first: int, count: int, failures: Sequence[Failure], attempt: int, duration_ms: float
) -> Iterator[bytes]:
    """Cover the chunk: ranges that succeeded, and a line for each failure between them."""
    at = first
    for failure in failures:
        if failure.index > at:
            yield range_line("succeeded", at, failure.index - at, attempt)
        yield failed_line(
            "failed", failure.index, str(failure.index), failure.error, attempt, duration_ms
        )
        at = failure.index + 1
    if at < first + count:
        yield range_line("succeeded", at, first + count - at, attempt)


def _untouched(batch: Batch) -> Processed:
    """Leave the chunk as it is: the attempt has ended."""
    chunk = batch.chunk
    lines = batch.before or range_line("pending", chunk.first_index, chunk.count, 0)
    waiting = count_statuses(lines)["pending"]
    kept = lines.splitlines(keepends=True)
    return Processed(kept, batch.before_partial, retryable=waiting, untried=waiting)


def _refused(batch: Batch, error: ErrorInfo) -> Processed:
    """Note that the chunk was refused; items that succeeded in an earlier attempt stay so."""
    chunk, processed = batch.chunk, Processed(partial=batch.before_partial)
    wants_another = error.retryable and not batch.is_last_round
    status: ItemStatus = "pending" if wants_another else "failed"
    waiting = batch.before or range_line("pending", chunk.first_index, chunk.count, 0)
    for line in waiting.splitlines(keepends=True):
        if status_of(line) != "pending":
            processed.lines.append(line)
            continue
        item = Outcome.model_validate_json(line)
        processed.retries += item.count if batch.attempt > 1 else 0
        if wants_another:
            processed.count_retryable(error, item.count)
        else:
            processed.count_failed(error, item.item_id, item.count)
        processed.lines.append(range_line(status, item.index, item.count, batch.attempt, error))
    return processed
