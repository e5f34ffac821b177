"""Run a map workload over the items of a batch."""

import inspect
import time
from collections.abc import Container, Iterable, Iterator
from functools import partial
from itertools import chain, takewhile

from activities.batches.async_items import process_async
from activities.batches.batch import Batch, Processed, replace_pending
from activities.batches.boxes.outcome_bytes import OutcomeBytes
from activities.batches.downstream import FAILURES_IN_A_ROW, Downstream
from activities.batches.item_try import (
    BatchAtWork,
    ItemTry,
    begin_try,
    end_try,
    fail,
    make_context,
    may_begin,
    write_down,
)
from activities.batches.item_watch import ItemWatch
from fanout.models.outcome import ErrorInfo
from fanout.outcomes.lines import failed_line, waiting_items
from fanout.records import Chunk, Record
from fanout.splitting.records import parse_records
from fanout.workload import MapWorkload


def process_map_batch(workload: MapWorkload, batch: Batch) -> Processed:
    """Process the items of a batch, each by itself; in later rounds those that wait for one."""
    waiting = waiting_items(batch.before)
    downstream = Downstream(workload.downstream, 1 if batch.is_probe else FAILURES_IN_A_ROW)
    watch = ItemWatch.for_batch(workload.name, len(waiting) or batch.count)
    work = BatchAtWork(workload, batch, downstream, batch.tries_before, OutcomeBytes(batch), watch)
    pieces = (_process_piece(work, waiting, piece) for piece in batch.pieces)
    items: Iterable[ItemTry] = chain.from_iterable(pieces)
    if workload.downstream is not None:
        items = _excuse(work, [write_down(work, item) for item in items])
    processed = Processed()
    new_lines = (_count(work, write_down(work, item), processed) for item in items)
    processed.lines = list(replace_pending(batch.before, new_lines))
    processed.has_tripped = downstream.has_tripped
    processed.has_answered = downstream.has_answered
    return processed


def _process_piece(work: BatchAtWork, waiting: Container[int], piece: Chunk) -> Iterable[ItemTry]:
    records = parse_records(piece)
    if work.batch.before:
        records = (record for record in records if record.index in waiting)
    if inspect.iscoroutinefunction(work.workload.process):
        return process_async(work, records)
    return map(partial(_process, work), _own_records(work.batch, records))


def _own_records(batch: Batch, records: Iterable[Record]) -> Iterable[Record]:
    """Those records whose turn comes before the batch gives back its rest."""
    if batch.stretch is None:
        return records
    return takewhile(lambda record: batch.may_begin(record.index), records)


def _process(work: BatchAtWork, record: Record) -> ItemTry:
    started = time.perf_counter()
    item = begin_try(work, record)
    if item.error is None and may_begin(work, item):
        parsed, context = item.output, make_context(work, item)
        try:
            item.output = work.batch.limits.call_item(work.workload.process, parsed, context)
        except BaseException as error:  # noqa: BLE001  whatever user code raises is an outcome
            fail(work, item, error)
        else:
            work.downstream.note(record.index, None)
    return end_try(work, item, started)


def _excuse(work: BatchAtWork, items: list[ItemTry]) -> Iterator[ItemTry]:
    """Take no try from those items that failed because the downstream is down."""
    excused = work.downstream.excused
    for item in items:
        item.was_tried = item.was_tried and item.record.index not in excused
        yield item


def _count(work: BatchAtWork, item: ItemTry, processed: Processed) -> bytes:
    """Count an item and give its line."""
    processed.retries += item.was_tried and item.tries_before > 0
    if item.error is None:
        processed.succeeded += 1
        return item.line or b""
    return work.outcomes.take(_count_error(work, item, item.error, processed))


def _count_error(work: BatchAtWork, item: ItemTry, error: ErrorInfo, processed: Processed) -> bytes:
    index = item.record.index
    has_tries_left = not item.was_tried or item.tries < work.batch.max_tries
    if error.retryable and has_tries_left:
        processed.count_retryable(error)
        processed.untried += not item.was_tried
        return failed_line("pending", index, item.item_id, error, item.tries, item.duration_ms)
    processed.count_failed(error, item.item_id)
    return failed_line("failed", index, item.item_id, error, item.tries, item.duration_ms)
