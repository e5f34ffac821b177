"""The part file of a batch of sagas, from how each of them ended."""

from collections.abc import Mapping
from typing import Any

from activities.batches.batch import Processed, replace_pending
from activities.sagas.saga_files import saga_workload
from fanout.adapters.run_files.files import RunFiles, kept_request
from fanout.adapters.run_files.intact import read_part, write_part
from fanout.adapters.telemetry.logs import logger
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.sagas import KeptSaga, SagaBatch, SagaEnd, SagaItem
from fanout.naming import blob_paths
from fanout.outcomes.lines import failed_line, saga_line, waiting_items

log = logger("sagas")


def write_saga_part(
    ref: BatchRef, files: RunFiles, batch: SagaBatch, ends: Mapping[int, KeptSaga]
) -> BatchResult:
    """Write the part file of a batch; a saga without an end leaves its item pending.

    The first to write it decides; whoever comes later gives the result that it has.
    """
    processed = _gather(ref, files, batch, ends)
    path = blob_paths.part_path(ref.run_id, blob_paths.generation(ref.attempt), ref.name)
    if not write_part(files, path, b"".join(processed.lines)):
        waiting = waiting_items(read_part(files, path))
        known = {index: end for index, end in ends.items() if index not in waiting}
        return _gather(ref, files, batch, known).result
    log.debug("wrote %s", path)
    return processed.result


def _gather(
    ref: BatchRef, files: RunFiles, batch: SagaBatch, ends: Mapping[int, KeptSaga]
) -> Processed:
    workload = saga_workload(kept_request(files, ref.run_id, ref.attempt).workload)
    steps = [step.name for step in workload.steps]
    processed = Processed()
    lines = (_line(item, ends.get(item.index), steps, processed) for item in batch.items)
    processed.lines = list(replace_pending(batch.before.encode(), lines))
    return processed


def _line(item: SagaItem, kept: KeptSaga | None, steps: list[str], processed: Processed) -> bytes:
    if item.error is not None:
        processed.count_failed(item.error, item.item_id)
        return failed_line("failed", item.index, item.item_id, item.error, 1, 0.0)
    if kept is None:
        fields: dict[str, Any] = {"attempts": 0, "saga": {"take": item.take}}
        return saga_line("pending", item.index, item.item_id, fields)
    return _end_line(item, kept, steps, processed)


def _end_line(item: SagaItem, kept: KeptSaga, steps: list[str], processed: Processed) -> bytes:
    """Count an item whose saga is over, and write its line."""
    end = kept.end
    processed.retries += end.retries
    fields: dict[str, Any] = {"attempts": end.tries}
    if end.error is None:
        processed.succeeded += 1
        fields["output"] = end.outputs
    else:
        processed.count_failed(end.error, item.item_id, status=end.status)
        fields["error"] = end.error.model_dump(exclude_none=True)
    fields["duration_ms"] = kept.duration_ms
    fields["saga"] = {"take": item.take, **_steps_by_name(end, steps)}
    return saga_line(end.status, item.index, item.item_id, fields)


def _steps_by_name(end: SagaEnd, steps: list[str]) -> dict[str, list[str]]:
    """What happened to the steps, by name."""
    trace = end.trace.model_dump()
    return {kind: [steps[n] for n in numbers] for kind, numbers in trace.items() if numbers}
