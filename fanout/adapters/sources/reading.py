"""Read the source of a run: what it is, where its cuts are, and one batch of it.

`starters` inspect a source before a run is accepted, the plan activity cuts it, and the activities
that process batches read a chunk each. The last two insist on one ETag, so a blob that changes
under a run ends the run and never mixes two versions. What has to be copied to be cut (a compressed
blob, one in UTF-16, a listing) is copied under ``{run_id}/plan/`` by the plan.
"""

from collections.abc import Iterator

from pydantic_core import to_json

from fanout.adapters.sources.blobs import BlobReader, Properties
from fanout.adapters.sources.columns import columns_of_items, columns_of_set
from fanout.adapters.sources.formats import (
    MAX_RECORD_BYTES,
    Place,
    Wanted,
    columns_of,
    cut_blob,
    open_for,
    read_batch,
)
from fanout.adapters.sources.parquet.errors import CutTooLargeError
from fanout.adapters.sources.planning import CutOptions, Scratch, SourceCuts
from fanout.adapters.sources.request_text import cut_text, inspect_text, read_text
from fanout.adapters.sources.sets import LINES, cut_set, kept_part
from fanout.adapters.sources.stored import StoredItems
from fanout.errors import FieldProblem, InvalidRequestError, SourceChangedError
from fanout.models.outcome import ErrorInfo
from fanout.models.plan import BlobRef, Cut, PlanManifest
from fanout.models.request import BatchLimits
from fanout.models.selection import Selection
from fanout.models.source import (
    InlineSource,
    ListingSource,
    ManifestSource,
    SetSource,
    Source,
    TextSource,
)
from fanout.naming.error_types import ErrorType
from fanout.records import Chunk, SourceInfo
from fanout.splitting.inline import PackedItems
from fanout.splitting.sizes.budget import DEFAULT_BUDGET, Budget
from fanout.splitting.sizes.pieces import divide

__all__ = [
    "MAX_RECORD_BYTES",
    "BlobReader",
    "Properties",
    "Scratch",
    "SourceCuts",
    "cut_source",
    "inspect",
    "read_chunk",
    "read_pieces",
]


def inspect(source: Source, store: BlobReader, max_items: int | None = None) -> SourceInfo:
    """Learn of a source what can be learnt without reading it whole.

    Args:
        source: Which source.
        store: Where its blobs are.
        max_items: How many items are taken from the beginning; None takes all.

    Raises:
        InvalidRequestError: The blob does not exist, or is not of the source's format as far as
            its beginning (of Parquet, its footer) tells.
    """
    if isinstance(source, InlineSource):
        return SourceInfo(source.kind, columns_of_items(source, max_items))
    if isinstance(source, TextSource):
        return inspect_text(source)
    if isinstance(source, ListingSource):
        return SourceInfo(source.kind, columns_of_set(source, store))
    blob = open_for(source, store, source.container, source.blob)
    if isinstance(source, ManifestSource):
        return SourceInfo(source.kind, columns_of_set(source, store), blob.ref.etag, blob.size)
    try:
        columns = columns_of(blob, source)
    except SourceChangedError as error:
        message = (
            f"the blob '{source.blob}' in the container '{source.container}' was written while it "
            "was read; send the request again"
        )
        raise InvalidRequestError([FieldProblem("source.blob", message)]) from error
    return SourceInfo(source.kind, columns, blob.ref.etag, blob.size)


def cut_source(
    source: Source,
    store: BlobReader,
    limits: BatchLimits | None,
    max_items: int | None = None,
    scratch: Scratch | None = None,
    *,
    is_chunk: bool = False,
) -> SourceCuts:
    """Cut a source, reading it once and holding one chunk of it at a time.

    Args:
        source: What to cut.
        store: Where its blobs are.
        limits: What one cut may hold; None suits it to the size of the source.
        max_items: How many items to take from the beginning; None takes all.
        scratch: Where copies go; needed for compressed blobs, UTF-16, listings, manifests.
        is_chunk: Whether the workload takes a batch whole, so that larger cuts suit it.

    Raises:
        InvalidRequestError: As `inspect` does; for the rest of a blob, while the cuts are consumed.
        SourceChangedError: The blob was written or deleted meanwhile.
    """
    return cut_as(source, store, CutOptions(limits, max_items, is_chunk), scratch)


