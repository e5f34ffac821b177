"""The activity `open_sagas`: reads the items of a batch, and says whose sagas are to run."""

from collections.abc import Iterator
from typing import Any

from activities.batches.cut_reader import read_cut
from activities.batches.earlier import read_outcomes_before
from activities.batches.item_errors import source_fault
from activities.batches.item_parser import parse_item
from activities.sagas.saga_files import batch_path, find_record, saga_workload
from fanout.adapters.run_files.files import RunFiles, files_of, kept_partition, kept_request
from fanout.adapters.run_files.part_reader import join_cuts
from fanout.adapters.sources.blobs import BrokenSourceError
from fanout.errors import SourceChangedError
from fanout.messages.batches import BatchRef
from fanout.messages.sagas import OpenSagasResult, SagaBatch, SagaItem, SagaStart
from fanout.models.outcome import ErrorInfo
from fanout.models.plan import Cut
from fanout.naming import blob_paths
from fanout.outcomes.lines import next_takes
from fanout.records import Record
from fanout.sagas.steps import plan_steps
from fanout.splitting.records import parse_records
from fanout.threads import ContextPool
from fanout.workload import SagaWorkload

READ_AT_ONCE = 8


def open_sagas(ask: BatchRef) -> OpenSagasResult:
    """Open the sagas of a batch."""
    return open_batch(ask, files_of(ask))


def open_batch(ref: BatchRef, files: RunFiles) -> OpenSagasResult:
    """Write down the items of a batch as they are now, and list those whose sagas are to run."""
    request = kept_request(files, ref.run_id, ref.attempt)
    workload = saga_workload(request.workload)
    before = read_outcomes_before(ref, files)
    takes = next_takes(before.lines)
    items = [
        _item(workload, record, takes.get(record.index, 1))
        for record in _read_records(ref, files)
        if not before.lines or record.index in takes
    ]
    if ref.attempt > 1 or ref.retry_round > 0 or ref.is_repeated:
        items, is_open = _resume(ref, files, items)
    else:
        is_open = [item.error is None for item in items]
    batch = SagaBatch(items=items, before=before.lines.decode())
    files.write_model(batch_path(ref), batch)
    return OpenSagasResult(
        steps=plan_steps(workload.steps, request.retry),
        sagas=[
            SagaStart(index=item.index, take=item.take)
            for item, runs in zip(items, is_open, strict=True)
            if runs
        ],
    )


def _read_records(ref: BatchRef, files: RunFiles) -> Iterator[Record]:
    """The items in the source; of one that is no longer what was planned, only the fault."""
    request = kept_request(files, ref.run_id, ref.attempt)
    cuts = kept_partition(files, ref.run_id, ref.partition, blob_paths.generation(ref.attempt)).cuts
    cut = join_cuts(cuts[ref.first_cut : ref.first_cut + ref.span])
    try:
        chunk = read_cut(files, ref.run_id, request, cut)
    except (BrokenSourceError, SourceChangedError) as error:
        yield from _refuse(cut, source_fault(error))
        return
    yield from parse_records(chunk)


def _refuse(cut: Cut, fault: ErrorInfo) -> Iterator[Record]:
    for index in range(cut.first_index, cut.first_index + cut.items):
        yield Record(index, None, None, fault)


def _item(workload: SagaWorkload[Any, Any], record: Record, take: int) -> SagaItem:
    parsed = parse_item(workload, record)
    value = record.value if parsed.error is None else None
    return SagaItem(
        index=record.index, item_id=parsed.item_id, take=take, item=value, error=parsed.error
    )


def _resume(
    ref: BatchRef, files: RunFiles, items: list[SagaItem]
) -> tuple[list[SagaItem], list[bool]]:
    """Find sagas that have ended although their batch was lost; tell which are to run."""

    def look(item: SagaItem) -> tuple[SagaItem, bool]:
        if item.error is not None:
            return item, False
        while record := find_record(files, ref.run_id, item.index, item.take):
            if record.attempt == ref.attempt or record.end.status == "succeeded":
                return item, False
            item = item.model_copy(update={"take": item.take + 1})
        return item, True

    with ContextPool(READ_AT_ONCE) as pool:
        pairs = list(pool.map(look, items))
    return [item for item, _ in pairs], [is_open for _, is_open in pairs]
