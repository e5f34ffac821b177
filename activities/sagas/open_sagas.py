"""The activity `open_sagas`: reads the items of a batch, and says whose sagas are to run."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from pydantic import ValidationError

from activities.batches.batch import error_info, invalid_item
from activities.batches.chunks import chunk_of
from activities.batches.earlier import outcomes_before
from activities.sagas.saga_files import batch_path, find_record, saga_workload
from fanout.adapters.run_files.files import RunFiles, files_of, kept_partition, kept_request
from fanout.adapters.run_files.part_reader import join_cuts
from fanout.adapters.telemetry.spans import trace_activity
from fanout.errors import SourceChangedError
from fanout.messages.batches import BatchRef
from fanout.messages.payloads import dump
from fanout.messages.sagas import OpenedSagas, SagaBatch, SagaItem, SagaStart
from fanout.messages.tickets import answered
from fanout.models.outcome import ErrorInfo
from fanout.models.plan import BatchCut
from fanout.naming import blob_paths, functions
from fanout.outcomes.lines import next_takes
from fanout.records import Record
from fanout.sagas.steps import plan_steps
from fanout.splitting.records import parse_records
from fanout.workload import SagaWorkload

bp = df.Blueprint()
READ_AT_ONCE = 8


@bp.activity_trigger(input_name="ref", activity=functions.OPEN_SAGAS)
def open_sagas(ref: dict, context: func.Context) -> dict:
    """Open a batch; shell around `open_batch`."""
    with trace_activity(context, ref):
        found = BatchRef.model_validate(ref)
        return answered(ref, dump(open_batch(found, files_of(found))))


def open_batch(ref: BatchRef, files: RunFiles) -> OpenedSagas:
    """Write down the items of a batch as they are now, and list those whose sagas are to run."""
    request = kept_request(files, ref.run_id, ref.attempt)
    workload = saga_workload(request.workload)
    before = outcomes_before(ref, files)
    takes = next_takes(before.lines)
    items = [
        _item(workload, record, takes.get(record.index, 1))
        for record in _records(ref, files)
        if not before.lines or record.index in takes
    ]
    if ref.attempt > 1 or ref.retry_round > 0 or ref.is_repeated:
        items, is_open = _resumed(ref, files, items)
    else:
        is_open = [item.error is None for item in items]
    batch = SagaBatch(items=items, before=before.lines.decode())
    files.write_model(batch_path(ref), batch)
    return OpenedSagas(
        steps=plan_steps(workload.steps, request.retry),
        sagas=[
            SagaStart(index=item.index, take=item.take)
            for item, wanted in zip(items, is_open, strict=True)
            if wanted
        ],
    )


def _records(ref: BatchRef, files: RunFiles) -> Iterator[Record]:
    """The items in the source; of one that is no longer what was planned, only the fault."""
    request = kept_request(files, ref.run_id, ref.attempt)
    cuts = kept_partition(files, ref.run_id, ref.partition, blob_paths.generation(ref.attempt)).cuts
    cut = join_cuts(cuts[ref.batch : ref.batch + ref.span])
    try:
        chunk = chunk_of(files, ref.run_id, request, cut)
    except SourceChangedError as error:
        yield from _refused(cut, error)
        return
    yield from parse_records(chunk)


def _refused(cut: BatchCut, error: SourceChangedError) -> Iterator[Record]:
    fault = ErrorInfo(type=type(error).__name__, message=str(error))
    for index in range(cut.first_index, cut.first_index + cut.items):
        yield Record(index, None, None, fault)


def _item(workload: SagaWorkload[Any, Any], record: Record, take: int) -> SagaItem:
    known = SagaItem(index=record.index, item_id=str(record.index), take=take, error=record.error)
    if record.error is not None:
        return known
    try:
        item = workload.item_model.model_validate(record.value)
        found = workload.item_id(item)
    except ValidationError as invalid:
        return known.model_copy(update={"error": invalid_item(record, invalid)})
    except Exception as error:  # noqa: BLE001  validators and ids are user code too
        return known.model_copy(update={"error": error_info(error)})
    item_id = str(record.index if found is None else found)
    return known.model_copy(update={"item": record.value, "item_id": item_id})


def _resumed(
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

    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        found = list(pool.map(look, items))
    return [item for item, _ in found], [is_open for _, is_open in found]