def cut_as(
    source: Source, store: BlobReader, options: CutOptions, scratch: Scratch | None
) -> SourceCuts:
    """Cut a source by options, as `cut_source` does."""
    if isinstance(source, InlineSource):
        items = source.packed if isinstance(source, StoredItems) else PackedItems.pack(source.items)
        limits = options.fit(options.limits_for_items(len(items)))
        cuts = items.cut(limits, options.max_items)
        return SourceCuts(None, None, 0, iter(cuts))
    if isinstance(source, TextSource):
        return cut_text(source, options, scratch)
    if isinstance(source, SetSource):
        if scratch is None:
            raise ValueError("a source of many blobs is planned with a place for its list")
        return cut_set(source, options, scratch)
    blob = open_for(source, store, source.container, source.blob)
    return cut_blob(blob, source, options, scratch)


def read_chunk(
    source: Source,
    cut: Cut,
    manifest: PlanManifest,
    store: BlobReader,
    selection: Selection | None = None,
    budget: Budget = DEFAULT_BUDGET,
) -> Chunk:
    """Read one batch of a source.

    A batch of a single record above `MAX_RECORD_BYTES` is not read: its chunk has a `fault`.

    Args:
        source: The source, as it was planned.
        cut: The batch.
        manifest: The plan.
        store: Where the source's blobs are.
        selection: What is merged into each item (`RunRequest.select`).
        budget: How much memory it may take.

    Raises:
        CutTooLargeError: Its rows of Parquet take too much memory to be read at once.
        SourceChangedError: The blob is not the one that was planned.
    """
    want = Wanted(selection or {}, budget)
    if isinstance(source, InlineSource):
        return _inline_chunk(source, cut, want)
    if isinstance(source, TextSource):
        return read_text(source, cut, manifest, store, want)
    if isinstance(source, SetSource):
        return _read_of_set(source, cut, manifest, store, want)
    blob = BlobRef(container=source.container, blob=source.blob, etag=manifest.etag)
    origin = f"{source.container}/{source.blob}"
    place = Place(manifest.data or blob, origin, manifest.header, manifest.delimiter)
    return read_batch(source, cut, place, store, want)


def read_pieces(
    source: Source,
    cut: Cut,
    manifest: PlanManifest,
    store: BlobReader,
    selection: Selection | None = None,
    budget: Budget = DEFAULT_BUDGET,
) -> Iterator[Chunk]:
    """Read one batch of a source in pieces, each of which takes no more memory than a batch may.

    Nearly every batch is one piece. An item that alone takes too much comes with a fault.

    Args:
        source: As for `read_chunk`, and so are the others.
        cut: The batch.
        manifest: The plan.
        store: Where the source's blobs are.
        selection: What is merged into each item.
        budget: How much memory a piece may take.

    Raises:
        SourceChangedError: The blob is not the one that was planned.
    """
    try:
        chunk = read_chunk(source, cut, manifest, store, selection, budget)
    except CutTooLargeError:
        for half in _halve_rows(cut):
            yield from read_pieces(source, half, manifest, store, selection, budget)
        return
    yield from divide(chunk, budget.batch)


def _halve_rows(cut: Cut) -> tuple[Cut, Cut]:
    """Divide a cut whose bounds are numbers of rows."""
    items = cut.items // 2
    row, index = cut.offset + items, cut.first_index + items
    rest = cut.items - items
    return cut._replace(end=row, items=items), cut._replace(
        offset=row, first_index=index, items=rest
    )


def _inline_chunk(source: InlineSource, cut: Cut, want: Wanted) -> Chunk:
    data = _read_items(source, cut)
    return Chunk(
        source.kind,
        data,
        None,
        cut.first_index,
        cut.first_line,
        cut.items,
        selection=want.selection,
        max_item_bytes=want.budget.item,
    )


def _read_items(source: InlineSource, cut: Cut) -> bytes:
    if isinstance(source, StoredItems):
        return source.packed.take(cut.first_index, cut.items)
    return to_json(source.items[cut.first_index : cut.first_index + cut.items])


def _read_of_set(
    source: SetSource, cut: Cut, manifest: PlanManifest, store: BlobReader, want: Wanted
) -> Chunk:
    if source.read is None or manifest.parts is None:
        if manifest.data is None:
            raise ValueError("the plan of a listing or manifest names the list that it made")
        return read_batch(LINES, cut, Place(manifest.data, source.container, None), store, want)
    part = kept_part(store, manifest.parts, cut.part)
    if part.fault is not None and cut.end == 0:
        fault = ErrorInfo(type=ErrorType.SOURCE_BLOB, message=part.fault, retryable=False)
        return Chunk(source.read.kind, b"", part.header, cut.first_index, 0, cut.items, fault)
    place = Place(part.data, part.origin, part.header, part.delimiter)
    return read_batch(source.read, cut, place, store, want)
