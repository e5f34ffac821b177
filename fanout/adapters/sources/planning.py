"""What planning a source gives, and where it puts the copies that it has to make."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from fanout.adapters.blob import BlobExistsError
from fanout.adapters.settings import Settings
from fanout.adapters.sources.blobs import BlobFiles, OpenBlob, Writer, open_blob
from fanout.errors import FanoutError
from fanout.models.plan import BlobRef, Cut
from fanout.models.request import BatchLimits
from fanout.models.selection import Selection
from fanout.naming import blob_paths
from fanout.naming.media_types import BYTES, JSON_LINES
from fanout.splitting.cuts import Growth
from fanout.splitting.decoding.codecs import Expansion
from fanout.splitting.sizes.budget import DEFAULT_BUDGET, Budget
from fanout.splitting.sizes.estimates import TEXT_COPIES, fixed_bytes, path_count
from fanout.splitting.sizing import (
    CUTS_A_BATCH,
    MAX_CUT,
    MAX_WIDTH,
    chunk_cut_limits_for_bytes,
    cut_limits_for_bytes,
    cut_limits_for_items,
)

# What the outcome of an item with a short output takes.
OUTCOME_BYTES = 256


@dataclass(frozen=True)
class Scratch:
    """Where a plan may write.

    Attributes:
        prefix: What its blobs begin with: ``{run_id}/plan/``.
        allowed: How much may come out of a compressed blob.
    """

    store: BlobFiles
    container: str
    prefix: str
    allowed: Expansion = field(default_factory=Expansion)

    @classmethod
    def of_run(cls, run_id: str, store: BlobFiles, settings: Settings) -> "Scratch":
        """The folder of a run's plan."""
        allowed = Expansion(settings.max_uncompressed_bytes, settings.max_compression_ratio)
        return cls(store, settings.runs_container, blob_paths.plan_folder(run_id), allowed)

    def ref(self, name: str) -> BlobRef:
        """Name a blob here. What is written here never changes, so no version is meant."""
        return BlobRef(container=self.container, blob=self.prefix + name)

    def copy_name(self, blob: OpenBlob) -> str:
        """Name the copy, uncompressed and in UTF-8, of one version of a blob."""
        version = f"{blob.origin}\n{blob.ref.etag}".encode()
        return f"copy-{hashlib.sha256(version).hexdigest()[:20]}.bin"

    def copy(self, name: str, pieces: Iterator[bytes]) -> "Copy":
        """Write pieces to a blob while they are read."""
        return Copy(self.store.open_writer(self.container, self.prefix + name, BYTES), pieces)

    def write_lines_once(self, name: str, lines: Iterable[bytes]) -> OpenBlob:
        """Write lines to a blob unless it is there from an earlier try of the same plan."""
        if self.store.properties(self.container, self.prefix + name) is None:
            writer = self.store.open_writer(self.container, self.prefix + name, JSON_LINES)
            for line in lines:
                writer.write(line)
            _commit(writer.close)
        return open_blob(self.store, self.container, self.prefix + name)


class Copy:
    """A copy in the making: what is read goes into it, and it appears when all is cut."""

    def __init__(self, writer: Writer, pieces: Iterator[bytes]) -> None:
        self._writer = writer
        self._pieces = pieces

    def pieces(self) -> Iterator[bytes]:
        """Read what is copied."""
        for piece in self._pieces:
            self._writer.write(piece)
            yield piece

    def commit_after(self, cuts: Iterator[Cut]) -> Iterator[Cut]:
        """Cut to the end, or as far as is wanted, and let the copy appear.

        It appears as well where the source breaks after some records: their cuts point into it. A
        copy that exists is of the same version and was cut alike, so it is as good.
        """
        has_cuts = False
        try:
            for cut in cuts:
                has_cuts = True
                yield cut
        except FanoutError:
            if has_cuts:
                _commit(self._writer.close)
            raise
        _commit(self._writer.close)


def _commit(close: Callable[..., str]) -> None:
    try:
        close(if_none_match=True)
    except BlobExistsError:  # another try of this plan was quicker
        return


