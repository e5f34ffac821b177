"""One try of an item of a map workload: how it begins and ends, whatever happens between."""

import time
from dataclasses import dataclass
from typing import Any

from activities.batches.batch import Batch
from activities.batches.boxes.outcome_bytes import OutcomeBytes
from activities.batches.downstream import Downstream
from activities.batches.item_errors import error_info, output_fault
from activities.batches.item_parser import parse_item
from activities.batches.item_watch import ItemWatch
from fanout.adapters.telemetry.logs import bind_task, logger
from fanout.errors import TransientError
from fanout.models.outcome import ErrorInfo
from fanout.naming.idempotency_keys import item_key
from fanout.outcomes.lines import succeeded_line
from fanout.outcomes.outputs import OutputError
from fanout.records import Record
from fanout.workload import Context, MapWorkload

log = logger("workload")


@dataclass(slots=True)
class ItemTry:
    """What one try of an item came to: an output, or an error.

    Attributes:
        tries_before: How often it was tried before.
        was_tried: Whether it was tried now; if not, the error says what kept it from its turn.
        line: Its outcome, where it was written down before its turn came.
    """

    record: Record
    item_id: str
    output: Any = None
    error: ErrorInfo | None = None
    duration_ms: float = 0.0
    tries_before: int = 0
    was_tried: bool = True
    line: bytes | None = None

    @property
    def tries(self) -> int:
        """How often it has been tried."""
        return self.tries_before + self.was_tried


@dataclass(frozen=True)
class BatchAtWork:
    """A batch at work.

    Attributes:
        tries_before: How often each waiting item was tried before, by index.
        watch: Looks at some of the items; None where nobody listens.
        outcomes: How long the outcomes are so far.
    """

    workload: MapWorkload
    batch: Batch
    downstream: Downstream
    tries_before: dict[int, int]
    outcomes: OutcomeBytes
    watch: ItemWatch | None = None


def begin_try(work: BatchAtWork, record: Record) -> ItemTry:
    """Parse the item; `output` holds it until it is replaced by what the workload returns."""
    parsed = parse_item(work.workload, record)
    item = ItemTry(record, parsed.item_id, parsed.item, parsed.error)
    item.tries_before = work.tries_before.get(record.index, 0)
    if parsed.error is None:
        bind_task(item.item_id)
    return item


def may_begin(work: BatchAtWork, item: ItemTry) -> bool:
    """Tell whether an item's turn comes; one that is kept from it has lost no try."""
    try:
        work.batch.fence.insist_on_open()
        work.batch.limits.insist_on_time_left()
        work.downstream.insist_on_up()
    except TransientError as error:
        item.output, item.error, item.was_tried = None, error_info(error), False
        return False
    return True


def make_context(work: BatchAtWork, item: ItemTry) -> Context[Any]:
    batch = work.batch
    return Context(
        run_id=batch.run_id,
        idempotency_key=item_key(batch.run_id, item.item_id, "process"),
        attempt=item.tries,
        parameters=batch.parameters,
        logger=log,
        files=batch.files,
    )


def fail(work: BatchAtWork, item: ItemTry, error: BaseException) -> None:
    work.downstream.note(item.record.index, error)
    item.output, item.error = None, error_info(error)


def end_try(work: BatchAtWork, item: ItemTry, started: float) -> ItemTry:
    item.duration_ms = (time.perf_counter() - started) * 1000
    if work.watch is not None and item.was_tried:
        failure = item.error.type if item.error else None
        work.watch.note(item.item_id, item.tries, item.duration_ms, failure)
    return item


def write_down(work: BatchAtWork, item: ItemTry, *, waits: bool = True) -> ItemTry:
    """Write the outcome of an item that succeeded; what is no JSON, or too long, is its failure.

    Those that end before others whose turn is first wait as bytes, which count, and not as values.

    Args:
        work: The batch.
        item: The item.
        waits: Whether to wait, where the outcomes become long, until they may.
    """
    if item.error is not None or item.line is not None:
        return item
    output, item.output = item.output, None
    try:
        line = succeeded_line(item.record.index, item.item_id, output, item.tries, item.duration_ms)
        item.line = work.outcomes.take_output(line, waits=waits)
    except OutputError as fault:
        item.error = output_fault(fault)
    return item
