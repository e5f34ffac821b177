"""Run a map workload over the items of a batch."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from activities.batches.batch import Batch, Processed, error_info, invalid_item, replaced
from activities.batches.downstream import FAILURES_IN_A_ROW, Downstream
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
class Ended:
    """How one item ended: with an output, or with an error.

    Attributes:
        tried: How often it was tried before.
        was_tried: Whether it was tried now; if not, the error says what kept it from its turn.
    """

    record: Record
    item_id: str
    output: Any = None
    error: ErrorInfo | None = None
    duration_ms: float = 0.0
    tried: int = 0
    was_tried: bool = True

    @property
    def attempts(self) -> int:
        """How often it has been tried."""
        return self.tried + self.was_tried


@dataclass(frozen=True)
class _Turn:
    """A batch at work.

    Attributes:
        tried: How often each waiting item was tried before, by index.
        watch: Looks at some of the items; None where nobody listens.
    """

    workload: MapWorkload
    batch: Batch
    downstream: Downstream
    tried: dict[int, int]
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
    watch = ItemWatch.of(workload.name, len(waiting) or batch.chunk.count)
    turn = _Turn(workload, batch, downstream, batch.tried, watch)
    if inspect.iscoroutinefunction(workload.process):
        ended: Iterable[Ended] = asyncio.run(_process_concurrently(turn, records))
    else:
        ended = (_process_one(turn, record) for record in records)
    processed = Processed()
    if workload.downstream is not None:
        ended = _excused(turn, [*ended])
    fresh = (_note(item, batch, processed) for item in ended)
    processed.lines = list(replaced(batch.before, fresh))
    processed.has_tripped = downstream.has_tripped
    processed.has_answered = downstream.has_answered
    return processed


def _process_one(turn: _Turn, record: Record) -> Ended:
    begun = time.perf_counter()
    ended = _validated(turn, record)
    if ended.error is None and _may_begin(turn, ended):
        item, context = ended.output, _context(turn, ended)
        try:
            ended.output = turn.batch.limits.call_item(turn.workload.process, item, context)
        except Exception as error:  # noqa: BLE001  whatever user code raises is an outcome
            _fail(turn, ended, error)
        else:
            turn.downstream.note(record.index, None)
    return _timed(turn, ended, begun)


async def _process_concurrently(turn: _Turn, records: Iterable[Record]) -> list[Ended]:
    gate = asyncio.Semaphore(ASYNC_ITEMS_AT_ONCE)

    async def one(record: Record) -> Ended:
        async with gate:
            begun = time.perf_counter()
            ended = _validated(turn, record)
            if ended.error is None and _may_begin(turn, ended):
                item, context = ended.output, _context(turn, ended)
                try:
                    ended.output = await _in_time(turn.batch, turn.workload.process(item, context))
                except Exception as error:  # noqa: BLE001  whatever user code raises is an outcome
                    _fail(turn, ended, error)
                else:
                    turn.downstream.note(record.index, None)
            return _timed(turn, ended, begun)

    return await asyncio.gather(*(one(record) for record in records))


def _timed(turn: _Turn, ended: Ended, begun: float) -> Ended:
    ended.duration_ms = (time.perf_counter() - begun) * 1000
    if turn.watch is not None and ended.was_tried:
        failure = ended.error.type if ended.error else None
        turn.watch.note(ended.item_id, ended.attempts, ended.duration_ms, failure)
    return ended


def _excused(turn: _Turn, ended: list[Ended]) -> Iterator[Ended]:
    """Take no attempt from those items that failed because the downstream is down."""
    excused = turn.downstream.excused
    for item in ended:
        item.was_tried = item.was_tried and item.record.index not in excused
        yield item


def _may_begin(turn: _Turn, ended: Ended) -> bool:
    """Tell whether an item's turn comes; one that is kept from it has lost no attempt."""
    try:
        turn.batch.fence.insist_on_open()
        turn.batch.limits.insist_on_time_left()
        turn.downstream.insist_on_up()
    except TransientError as error:
        ended.output, ended.error, ended.was_tried = None, error_info(error), False
        return False
    return True


def _fail(turn: _Turn, ended: Ended, error: Exception) -> None:
    turn.downstream.note(ended.record.index, error)
    ended.output, ended.error = None, error_info(error)


async def _in_time(batch: Batch, output: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(batch.limits.item_seconds) as limit:
            return await output
    except TimeoutError:
        if not limit.expired():  # the workload's own
            raise
        raise batch.limits.item_timeout() from None


def _validated(turn: _Turn, record: Record) -> Ended:
    """Parse the item; `output` holds it until it is replaced by what the workload returns."""
    ended = Ended(record, str(record.index), error=record.error)
    ended.tried = turn.tried.get(record.index, 0)
    if record.error is not None:
        return ended
    try:
        item = turn.workload.item_model.model_validate(record.value)
        found = turn.workload.item_id(item)
    except ValidationError as invalid:
        ended.error = invalid_item(record, invalid)
        return ended
    except Exception as error:  # noqa: BLE001  validators and ids are user code too
        ended.error = error_info(error)
        return ended
    ended.item_id = str(record.index if found is None else found)
    ended.output = item
    bind_task(ended.item_id)
    return ended


def _context(turn: _Turn, ended: Ended) -> Context[Any]:
    batch = turn.batch
    return Context(
        run_id=batch.run_id,
        idempotency_key=item_key(batch.run_id, ended.item_id, "process"),
        attempt=ended.attempts,
        parameters=batch.parameters,
        logger=log,
        files=batch.files,
    )


def _note(ended: Ended, batch: Batch, processed: Processed) -> bytes:
    """Count an item and write its line."""
    index, error = ended.record.index, ended.error
    processed.retries += ended.was_tried and ended.tried > 0
    if error is None:
        try:
            line = succeeded_line(
                index, ended.item_id, ended.output, ended.attempts, ended.duration_ms
            )
        except PydanticSerializationError as fault:
            error = ErrorInfo(type=ErrorType.OUTPUT, message=f"the output is no JSON: {fault}")
        else:
            processed.succeeded += 1
            return line
    has_attempts_left = not ended.was_tried or ended.attempts < batch.max_attempts
    if error.retryable and has_attempts_left:
        processed.count_retryable(error)
        processed.untried += not ended.was_tried
        return failed_line(
            "pending", index, ended.item_id, error, ended.attempts, ended.duration_ms
        )
    processed.count_failed(error, ended.item_id)
    return failed_line("failed", index, ended.item_id, error, ended.attempts, ended.duration_ms)
