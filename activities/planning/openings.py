"""Which batches of sagas earlier attempts have opened: steps of theirs may have been done."""

from fanout.adapters.run_files.files import RunFiles, kept_partition, kept_request
from fanout.messages.run import RunRef
from fanout.models.plan import Origin
from fanout.naming import blob_paths
from fanout.naming.blob_paths import BatchName
from fanout.workload import SagaWorkload
from workloads import registry

# Of a cut: its partition in the first plan, and its number there.
Place = tuple[int, int]


def note_openings(files: RunFiles, ref: RunRef, origins: list[Origin]) -> list[Origin]:
    """Note of each batch that an attempt takes up which attempt before it has opened it last."""
    workload = registry.get(kept_request(files, ref.run_id).workload)
    if not isinstance(workload, SagaWorkload) or not origins:
        return origins
    opened = _find_openings(files, ref)
    return [
        origin.model_copy(
            update={"opened_in": max(opened.get(place, 0) for place in _places(origin))}
        )
        for origin in origins
    ]


def _find_openings(files: RunFiles, ref: RunRef) -> dict[Place, int]:
    opened: dict[Place, int] = {}
    for path in files.names(blob_paths.saga_batches_folder(ref.run_id)):
        attempt, name = blob_paths.parse_saga_batch_path(path)
        if attempt < ref.attempt:
            for place in _places(_origin_of(files, ref.run_id, attempt, name)):
                opened[place] = max(attempt, opened.get(place, 0))
    return opened


def _origin_of(files: RunFiles, run_id: str, attempt: int, name: BatchName) -> Origin:
    """Where a batch of an attempt is in the first plan."""
    if attempt == 1:
        return Origin(partition=name.partition, first_cut=name.first_cut)
    generation = blob_paths.generation(attempt)
    return kept_partition(files, run_id, name.partition, generation).origins[name.first_cut]


def _places(origin: Origin) -> list[Place]:
    return [(origin.partition, origin.first_cut + number) for number in range(origin.span)]
