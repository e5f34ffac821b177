"""The batches of a run with the bytes of their outcomes: what a fan-in divides into ranges."""

from collections.abc import Iterator
from typing import NamedTuple

from fanout.adapters.run_files.files import RunFiles, kept_manifest
from fanout.adapters.run_files.part_reader import (
    BatchOutcomes,
    PlannedBatch,
    planned_batches,
    read_planned,
)
from fanout.adapters.run_files.parts import overlaid_parts
from fanout.messages.fan_in import RangePlan
from fanout.messages.run import RunRef
from fanout.models.plan import Cut, Origin
from fanout.naming import blob_paths


class SizedBatch(NamedTuple):
    """A batch of the first plan, where its newest outcomes are, and their bytes."""

    cut: Cut
    origin: Origin
    size: int


def sized_batches(files: RunFiles, ref: RunRef) -> Iterator[SizedBatch]:
    """List every batch of the first plan, in source order, as the attempts up to `ref`'s left it.

    The bytes are those of its part and its partial together; 0 where there is no part.
    """
    parts = overlaid_parts(files, ref.run_id, ref.attempt)
    newest = {part.path for part in parts.newest.values()} | parts.with_partial
    blobs = files.store.sizes(files.container, blob_paths.parts_folder(ref.run_id))
    sizes = {path: size for path, size in blobs if path in newest}
    manifest = kept_manifest(files, ref.run_id)
    for batch in planned_batches(files, ref.run_id, manifest, parts):
        paths = (batch.origin.part, batch.origin.partial)
        size = sum(sizes[path] for path in paths if path is not None)
        yield SizedBatch(batch.cut, batch.origin, size)


def read_range(files: RunFiles, plan: RangePlan) -> Iterator[BatchOutcomes]:
    """Read the batches of a range in order, a few parts ahead."""
    return read_planned(files, map(PlannedBatch, plan.cuts, plan.origins))
