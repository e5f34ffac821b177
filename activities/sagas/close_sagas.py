"""The activity `close_sagas`: gathers how the sagas of a batch ended, and writes its part file."""

from collections.abc import Container, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from activities.batches.batch import Processed, replaced
from activities.sagas.saga_files import find_record, read_batch, saga_workload
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.spans import trace_activity
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.payloads import dump
from fanout.messages.sagas import Recorded, SagaEnd, SagaItem
from fanout.messages.tickets import answered
from fanout.naming import blob_paths, functions
from fanout.naming.media_types import JSON_LINES
from fanout.outcomes.lines import failed_line, saga_line, waiting_items

bp = df.Blueprint()
log = logger(functions.CLOSE_SAGAS)
READ_AT_ONCE = 8


@bp.activity_trigger(input_name="ref", activity=functions.CLOSE_SAGAS)
def close_sagas(ref: dict, context: func.Context) -> dict:
    """Close a batch; shell around `close_batch`."""
    with trace_activity(context, ref):
        found = BatchRef.model_validate(ref)
        return answered(ref, dump(close_batch(found, files_of(found))))


def close_batch(ref: BatchRef, files: RunFiles) -> BatchResult:
    """Write the part file of a batch whose sagas are over; one without an end stays pending."""
    processed = _gathered(ref, files)
    path = blob_paths.part_path(ref.run_id, blob_paths.generation(ref.attempt), ref.name)
    if not files.write_first(path, b"".join(processed.lines), JSON_LINES):
        return _gathered(ref, files, without=waiting_items(files.read(path))).result
    log.debug("wrote %s", path)
    return processed.result


def _gathered(ref: BatchRef, files: RunFiles, without: Container[int] = ()) -> Processed:
    """What the sagas came to; those of some items (indices) have no end, as far as is known."""
    batch = read_batch(files, ref)
    workload = saga_workload(kept_request(files, ref.run_id, ref.attempt).workload)
    steps = [step.name for step in workload.steps]
    processed = Processed()

    def find(item: SagaItem) -> Recorded | None:
        if item.index in without:
            return None
        return find_record(files, ref.run_id, item.index, item.take)

    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        records = pool.map(find, batch.items)
        lines = _lines(batch.items, records, steps, processed)
        processed.lines = list(replaced(batch.before.encode(), lines))
    return processed


def _lines(
    items: list[SagaItem],
    records: Iterator[Recorded | None],
    steps: list[str],
    processed: Processed,
) -> Iterator[bytes]:
    for item, record in zip(items, records, strict=True):
        if item.error is not None:
            processed.count_failed(item.error, item.item_id)
            yield failed_line("failed", item.index, item.item_id, item.error, 1, 0.0)
        elif record is None:
            told: dict[str, Any] = {"attempts": 0, "saga": {"take": item.take}}
            yield saga_line("pending", item.index, item.item_id, told)
        else:
            yield _ended(item, record, steps, processed)


def _ended(item: SagaItem, record: Recorded, steps: list[str], processed: Processed) -> bytes:
    end = record.end
    processed.retries += end.retries
    told: dict[str, Any] = {"attempts": end.attempts}
    if end.error is None:
        processed.succeeded += 1
        told["output"] = end.outputs
    else:
        processed.count_failed(end.error, item.item_id, status=end.status)
        told["error"] = end.error.model_dump(exclude_none=True)
    told["duration_ms"] = record.duration_ms
    told["saga"] = {"take": item.take, **_named(end, steps)}
    return saga_line(end.status, item.index, item.item_id, told)


def _named(end: SagaEnd, steps: list[str]) -> dict[str, list[str]]:
    """What happened to the steps, by name."""
    trace = end.trace.model_dump()
    return {kind: [steps[n] for n in numbers] for kind, numbers in trace.items() if numbers}
