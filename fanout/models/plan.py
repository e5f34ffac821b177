"""The plan of a run: which bytes of the source belong to which batch.

Batches are numbered through the whole source; partition k holds the batches
``k * batches_per_partition`` up to the next partition's first, so counts alone tell an orchestrator
how many batches each partition has.
"""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict


class BatchCut(NamedTuple):
    """One batch of the source.

    Attributes:
        offset: First byte (inclusive) in the source blob; 0 for inline sources.
        end: Byte after the last one (exclusive); 0 for inline sources.
        first_index: Index of its first item, 0-based over the whole source.
        items: How many items it holds, those that do not parse included.
        first_line: Line of the blob on which its first byte lies, 1-based.
    """

    offset: int
    end: int
    first_index: int
    items: int
    first_line: int


class PartitionPlan(BaseModel):
    """``plan/p00012.json``: the cuts of one partition, in source order."""

    model_config = ConfigDict(frozen=True)

    partition: int
    cuts: list[BatchCut]


class PlanManifest(BaseModel):
    """``plan/manifest.json``.

    Attributes:
        items: Records in the source (after `max_items`), those that do not parse included.
        header: Column names of a CSV source, else None.
        etag: ETag of the source blob when it was planned; reads insist on it. None if inline.
        length: Bytes of the source blob, 0 if inline.
    """

    model_config = ConfigDict(frozen=True)

    items: int
    batches: int
    partitions: int
    batches_per_partition: int
    header: list[str] | None = None
    etag: str | None = None
    length: int = 0

    def batches_in(self, partition: int) -> int:
        """Count the batches of one partition (0-based)."""
        return min(
            self.batches_per_partition, self.batches - partition * self.batches_per_partition
        )