@dataclass(frozen=True)
class CutOptions:
    """How a source is to be cut.

    Attributes:
        limits: What one cut may hold; None suits it to the size of the source.
        max_items: How many items to take from the beginning; None takes all.
        is_chunk: Whether the workload takes a batch whole, so that larger cuts suit it.
        at_once: How many batches may be at work at once.
        selection: What is merged into each item.
        budget: How much memory a batch may take.
    """

    limits: BatchLimits | None
    max_items: int | None = None
    is_chunk: bool = False
    at_once: int = MAX_WIDTH
    selection: Selection = field(default_factory=dict)
    budget: Budget = DEFAULT_BUDGET

    def fit(self, limits: BatchLimits, columns: Sequence[str] | None = None) -> BatchLimits:
        """Lower limits so that what a cut holds fits into memory once it is decoded.

        Args:
            limits: The limits.
            columns: The columns that every item has, if that is known.
        """
        items = self.budget.cut // max(1, fixed_bytes(columns or (), self.selection))
        # No cut is divided any more, and a batch has the outcomes of all its items.
        items = items if self.is_chunk else min(items, self.budget.outcomes // OUTCOME_BYTES)
        size = self.budget.cut // (1 + path_count(self.selection))
        return limits.model_copy(
            update={
                "max_items": max(1, min(limits.max_items, items)),
                "max_bytes": max(1, min(limits.max_bytes, size)),
            }
        )

    def max_span(self, source_bytes: int, items: int, columns: Sequence[str] | None) -> int:
        """How many cuts like this one fit into memory at once when they are decoded.

        Args:
            source_bytes: Bytes of the source in the largest cut.
            items: How many items the cut with most of them has.
            columns: The columns that every item has, if that is known.
        """
        decoded = items * fixed_bytes(columns or (), self.selection)
        decoded += TEXT_COPIES * source_bytes * (1 + path_count(self.selection))
        return max(1, self.budget.batch // max(1, decoded))

    def limits_for_bytes(self, length: int) -> BatchLimits:
        """The limits for a source of so many bytes."""
        if self.limits is not None:
            return self.limits
        if self.is_chunk:
            return chunk_cut_limits_for_bytes(length)
        return cut_limits_for_bytes(length, self.at_once)

    def growth(self, columns: Sequence[str] | None = None) -> Growth | None:
        """How cuts grow of a source whose size nobody knows; None where the limits are given.

        Of few bytes may come any number of records, and each cut costs memory and an activity.
        """
        if self.limits is not None:
            return None
        return Growth(self.at_once * CUTS_A_BATCH, self.fit(MAX_CUT, columns).max_bytes)

    def limits_for_items(self, count: int, length: int = 0) -> BatchLimits:
        """The limits for a source of so many items, which have so many bytes if that is known."""
        if self.limits is not None:
            return self.limits
        if self.is_chunk:
            return chunk_cut_limits_for_bytes(length)
        return cut_limits_for_items(count, self.at_once)


@dataclass(frozen=True)
class SourceCuts:
    """A source on its way into cuts; iterate over it once to read it and get them.

    Attributes:
        header: Column names of a CSV, else None.
        etag: ETag of the blob that is read; None if inline, or many.
        length: Bytes of the blob; 0 if inline, or many.
        cuts: In source order.
        data: The copy that the cuts point into, where they do not into the blob itself.
        parts: What the names of the pages of parts begin with, if the source reads many blobs.
        delimiter: Between the fields of a CSV, as its first line or the request says; else None.
        columns: The columns that every item has, if that is known.
        row_bytes: Bytes of a row, where the bounds of a cut are numbers of rows and not of bytes.
    """

    header: list[str] | None
    etag: str | None
    length: int
    cuts: Iterator[Cut]
    data: BlobRef | None = None
    parts: BlobRef | None = None
    delimiter: str | None = None
    columns: Sequence[str] | None = None
    row_bytes: int | None = None

    def size_of(self, cut: Cut) -> int:
        """Bytes of the source in a cut; 0 where it names none, as one of items in the request."""
        if self.row_bytes is not None:
            return cut.items * self.row_bytes
        return cut.end - cut.offset

    def __iter__(self) -> Iterator[Cut]:
        """Cut the source; it is read meanwhile, a chunk at a time.

        Raises:
            InvalidRequestError: It turns out malformed on the way.
            SourceChangedError: The blob was written or deleted meanwhile.
        """
        return self.cuts
