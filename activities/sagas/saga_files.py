"""The sagas of a batch in Blob storage: what is to be run, and how each one ended."""

from functools import lru_cache
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from fanout.adapters.run_files.files import RunFiles
from fanout.messages.batches import BatchRef
from fanout.messages.sagas import KeptSaga, SagaBatch, SagaItem, SagaRecord
from fanout.naming import blob_paths
from fanout.naming.media_types import JSON
from fanout.workload import SagaWorkload
from workloads import registry

_KEPT_BATCHES = 128


def saga_workload(name: str) -> SagaWorkload[Any, Any]:
    """Find a workload that is a saga.

    Raises:
        TypeError: It has another shape.
    """
    workload = registry.get(name)
    if not isinstance(workload, SagaWorkload):
        raise TypeError(f"the workload '{name}' is no saga")
    return workload


def batch_path(ref: BatchRef) -> str:
    """Where the items of a batch are."""
    return blob_paths.saga_batch_path(ref.run_id, ref.attempt, ref.name)


def read_batch(files: RunFiles, ref: BatchRef) -> SagaBatch:
    """Read the items of a batch."""
    return SagaBatch.model_validate_json(files.read(batch_path(ref)))


@lru_cache(maxsize=_KEPT_BATCHES)
def kept_items(files: RunFiles, ref: BatchRef) -> dict[int, SagaItem]:
    """The items of a batch by index, read once in this process."""
    return {item.index: item for item in read_batch(files, ref).items}


def write_record(files: RunFiles, record: SagaRecord) -> None:
    """Write down how a saga ended; a second time writes the same again."""
    kept = KeptSaga(attempt=record.batch.attempt, end=record.end, duration_ms=record.duration_ms)
    path = blob_paths.saga_record_path(record.batch.run_id, record.saga.index, record.saga.take)
    files.write(path, kept.model_dump_json().encode(), JSON)


def find_record(files: RunFiles, run_id: str, index: int, take: int) -> KeptSaga | None:
    """How a take of an item's saga ended; None if it has not, as far as is known."""
    try:
        data = files.read(blob_paths.saga_record_path(run_id, index, take))
    except ResourceNotFoundError:
        return None
    return KeptSaga.model_validate_json(data)
