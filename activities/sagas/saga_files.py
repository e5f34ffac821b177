"""The sagas of a batch in Blob storage: what is to be run, and how each one ended."""

from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from fanout.adapters.documents import read_document
from fanout.adapters.run_files.files import RunFiles, kept_request
from fanout.adapters.run_files.kept import PARSED_FACTOR, Kept
from fanout.messages.batches import BatchRef
from fanout.messages.sagas import (
    KeptSaga,
    SagaBatch,
    SagaItem,
    SagaRecord,
    SagaStart,
    StepKey,
    StepPlan,
    StepResult,
)
from fanout.naming import blob_paths
from fanout.sagas.steps import plan_steps
from fanout.threads import ContextPool
from fanout.workload import SagaWorkload
from workloads import registry

_KEPT_BATCHES = 128
_KEPT_BYTES = 32 * 1_048_576
READ_AT_ONCE = 8


def saga_workload(name: str) -> SagaWorkload[Any, Any]:
    """Find a workload that is a saga.

    Raises:
        TypeError: It has another shape.
    """
    workload = registry.get(name)
    if not isinstance(workload, SagaWorkload):
        raise TypeError(f"the workload '{name}' is no saga")
    return workload


def saga_steps(files: RunFiles, ref: BatchRef) -> list[StepPlan]:
    """The steps of the sagas of a run."""
    request = kept_request(files, ref.run_id, ref.attempt)
    return plan_steps(saga_workload(request.workload).steps, request.retry)


def batch_path(ref: BatchRef) -> str:
    """Where the items of a batch are."""
    return blob_paths.saga_batch_path(ref.run_id, ref.attempt, ref.name)


def read_batch(files: RunFiles, ref: BatchRef) -> SagaBatch:
    """Read the items of a batch."""
    return files.read_model(SagaBatch, batch_path(ref))


@dataclass(frozen=True)
class _KeptBatch:
    """A batch whose sagas go on by themselves; it does not change any more.

    Attributes:
        size: How many bytes it has as JSON.
    """

    items: dict[int, SagaItem]
    results: dict[StepKey, StepResult]
    size: int = 0

    @classmethod
    def read(cls, files: RunFiles, ref: BatchRef) -> "_KeptBatch":
        path = batch_path(ref)
        data = files.read(path)
        batch = read_document(SagaBatch, data, path)
        notes = (note for wave in batch.waves for note in wave.notes)
        items = {item.index: item for item in batch.items}
        return cls(items, {note.key: note.result for note in notes}, len(data))


_batches: Kept[_KeptBatch] = Kept(
    _KEPT_BATCHES, _KEPT_BYTES, lambda batch: PARSED_FACTOR * batch.size
)


def _kept_batch(files: RunFiles, ref: BatchRef) -> _KeptBatch:
    return _batches.get((files, ref), lambda: _KeptBatch.read(files, ref))


def kept_items(files: RunFiles, ref: BatchRef) -> dict[int, SagaItem]:
    """The items of a batch by index, read once in this process."""
    return _kept_batch(files, ref).items


def kept_results(files: RunFiles, ref: BatchRef) -> dict[StepKey, StepResult]:
    """What the steps that the batch did together came to, read once in this process."""
    return _kept_batch(files, ref).results


def open_items(batch: SagaBatch) -> list[SagaItem]:
    """The items of a batch that make sense."""
    return [item for item in batch.items if item.error is None]


def write_record(files: RunFiles, record: SagaRecord) -> None:
    """Write down how a saga ended; a second time writes the same again."""
    kept = KeptSaga(attempt=record.batch.attempt, end=record.end, duration_ms=record.duration_ms)
    write_kept(files, record.batch.run_id, record.saga, kept)


def write_kept(files: RunFiles, run_id: str, saga: SagaStart, kept: KeptSaga) -> None:
    """Write down how a take of an item's saga ended."""
    path = blob_paths.saga_record_path(run_id, saga.index, saga.take)
    files.write_model(path, kept)


def find_record(files: RunFiles, run_id: str, saga: SagaStart) -> KeptSaga | None:
    """How a take of an item's saga ended; None if it has not, as far as is known."""
    try:
        return files.read_model(
            KeptSaga, blob_paths.saga_record_path(run_id, saga.index, saga.take)
        )
    except ResourceNotFoundError:
        return None


def find_ends(files: RunFiles, ref: BatchRef, items: list[SagaItem]) -> dict[int, KeptSaga]:
    """How the sagas of some items ended that have, by index.

    One that takes up what an earlier attempt could not undo has ended once this attempt says so.
    """

    def find(item: SagaItem) -> KeptSaga | None:
        record = find_record(files, ref.run_id, item.start)
        is_earlier = record is not None and record.attempt != ref.attempt
        return None if item.undo is not None and is_earlier else record

    with ContextPool(READ_AT_ONCE) as pool:
        found = zip(items, pool.map(find, items), strict=True)
        return {item.index: record for item, record in found if record is not None}
