"""Reading the outcomes of every batch of a run, in source order, a few parts ahead."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from fanout.adapters.parts import Parts, overlaid_parts
from fanout.adapters.runs import RunFiles, kept_manifest, kept_partition
from fanout.models.plan import BatchCut, Origin, PlanManifest
from fanout.models.wave import RunRef
from fanout.outcome_lines import range_line, reopened, status_of

READ_AT_ONCE = 8


@dataclass(frozen=True)
class BatchOutcomes:
    """What is known of a batch: its outcome lines, and its partial where it has one."""

    cut: BatchCut
    origin: Origin
    lines: bytes
    partial: bytes | None


def read_batches(files: RunFiles, ref: RunRef, manifest: PlanManifest) -> Iterator[BatchOutcomes]:
    """Read every batch of the first plan as the attempts up to `ref`'s left it.

    One that left no part has all its items pending.
    """
    parts = overlaid_parts(files, ref.run_id, ref.attempt)
    batches = _batches(files, ref, manifest)
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        while some := list(islice(batches, READ_AT_ONCE)):
            yield from pool.map(lambda batch: _read(files, parts, *batch), some)


def _batches(
    files: RunFiles, ref: RunRef, manifest: PlanManifest
) -> Iterator[tuple[tuple[int, int], BatchCut]]:
    for partition in range(manifest.partitions):
        for batch, cut in enumerate(kept_partition(files, ref.run_id, partition).cuts):
            yield (partition, batch), cut


def _read(files: RunFiles, parts: Parts, key: tuple[int, int], cut: BatchCut) -> BatchOutcomes:
    part = parts.newest.get(key)
    if part is None:
        pending = range_line("pending", cut.first_index, cut.items, 0)
        return BatchOutcomes(cut, Origin(partition=key[0], batch=key[1]), pending, None)
    has_partial = part.partial_path in parts.with_partial
    partial = files.read(part.partial_path) if has_partial else None
    origin = Origin(
        partition=key[0],
        batch=key[1],
        part=part.path,
        partial=part.partial_path if has_partial else None,
    )
    return BatchOutcomes(cut, origin, files.read(part.path), partial)


def has_redo(files: RunFiles, run_id: str, attempt: int, error_types: list[str] | None) -> bool:
    """Tell whether `attempt` left an item that a redrive of these error types would take up."""
    ref = RunRef(run_id=run_id, attempt=attempt)
    for batch in read_batches(files, ref, kept_manifest(files, run_id)):
        lines = reopened(batch.lines, error_types, whole=True).splitlines()
        if any(status_of(line) == "pending" for line in lines):
            return True
    return False
