"""Run a chunk workload over a batch: one call, one partial, outcomes as ranges."""

import operator
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from activities.batches.batch import Batch, Processed
from activities.batches.item_errors import error_info, is_plain, make_plain_error
from activities.batches.narrowing import narrow
from fanout.adapters.telemetry.logs import logger
from fanout.errors import LimitError, TransientError
from fanout.models.outcome import ErrorInfo, ItemStatus, Outcome
from fanout.naming.idempotency_keys import chunk_key
from fanout.outcomes.lines import count_statuses, failed_line, range_line, status_of
from fanout.printable import name_type
from fanout.records import Chunk
from fanout.workload import ChunkResult, ChunkWorkload, Context, Failure

log = logger("workload")


def process_chunk_batch(workload: ChunkWorkload, batch: Batch) -> Processed:
    """Give the chunk to the workload; a chunk that raises is tried again whole."""
    if batch.fence.is_over:
        return _untouched_chunk(batch)
    if batch.chunk.fault is not None:
        return _refuse_chunk(batch, batch.chunk.fault)
    started = time.perf_counter()
    work = _Work(workload, batch)
    for piece in batch.pieces:
        try:
            work.process(piece)
        except BaseException as error:  # noqa: BLE001  whatever user code raises is an outcome
            return _refuse_chunk(batch, error_info(error), work.faults)
    failures = sorted(work.failures, key=lambda failure: failure.index)
    duration_ms = (time.perf_counter() - started) * 1000
    first = batch.chunk.first_index
    lines = list(_lines(first, batch.count, failures, batch.try_number, duration_ms))
    had_succeeded = count_statuses(batch.before)["succeeded"]
    processed = Processed(lines, work.data, succeeded=batch.count - len(failures) - had_succeeded)
    processed.retries = batch.count - had_succeeded if batch.try_number > 1 else 0
    for failure in failures:
        processed.count_failed(failure.error, str(failure.index))
    return processed


@dataclass
class _Work:
    """A chunk at work, piece by piece.

    Attributes:
        failures: Those of the pieces so far.
        faults: Why items of these cannot be read.
        data: The partial of these, as bytes; None if there is none.
    """

    workload: ChunkWorkload
    batch: Batch
    failures: list[Failure] = field(default_factory=list)
    faults: dict[int, ErrorInfo] = field(default_factory=dict)
    data: bytes | None = None
    _merged: Any = None

    def process(self, piece: Chunk) -> None:
        """Process one more piece, and merge its partial into that of those before."""
        self.faults |= piece.faults
        if piece.fault is not None:
            indexes = range(piece.first_index, piece.first_index + piece.count)
            self.failures += [Failure(index, piece.fault) for index in indexes]
            return
        result, data = _process_narrowly(self.workload, self.batch, piece)
        self.failures += result.failures
        if self.data is None:
            self._merged, self.data = result.partial, data
        else:
            self._merged = self.workload.merge(self._merged, result.partial)
            self.data = _dump(self.workload, self._merged)


def _process_narrowly(
    workload: ChunkWorkload, batch: Batch, chunk: Chunk
) -> tuple[ChunkResult[Any], bytes]:
    """Have the workload process the chunk; if it fails for good, find out for which items.

    That a service is down (`TransientError`) no item explains, nor that there is too much of
    something (`LimitError`). What an earlier attempt has made of the chunk stays as it is.

    Returns:
        The result, and its partial as bytes.
    """

    def call(piece: Chunk) -> tuple[ChunkResult[Any], bytes]:
        result = _call(workload, batch, piece)
        return result, _dump(workload, result.partial)

    try:
        return call(chunk)
    except (TransientError, LimitError):
        raise
    except BaseException as error:
        fault = error_info(error)
        if (fault.retryable and not batch.is_last_round) or batch.before_partial is not None:
            raise
        result = narrow(workload, chunk, lambda piece: call(piece)[0], fault)
        if result is None:
            raise
        return result, _dump(workload, result.partial)


def _dump(workload: ChunkWorkload, partial: Any) -> bytes:
    data = workload.dump_partial(partial)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"dump_partial() gave {name_type(data)}; it is to give bytes")
    return bytes(data)


def _call(workload: ChunkWorkload, batch: Batch, chunk: Chunk) -> ChunkResult[Any]:
    context = Context(
        run_id=batch.run_id,
        idempotency_key=chunk_key(batch.run_id, chunk.first_index),
        attempt=batch.try_number,
        parameters=batch.parameters,
        logger=log,
    )
    batch.limits.insist_on_time_left()
    result = batch.limits.call_batch(workload.process_chunk, chunk, context)
    return ChunkResult(result.partial, _check_failures(result.failures, chunk))


