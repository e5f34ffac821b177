"""The activity `close_sagas`: gathers how the sagas of a batch ended, and writes its part file."""

from collections.abc import Container, Iterator
from typing import Any

from activities.batches.batch import Processed, replace_pending
from activities.sagas.saga_files import find_record, read_batch, saga_workload
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.telemetry.logs import logger
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.sagas import KeptSaga, SagaEnd, SagaItem
from fanout.naming import blob_paths, functions
from fanout.naming.media_types import JSON_LINES
from fanout.outcomes.lines import failed_line, saga_line, waiting_items
from fanout.threads import ContextPool

log = logger(functions.CLOSE_SAGAS)
READ_AT_ONCE = 8


def close_sagas(ask: BatchRef) -> BatchResult:
    """Close the sagas of a batch."""
    return close_batch(ask, files_of(ask))


def close_batch(ref: BatchRef, files: RunFiles) -> BatchResult:
    """Write the part file of a batch whose sagas are over; one without an end stays pending."""
    processed = _gather(ref, files)
    path = blob_paths.part_path(ref.run_id, blob_paths.generation(ref.attempt), ref.name)
    if not files.write_first(path, b"".join(processed.lines), JSON_LINES):
        return _gather(ref, files, without=waiting_items(files.read(path))).result
    log.debug("wrote %s", path)
    return processed.result


def _gather(ref: BatchRef, files: RunFiles, without: Container[int] = ()) -> Processed:
    """Gather what the sagas came to; `without` has indices of items whose saga has no known end."""
    batch = read_batch(files, ref)
    workload = saga_workload(kept_request(files, ref.run_id, ref.attempt).workload)
    steps = [step.name for step in workload.steps]
    processed = Processed()

    def find(item: SagaItem) -> KeptSaga | None:
        if item.index in without:
            return None
        return find_record(files, ref.run_id, item.index, item.take)

    with ContextPool(READ_AT_ONCE) as pool:
        records = pool.map(find, batch.items)
        lines = _lines(batch.items, records, steps, processed)
        processed.lines = list(replace_pending(batch.before.encode(), lines))
    return processed


def _lines(
    items: list[SagaItem],
    records: Iterator[KeptSaga | None],
    steps: list[str],
    processed: Processed,
) -> Iterator[bytes]:
    for item, record in zip(items, records, strict=True):
        if item.error is not None:
            processed.count_failed(item.error, item.item_id)
            yield failed_line("failed", item.index, item.item_id, item.error, 1, 0.0)
        elif record is None:
            fields: dict[str, Any] = {"attempts": 0, "saga": {"take": item.take}}
            yield saga_line("pending", item.index, item.item_id, fields)
        else:
            yield _end_line(item, record, steps, processed)


def _end_line(item: SagaItem, record: KeptSaga, steps: list[str], processed: Processed) -> bytes:
    """Count an item whose saga is over, and write its line."""
    end = record.end
    processed.retries += end.retries
    fields: dict[str, Any] = {"attempts": end.tries}
    if end.error is None:
        processed.succeeded += 1
        fields["output"] = end.outputs
    else:
        processed.count_failed(end.error, item.item_id, status=end.status)
        fields["error"] = end.error.model_dump(exclude_none=True)
    fields["duration_ms"] = record.duration_ms
    fields["saga"] = {"take": item.take, **_steps_by_name(end, steps)}
    return saga_line(end.status, item.index, item.item_id, fields)


def _steps_by_name(end: SagaEnd, steps: list[str]) -> dict[str, list[str]]:
    """What happened to the steps, by name."""
    trace = end.trace.model_dump()
    return {kind: [steps[n] for n in numbers] for kind, numbers in trace.items() if numbers}
