"""Run a map workload over the items of a batch."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticSerializationError

from activities.batches.batch import Batch, Processed, replace_pending
from activities.batches.downstream import FAILURES_IN_A_ROW, Downstream
from activities.batches.item_errors import error_info
from activities.batches.item_parser import parse_item
from activities.batches.item_watch import ItemWatch
from fanout.adapters.telemetry.logs import bind_task, logger
from fanout.errors import TransientError
from fanout.models.outcome import ErrorInfo
from fanout.naming.error_types import ErrorType
from fanout.naming.idempotency_keys import item_key
from fanout.outcomes.lines import failed_line, succeeded_line, waiting_items
from fanout.records import Record
from fanout.splitting.records import parse_records
from fanout.workload import Context, MapWorkload

log = logger("workload")
ASYNC_ITEMS_AT_ONCE = 32


@dataclass(slots=True)
class ItemTry:
    """What one try of an item came to: an output, or an error.

    Attributes:
        tries_before: How often it was tried before.
        was_tried: Whether it was tried now; if not, the error says what kept it from its turn.
    """

    record: Record
    item_id: str
    output: Any = None
    error: ErrorInfo | None = None
    duration_ms: float = 0.0
    tries_before: int = 0
    was_tried: bool = True

    @property
    def tries(self) -> int:
        """How often it has been tried."""
        return self.tries_before + self.was_tried


@dataclass(frozen=True)
class _BatchAtWork:
    """A batch at work.

    Attributes:
        tries_before: How often each waiting item was tried before, by index.
        watch: Looks at some of the items; None where nobody listens.
    """

    workload: MapWorkload
    batch: Batch
    downstream: Downstream
    tries_before: dict[int, int]
    watch: ItemWatch | None = None


def process_map_batch(workload: MapWorkload, batch: Batch) -> Processed:
    """Process the items of a batch, each by itself; in later rounds those that wait for one."""
    waiting = waiting_items(batch.before)
    records = (
        record
        for record in parse_records(batch.chunk)
        if not batch.before or record.index in waiting
    )
    downstream = Downstream(workload.downstream, 1 if batch.is_probe else FAILURES_IN_A_ROW)
    watch = ItemWatch.for_batch(workload.name, len(waiting) or batch.chunk.count)
    work = _BatchAtWork(workload, batch, downstream, batch.tries_before, watch)
    if inspect.iscoroutinefunction(workload.process):
        items: Iterable[ItemTry] = asyncio.run(_process_concurrently(work, records))
    else:
        items = (_process(work, record) for record in records)
    processed = Processed()
    if workload.downstream is not None:
        items = _excuse(work, [*items])
    new_lines = (_count(item, batch, processed) for item in items)
    processed.lines = list(replace_pending(batch.before, new_lines))
    processed.has_tripped = downstream.has_tripped
    processed.has_answered = downstream.has_answered
    return processed


def _process(work: _BatchAtWork, record: Record) -> ItemTry:
    started = time.perf_counter()
    item = _parse(work, record)
    if item.error is None and _may_begin(work, item):
        parsed, context = item.output, _context(work, item)
        try:
            item.output = work.batch.limits.call_item(work.workload.process, parsed, context)
        except Exception as error:  # noqa: BLE001  whatever user code raises is an outcome
            _fail(work, item, error)
        else:
            work.downstream.note(record.index, None)
    return _end_try(work, item, started)


async def _process_concurrently(work: _BatchAtWork, records: Iterable[Record]) -> list[ItemTry]:
    gate = asyncio.Semaphore(ASYNC_ITEMS_AT_ONCE)

    async def process(record: Record) -> ItemTry:
        async with gate:
            started = time.perf_counter()
            item = _parse(work, record)
            if item.error is None and _may_begin(work, item):
                parsed, context = item.output, _context(work, item)
                try:
                    output = work.workload.process(parsed, context)
                    item.output = await _await_in_time(work.batch, output)
                except Exception as error:  # noqa: BLE001  whatever user code raises is an outcome
                    _fail(work, item, error)
                else:
                    work.downstream.note(record.index, None)
            return _end_try(work, item, started)

    return await asyncio.gather(*(process(record) for record in records))


def _end_try(work: _BatchAtWork, item: ItemTry, started: float) -> ItemTry:
    item.duration_ms = (time.perf_counter() - started) * 1000
    if work.watch is not None and item.was_tried:
        failure = item.error.type if item.error else None
        work.watch.note(item.item_id, item.tries, item.duration_ms, failure)
    return item


def _excuse(work: _BatchAtWork, items: list[ItemTry]) -> Iterator[ItemTry]:
    """Take no try from those items that failed because the downstream is down."""
    excused = work.downstream.excused
    for item in items:
        item.was_tried = item.was_tried and item.record.index not in excused
        yield item


def _may_begin(work: _BatchAtWork, item: ItemTry) -> bool:
    """Tell whether an item's turn comes; one that is kept from it has lost no try."""
    try:
        work.batch.fence.insist_on_open()
        work.batch.limits.insist_on_time_left()
        work.downstream.insist_on_up()
    except TransientError as error:
        item.output, item.error, item.was_tried = None, error_info(error), False
        return False
    return True


def _fail(work: _BatchAtWork, item: ItemTry, error: Exception) -> None:
    work.downstream.note(item.record.index, error)
    item.output, item.error = None, error_info(error)


async def _await_in_time(batch: Batch, output: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(batch.limits.item_seconds) as limit:
            return await output
    except TimeoutError:
        if not limit.expired():  # the workload's own
            raise
        raise batch.limits.item_timeout() from None


def _parse(work: _BatchAtWork, record: Record) -> ItemTry:
    """Parse the item; `output` holds it until it is replaced by what the workload returns."""
    parsed = parse_item(work.workload, record)
    item = ItemTry(record, parsed.item_id, parsed.item, parsed.error)
    item.tries_before = work.tries_before.get(record.index, 0)
    if parsed.error is None:
        bind_task(item.item_id)
    return item


def _context(work: _BatchAtWork, item: ItemTry) -> Context[Any]:
    batch = work.batch
    return Context(
        run_id=batch.run_id,
        idempotency_key=item_key(batch.run_id, item.item_id, "process"),
        attempt=item.tries,
        parameters=batch.parameters,
        logger=log,
        files=batch.files,
    )


def _count(item: ItemTry, batch: Batch, processed: Processed) -> bytes:
    """Count an item and write its line."""
    index, error = item.record.index, item.error
    processed.retries += item.was_tried and item.tries_before > 0
    if error is None:
        try:
            line = succeeded_line(index, item.item_id, item.output, item.tries, item.duration_ms)
        except PydanticSerializationError as fault:
            error = ErrorInfo(type=ErrorType.OUTPUT, message=f"the output is no JSON: {fault}")
        else:
            processed.succeeded += 1
            return line
    has_tries_left = not item.was_tried or item.tries < batch.max_tries
    if error.retryable and has_tries_left:
        processed.count_retryable(error)
        processed.untried += not item.was_tried
        return failed_line("pending", index, item.item_id, error, item.tries, item.duration_ms)
    processed.count_failed(error, item.item_id)
    return failed_line("failed", index, item.item_id, error, item.tries, item.duration_ms)
