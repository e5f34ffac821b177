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
from fanout.adapters.run_files.parts import Parts
from fanout.messages.fan_in import RangePlan
from fanout.models.plan import Cut, Origin


class SizedBatch(NamedTuple):
    """A batch of the first plan, where its newest outcomes are, and their bytes."""

    cut: Cut
    origin: Origin
    size: int


def sized_batches(files: RunFiles, run_id: str, parts: Parts) -> Iterator[SizedBatch]:
    """List every batch of the first plan, in source order, with the bytes of its outcomes.

    The bytes are those of its part and its partial together; 0 where there is no part.

    Args:
        files: Where the run is kept.
        run_id: The run.
        parts: Its newest parts.
    """
    sizes, manifest = parts.sizes, kept_manifest(files, run_id)
    for batch in planned_batches(files, run_id, manifest, parts):
        paths = (batch.origin.part, batch.origin.partial)
        size = sum(sizes[path] for path in paths if path is not None)
        yield SizedBatch(batch.cut, batch.origin, size)


def read_range(files: RunFiles, plan: RangePlan) -> Iterator[BatchOutcomes]:
    """Read the batches of a range in order, a few parts ahead."""
    return read_planned(files, map(PlannedBatch, plan.cuts, plan.origins))
