"""Run a map workload over the items of a batch."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from activities.batches import MAX_MESSAGE_CHARACTERS, Batch, Processed, error_info
from fanout.adapters.telemetry import bind_task, logger
from fanout.models.outcome import ErrorInfo
from fanout.outcome_lines import failed_line, pending_indexes, status_of, succeeded_line
from fanout.records import Record
from fanout.splitting.records import parse_records
from fanout.workload import Context, MapWorkload

log = logger("workload")
ASYNC_ITEMS_AT_ONCE = 32


@dataclass(slots=True)
class Ended:
    """How one item ended: with an output, or with an error."""

    record: Record
    item_id: str
    output: Any = None
    error: ErrorInfo | None = None
    duration_ms: float = 0.0


def process_map_batch(workload: MapWorkload, batch: Batch) -> Processed:
    """Process the items of a batch, each by itself; in later rounds those that wait for one."""
    waiting = pending_indexes(batch.before)
    records = (
        record
        for record in parse_records(batch.chunk)
        if not batch.before or record.index in waiting
    )
    if inspect.iscoroutinefunction(workload.process):
        ended: Iterable[Ended] = asyncio.run(_process_concurrently(workload, batch, records))
    else:
        ended = (_process_one(workload, batch, record) for record in records)
    processed = Processed()
    fresh = (_note(item, batch, processed) for item in ended)
    processed.lines = list(_replaced(batch.before, fresh))
    return processed


def _replaced(before: bytes, fresh: Iterator[bytes]) -> Iterator[bytes]:
    """Put the new lines where the lines of pending items were; both are in source order."""
    for line in before.splitlines(keepends=True):
        yield next(fresh) if status_of(line) == "pending" else line
    yield from fresh


def _process_one(workload: MapWorkload, batch: Batch, record: Record) -> Ended:
    begun = time.perf_counter()
    ended = _validated(workload, record)
    if ended.error is None:
        try:
            batch.limits.insist_on_time_left()
            context = _context(batch, ended.item_id)
            ended.output = batch.limits.call_item(workload.process, ended.output, context)
        except Exception as error:  # noqa: BLE001  whatever user code raises is an outcome
            ended.output, ended.error = None, error_info(error)
    ended.duration_ms = (time.perf_counter() - begun) * 1000
    return ended


async def _process_concurrently(
    workload: MapWorkload, batch: Batch, records: Iterable[Record]
) -> list[Ended]:
    gate = asyncio.Semaphore(ASYNC_ITEMS_AT_ONCE)

    async def one(record: Record) -> Ended:
        async with gate:
            begun = time.perf_counter()
            ended = _validated(workload, record)
            if ended.error is None:
                try:
                    batch.limits.insist_on_time_left()
                    context = _context(batch, ended.item_id)
                    ended.output = await _in_time(batch, workload.process(ended.output, context))
                except Exception as error:  # noqa: BLE001  whatever user code raises is an outcome
                    ended.output, ended.error = None, error_info(error)
            ended.duration_ms = (time.perf_counter() - begun) * 1000
            return ended

    return await asyncio.gather(*(one(record) for record in records))


async def _in_time(batch: Batch, output: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(batch.limits.item_seconds) as limit:
            return await output
    except TimeoutError:
        if not limit.expired():  # the workload's own
            raise
        raise batch.limits.item_timeout() from None


def _validated(workload: MapWorkload, record: Record) -> Ended:
    """Parse the item; `output` holds it until it is replaced by what the workload returns."""
    if record.error is not None:
        return Ended(record, str(record.index), error=record.error)
    try:
        item = workload.item_model.model_validate(record.value)
        found = workload.item_id(item)
    except ValidationError as invalid:
        return Ended(record, str(record.index), error=_invalid(record, invalid))
    except Exception as error:  # noqa: BLE001  validators and ids are user code too
        return Ended(record, str(record.index), error=error_info(error))
    item_id = str(record.index if found is None else found)
    bind_task(item_id)
    return Ended(record, item_id, output=item)


def _invalid(record: Record, invalid: ValidationError) -> ErrorInfo:
    where = f"line {record.line}: " if record.line is not None else ""
    faults = (
        f"{'.'.join(map(str, fault['loc'])) or 'item'}: {fault['msg']}"
        for fault in invalid.errors(include_url=False, include_context=False, include_input=False)
    )
    message = (where + "; ".join(faults))[:MAX_MESSAGE_CHARACTERS]
    return ErrorInfo(type="ItemValidationError", message=message)


def _context(batch: Batch, item_id: str) -> Context[Any]:
    return Context(
        run_id=batch.run_id,
        idempotency_key=f"{batch.run_id}/{item_id}/process",
        attempt=batch.attempt,
        parameters=batch.parameters,
        logger=log,
    )


def _note(ended: Ended, batch: Batch, processed: Processed) -> bytes:
    """Count an item and write its line."""
    index, error = ended.record.index, ended.error
    if error is None:
        try:
            line = succeeded_line(
                index, ended.item_id, ended.output, batch.attempt, ended.duration_ms
            )
        except PydanticSerializationError as fault:
            error = ErrorInfo(type="OutputError", message=f"the output is no JSON: {fault}")
        else:
            processed.succeeded += 1
            return line
    if error.retryable and not batch.is_last_round:
        processed.count_retryable(error)
        return failed_line("pending", index, ended.item_id, error, batch.attempt, ended.duration_ms)
    processed.count_failed(error, ended.item_id)
    return failed_line("failed", index, ended.item_id, error, batch.attempt, ended.duration_ms)