def _check_failures(failures: Sequence[Failure], chunk: Chunk) -> list[Failure]:
    """Add the failures of items that could not be read.

    Each is to be one item of the chunk, or the counts would not add up.
    """
    by_index = {failure.index: failure for failure in map(_check_failure, failures)}
    # What could not be read is a failure whatever the workload made of its place.
    by_index |= {index: Failure(index, error) for index, error in chunk.faults.items()}
    last = chunk.first_index + chunk.count - 1
    strangers = [index for index in by_index if not chunk.first_index <= index <= last]
    if strangers:
        raise ValueError(
            f"the workload failed item {strangers[0]} of a chunk from {chunk.first_index} to {last}"
        )
    return [*by_index.values()]


def _check_failure(failure: Failure) -> Failure:
    """Insist on an index and an error that outcomes can hold.

    Raises:
        TypeError: The index is no whole number, or the error no `ErrorInfo`.
    """
    index, error = failure.index, failure.error
    if type(index) is int and type(error) is ErrorInfo and is_plain(error):
        return failure
    if not isinstance(error, ErrorInfo):
        raise TypeError(f"the workload failed item {index} with {name_type(error)}, no ErrorInfo")
    # Of numpy and others, that count as whole numbers.
    return Failure(operator.index(index), make_plain_error(error))


def _lines(
    first: int, count: int, failures: Sequence[Failure], tries: int, duration_ms: float
) -> Iterator[bytes]:
    """Cover the chunk: ranges that succeeded, and the failures between them."""
    index = first
    for alike in _group_alike(failures):
        begin, error = alike[0].index, alike[0].error
        if begin > index:
            yield range_line("succeeded", index, begin - index, tries)
        if len(alike) > 1:
            yield range_line("failed", begin, len(alike), tries, error)
        else:
            yield failed_line("failed", begin, str(begin), error, tries, duration_ms)
        index = begin + len(alike)
    if index < first + count:
        yield range_line("succeeded", index, first + count - index, tries)


def _group_alike(failures: Sequence[Failure]) -> Iterator[list[Failure]]:
    """Group consecutive items that share one error, as those of a damaged row group do."""
    numbered = enumerate(failures)
    run = groupby(numbered, lambda pair: (pair[1].index - pair[0], id(pair[1].error)))
    return ([failure for _, failure in group] for _, group in run)


def _untouched_chunk(batch: Batch) -> Processed:
    """The chunk as it was, for the attempt has ended."""
    lines = _lines_before(batch)
    waiting = count_statuses(lines)["pending"]
    kept = lines.splitlines(keepends=True)
    return Processed(kept, batch.before_partial, retryable=waiting, untried=waiting)


def _refuse_chunk(
    batch: Batch, error: ErrorInfo, faults: Mapping[int, ErrorInfo] | None = None
) -> Processed:
    """Note that the chunk was refused; items that succeeded in an earlier attempt stay so."""
    processed = Processed(partial=batch.before_partial)
    wants_another = error.retryable and not batch.is_last_round
    for line in _lines_before(batch).splitlines(keepends=True):
        if status_of(line) != "pending":
            processed.lines.append(line)
            continue
        item = Outcome.model_validate_json(line)
        processed.retries += item.count if batch.try_number > 1 else 0
        if wants_another:
            processed.count_retryable(error, item.count)
            processed.lines.append(_refusal("pending", item.index, item.count, batch, error))
        else:
            _fail_items(processed, item, batch, error, faults or {})
    return processed


def _fail_items(
    processed: Processed,
    items: Outcome,
    batch: Batch,
    error: ErrorInfo,
    faults: Mapping[int, ErrorInfo],
) -> None:
    """Fail consecutive items: those that could not be read by their own errors."""
    indexes = range(items.index, items.index + items.count)
    for own_error, group in groupby(indexes, faults.get):
        first, *rest = group
        reason = own_error or error
        processed.count_failed(reason, str(first), 1 + len(rest))
        processed.lines.append(_refusal("failed", first, 1 + len(rest), batch, reason))


def _refusal(status: ItemStatus, first: int, count: int, batch: Batch, error: ErrorInfo) -> bytes:
    return range_line(status, first, count, batch.try_number, error)


def _lines_before(batch: Batch) -> bytes:
    """The outcomes so far; where there are none, all items of the chunk are pending."""
    return batch.before or range_line("pending", batch.chunk.first_index, batch.count, 0)
