"""The items of a batch whose sagas are to run, written down before the first of them begins."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from activities.batches.cut_reader import read_cut
from activities.batches.earlier import read_outcomes_before
from activities.batches.item_errors import source_fault
from activities.batches.item_parser import parse_item
from activities.memory.batch_memory import hold_for_items
from activities.sagas.saga_files import batch_path, find_record, read_batch, saga_workload
from fanout.adapters.run_files.files import RunFiles, kept_partition, kept_request
from fanout.adapters.run_files.part_reader import join_cuts
from fanout.adapters.sources.blobs import BrokenSourceError
from fanout.errors import SourceChangedError
from fanout.messages.batches import BatchRef
from fanout.messages.sagas import SagaBatch, SagaItem
from fanout.models.outcome import ErrorInfo
from fanout.models.plan import Cut
from fanout.naming import blob_paths
from fanout.outcomes.lines import interrupted_items, next_takes
from fanout.records import Record
from fanout.splitting.records import parse_records
from fanout.threads import ContextPool
from fanout.workload import SagaWorkload

READ_AT_ONCE = 8


def open_batch(
    ref: BatchRef, files: RunFiles, room: ExitStack, *, is_first: bool = True
) -> SagaBatch:
    """Write down the items of a batch as they are now: their sagas read them there.

    Whoever is not the first to open it finds what was written, whatever the source has become.

    Args:
        ref: Which batch.
        files: Where the run is kept.
        room: Closed by the caller when the items are in memory no more.
        is_first: Whether nobody has opened it before.
    """
    batch = None if is_first else _find_batch(files, ref)
    if batch is None:
        batch = _read_batch(ref, files, room)
        files.write_model(batch_path(ref), batch)
    return batch


def is_open(ref: BatchRef, files: RunFiles) -> bool:
    """Tell whether the items of a batch are written down."""
    return files.exists(batch_path(ref))


def _find_batch(files: RunFiles, ref: BatchRef) -> SagaBatch | None:
    try:
        return read_batch(files, ref)
    except ResourceNotFoundError:
        return None


def _read_batch(ref: BatchRef, files: RunFiles, room: ExitStack) -> SagaBatch:
    workload = saga_workload(kept_request(files, ref.run_id, ref.attempt).workload)
    before = read_outcomes_before(ref, files)
    takes = next_takes(before.lines)
    items = [
        _item(workload, record, takes.get(record.index, 1))
        for record in _read_records(ref, files, room)
        if not before.lines or record.index in takes
    ]
    if ref.attempt > 1:
        items = _take_up(ref, files, items, _Before.of(ref, files, before.lines))
    return SagaBatch(items=items, before=before.lines.decode(), apart=[])


def _read_records(ref: BatchRef, files: RunFiles, room: ExitStack) -> Iterator[Record]:
    """The items in the source; of one that is no longer what was planned, only the fault."""
    request = kept_request(files, ref.run_id, ref.attempt)
    cuts = kept_partition(files, ref.run_id, ref.partition, blob_paths.generation(ref.attempt)).cuts
    cut = join_cuts(cuts[ref.first_cut : ref.first_cut + ref.span])
    room.enter_context(hold_for_items(files, ref, cut))
    done = 0
    try:
        for chunk in read_cut(files, ref.run_id, request, cut):
            yield from parse_records(chunk)
            done += chunk.count
    except (BrokenSourceError, SourceChangedError) as error:
        rest = cut._replace(first_index=cut.first_index + done, items=cut.items - done)
        yield from _refuse(rest, source_fault(error))


def _refuse(cut: Cut, fault: ErrorInfo) -> Iterator[Record]:
    for index in range(cut.first_index, cut.first_index + cut.items):
        yield Record(index, None, None, fault)


def _item(workload: SagaWorkload[Any, Any], record: Record, take: int) -> SagaItem:
    parsed = parse_item(workload, record)
    value = record.value if parsed.error is None else None
    return SagaItem(
        index=record.index, item_id=parsed.item_id, take=take, item=value, error=parsed.error
    )


@dataclass(frozen=True)
class _Before:
    """What is known of a batch from the attempts before.

    Attributes:
        known_until: The latest attempt whose outcomes are known.
        opened_in: The latest attempt that has opened it.
        interrupted: Indices of the items whose sagas were in its hands then, and have no end.
    """

    known_until: int
    opened_in: int
    interrupted: set[int]

    @classmethod
    def of(cls, ref: BatchRef, files: RunFiles, lines: bytes) -> "_Before":
        generation = blob_paths.generation(ref.attempt)
        plan = kept_partition(files, ref.run_id, ref.partition, generation)
        origin = plan.origins[ref.first_cut]
        known_until = 0 if origin.part is None else blob_paths.part_attempt(origin.part)
        return cls(known_until, origin.opened_in, interrupted_items(lines))


def _take_up(
    ref: BatchRef, files: RunFiles, items: list[SagaItem], before: _Before
) -> list[SagaItem]:
    """Let sagas that an earlier attempt has ended, although their batch was lost, have a new take.

    One that has succeeded keeps the take in which it did. So does one of which something could not
    be undone: that is taken up first. One that was begun and has no end goes on in doubt.
    """

    def look(item: SagaItem) -> SagaItem:
        known_until, take = before.known_until, item.take
        while item.error is None and (record := find_record(files, ref.run_id, item.start)):
            if record.attempt == ref.attempt or record.end.status == "succeeded":
                break
            if record.undo is not None:
                return item.model_copy(update={"undo": record.undo})
            known_until = max(known_until, record.attempt)
            item = item.model_copy(update={"take": item.take + 1})
        is_interrupted = item.take == take and item.index in before.interrupted
        has_begun = is_interrupted or before.opened_in > known_until
        return item.model_copy(update={"has_begun": has_begun})

    with ContextPool(READ_AT_ONCE) as pool:
        return list(pool.map(look, items))
