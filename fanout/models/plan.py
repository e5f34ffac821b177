"""The plan of a run: which bytes of the source belong to which cut.

Cuts are numbered through the whole source; partition k holds the cuts ``k * cuts_per_partition`` up
to the next partition's first, so counts alone tell an orchestrator how many each partition has.
"""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from fanout.models.outcome import ItemStatus


class Cut(NamedTuple):
    """The indivisible piece of a source: a batch takes one, or several that follow each other.

    Attributes:
        offset: First byte (inclusive) in the blob, or row of a Parquet file; 0 if inline.
        end: Byte or row after the last one (exclusive); 0 if inline.
        first_index: Index of its first item, 0-based over the whole source.
        items: How many items it holds, those that do not parse included.
        first_line: Line of the blob on which its first byte lies, 1-based; 0 without lines.
        part: Number of its blob among the parts of the plan, 0-based; 0 where there is but one.
    """

    offset: int
    end: int
    first_index: int
    items: int
    first_line: int
    part: int = 0


class BlobRef(BaseModel):
    """A blob, in one version where `etag` is not None."""

    model_config = ConfigDict(frozen=True)

    container: str
    blob: str
    etag: str | None = None


class PlanPart(BaseModel):
    """One blob of a source that reads many.

    Attributes:
        data: What the cuts point into: the blob, or its copy, uncompressed and in UTF-8.
        origin: The blob itself, ``container/name``.
        header: Column names of a CSV, else None.
        delimiter: Between the fields of a CSV, else None.
        fault: Why it could not be read to its end; its last cut is one item, refused for that.
    """

    model_config = ConfigDict(frozen=True)

    data: BlobRef
    origin: str
    header: list[str] | None = None
    delimiter: str | None = None
    fault: str | None = None


class PartsPage(BaseModel):
    """``plan/parts-00012.json``: some parts, in source order."""

    model_config = ConfigDict(frozen=True)

    parts: list[PlanPart]


class Reopening(BaseModel):
    """Which failed items an attempt tries again; those of a batch that it has not reached wait.

    Attributes:
        error_types: Only items whose error is of one of these; None takes every one.
        whole: Whether one item to redo opens all that failed in its batch (chunk workloads).
        undoes: Whether it is undone what could not be, and nothing else is tried again.
    """

    model_config = ConfigDict(frozen=True)

    error_types: list[str] | None = None
    whole: bool = False
    undoes: bool = False

    @property
    def opened_status(self) -> ItemStatus:
        """What the items have that the attempt takes up: successes are to be undone."""
        return "succeeded" if self.undoes else "pending"


class Origin(BaseModel):
    """Which batch of the first attempt a later one tries again, and what is known of it so far.

    Attributes:
        partition: In the plan of the first attempt.
        first_cut: Within that partition, 0-based.
        span: How many cuts it takes.
        part: Path of its newest outcomes; None if it left none.
        partial: Path of the partial beside them, if there is one.
        reopenings: Of attempts that were to redo the batch and have not reached it, oldest first.
        opened_in: The latest attempt that opened a batch of sagas over some of it; 0 if none did.
    """

    model_config = ConfigDict(frozen=True)

    partition: int
    first_cut: int
    span: int = 1
    part: str | None = None
    partial: str | None = None
    reopenings: list[Reopening] = Field(default_factory=list)
    opened_in: int = 0


class PartitionPlan(BaseModel):
    """``plan/p00012.json``: the cuts of one partition of several, in source order.

    Attributes:
        origins: Of each cut, in a later attempt of a run; empty in the first.
    """

    model_config = ConfigDict(frozen=True)

    partition: int
    cuts: list[Cut]
    origins: list[Origin] = Field(default_factory=list)


class PlanManifest(BaseModel):
    """``plan/manifest.json``.

    Attributes:
        items: Records in the source (after `max_items`), those that do not parse included.
        header: Column names of a CSV source, else None.
        delimiter: Between the fields of a CSV source, else None.
        etag: ETag of the source blob when it was planned; reads insist on it. None if inline.
        length: Bytes of the source blob, 0 if inline or many.
        data: The copy under ``plan/`` that the cuts point into, where they do not into the blob.
        parts: Where the pages of parts are, if the source reads many blobs: their names begin so.
        reopening: In a later attempt: which failed items it tries again.
        only: The partition, if there is but one: it has no file of its own then.
        identity: What tells this plan from every other, by its cuts and the version of its source;
            none in plans of earlier versions of the app, nor where many blobs are read.
        has_digests: Whether whatever is written of outcomes has a digest beside it; not so in plans
            of earlier versions of the app.
    """

    model_config = ConfigDict(frozen=True)

    items: int
    cuts: int
    partitions: int
    cuts_per_partition: int
    header: list[str] | None = None
    delimiter: str | None = None
    etag: str | None = None
    length: int = 0
    data: BlobRef | None = None
    parts: BlobRef | None = None
    reopening: Reopening | None = None
    only: PartitionPlan | None = None
    has_digests: bool = False
    identity: str | None = None

    def cuts_in(self, partition: int) -> int:
        """Count the cuts of one partition (0-based)."""
        return min(self.cuts_per_partition, self.cuts - partition * self.cuts_per_partition)
