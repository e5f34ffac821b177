"""What a later attempt does: those batches of the first that have items to redo, cut as before."""

from dataclasses import dataclass

from fanout.adapters.part_reader import read_batches
from fanout.adapters.runs import RunFiles, kept_manifest, kept_request
from fanout.models.plan import BatchCut, Origin
from fanout.models.wave import RunRef
from fanout.outcome_lines import counted, reopened
from fanout.workload import ChunkWorkload
from workloads import registry


@dataclass(frozen=True)
class Redo:
    """What an attempt is to do.

    Attributes:
        items: Items of the whole run.
        succeeded: Items that are settled: they succeeded in an earlier attempt.
        failed: Items that are settled: they failed otherwise than the redrive asks for.
        cuts: Of the batches with items to redo, in source order.
        origins: Of each cut.
    """

    items: int
    succeeded: int
    failed: int
    cuts: list[BatchCut]
    origins: list[Origin]


def reopens(files: RunFiles, ref: RunRef, lines: bytes) -> bytes:
    """The outcomes of a batch before an attempt, with the items that it is to redo pending."""
    redrive = files.redrive_request(ref.run_id, ref.attempt)
    return reopened(lines, redrive.error_types, whole=is_whole(files, ref.run_id))


def is_whole(files: RunFiles, run_id: str) -> bool:
    """Tell whether batches of the run are processed whole."""
    workload = registry.get(kept_request(files, run_id).workload)
    return isinstance(workload, ChunkWorkload)


def redo(files: RunFiles, ref: RunRef) -> Redo:
    """Find what an attempt is to do, a few batches in memory at a time."""
    error_types = files.redrive_request(ref.run_id, ref.attempt).error_types
    whole = is_whole(files, ref.run_id)
    before = ref.model_copy(update={"attempt": ref.attempt - 1})
    succeeded = failed = 0
    kept: list[tuple[BatchCut, Origin]] = []
    manifest = kept_manifest(files, ref.run_id)
    for batch in read_batches(files, before, manifest):
        counts = counted(reopened(batch.lines, error_types, whole=whole))
        succeeded += counts["succeeded"]
        failed += counts["failed"]
        if counts["pending"]:
            kept.append((batch.cut, batch.origin))
    cuts, origins = [cut for cut, _ in kept], [origin for _, origin in kept]
    return Redo(manifest.items, succeeded, failed, cuts, origins)
