"""Read the source of a run: what it is, where its batches are, and one batch of it.

`starters` inspect a source before a run is accepted, the plan activity cuts it, and the activities
that process batches read a chunk each. The last two insist on one ETag, so a blob that changes
under a run ends the run and never mixes two versions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from pydantic_core import to_json

from fanout.errors import FieldProblem, InvalidRequestError, SourceChangedError
from fanout.models.outcome import ErrorInfo
from fanout.models.plan import BatchCut, PlanManifest
from fanout.models.request import BatchLimits, CsvSource, InlineSource, JsonlSource, Source
from fanout.records import Chunk, SourceInfo
from fanout.splitting.header import HeaderError, read_csv_start
from fanout.splitting.inline import cut_items
from fanout.splitting.split import split

# Nearly every header is in the first block.
_HEADER_BLOCK_BYTES = 64 * 1024
# A batch of several records is never larger (`BatchLimits.max_bytes`); one record alone may be.
MAX_RECORD_BYTES = 64 * 1_048_576


class Properties(Protocol):
    """What is asked of a blob's properties."""

    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str: ...


class BlobReader(Protocol):
    """What is asked of a store of blobs: `fanout.adapters.blob.BlobStore`, for one.

    With an `etag`, reading another version raises `ResourceModifiedError`.
    """

    def properties(self, container: str, blob: str) -> Properties | None: ...

    def read(
        self,
        container: str,
        blob: str,
        *,
        offset: int = 0,
        length: int | None = None,
        etag: str | None = None,
    ) -> bytes: ...

    def stream(
        self,
        container: str,
        blob: str,
        *,
        offset: int = 0,
        length: int | None = None,
        etag: str | None = None,
    ) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class SourceCuts:
    """A source on its way into batches; iterate over it once to read it and get them.

    Attributes:
        header: Column names of a CSV, else None.
        etag: ETag of the blob that is read; None if inline.
        length: Bytes of the blob; 0 if inline.
    """

    header: list[str] | None
    etag: str | None
    length: int
    cuts: Iterator[BatchCut]

    def __iter__(self) -> Iterator[BatchCut]:
        """Cut the source; the blob is read meanwhile, a chunk at a time.

        Raises:
            SourceChangedError: The blob was written or deleted meanwhile.
        """
        return self.cuts


def inspect(source: Source, store: BlobReader) -> SourceInfo:
    """Learn of a source what can be learnt without reading it whole.

    Raises:
        InvalidRequestError: The blob does not exist, or it is a CSV whose first record does not
            name its columns.
    """
    if isinstance(source, InlineSource):
        return SourceInfo(source.kind)
    found = _properties(source, store)
    if isinstance(source, JsonlSource):
        return SourceInfo(source.kind, None, found.etag, found.size)
    try:
        with _header_required(source), _same_version(source):
            columns = read_csv_start(_beginning(source, store, found)).columns
    except SourceChangedError as error:
        raise _refused(source, "was written while it was read; send the request again") from error
    return SourceInfo(source.kind, _named(source, columns), found.etag, found.size)


def cut_source(
    source: Source, store: BlobReader, limits: BatchLimits, max_items: int | None = None
) -> SourceCuts:
    """Cut a source into batches, reading it once and holding one chunk of it at a time.

    Args:
        source: What to cut.
        store: Where its blob is.
        limits: What one batch may hold.
        max_items: How many items to take from the beginning; None takes all.

    Raises:
        InvalidRequestError: As `inspect` does.
        SourceChangedError: The blob was written or deleted meanwhile.
    """
    if isinstance(source, InlineSource):
        return SourceCuts(None, None, 0, iter(cut_items(source.items, limits, max_items)))
    found = _properties(source, store)
    with _header_required(source):
        parts = split(_chunks(source, store, found), source.kind, limits, max_items)
    header = _named(source, parts.columns) if isinstance(source, CsvSource) else None
    return SourceCuts(header, found.etag, found.size, parts.cuts)


def read_chunk(source: Source, cut: BatchCut, manifest: PlanManifest, store: BlobReader) -> Chunk:
    """Read one batch of a source.

    A batch of a single record above `MAX_RECORD_BYTES` is not read: its chunk has a `fault`.

    Raises:
        SourceChangedError: The blob is not the one that was planned.
    """
    columns, fault, length = manifest.header, None, cut.end - cut.offset
    if isinstance(source, InlineSource):
        data = to_json(source.items[cut.first_index : cut.first_index + cut.items])
    elif length > MAX_RECORD_BYTES:
        data, fault = b"", _too_large(cut)
    else:
        with _same_version(source):
            data = store.read(
                source.container,
                source.blob,
                offset=cut.offset,
                length=length,
                etag=manifest.etag,
            )
    return Chunk(source.kind, data, columns, cut.first_index, cut.first_line, cut.items, fault)


def _properties(source: CsvSource | JsonlSource, store: BlobReader) -> Properties:
    found = store.properties(source.container, source.blob)
    if found is None:
        raise _refused(source, "does not exist")
    return found


def _beginning(source: CsvSource, store: BlobReader, found: Properties) -> Iterator[bytes]:
    """Read a blob in blocks small enough to stop after its header."""
    for offset in range(0, found.size, _HEADER_BLOCK_BYTES):
        length = min(_HEADER_BLOCK_BYTES, found.size - offset)
        yield store.read(
            source.container, source.blob, offset=offset, length=length, etag=found.etag
        )


def _chunks(
    source: CsvSource | JsonlSource, store: BlobReader, found: Properties
) -> Iterator[bytes]:
    if found.size == 0:  # no range of an empty blob can be read
        return
    with _same_version(source):
        yield from store.stream(source.container, source.blob, etag=found.etag)


@contextmanager
def _same_version(source: CsvSource | JsonlSource) -> Iterator[None]:
    try:
        yield
    except (ResourceModifiedError, ResourceNotFoundError) as error:
        raise SourceChangedError(source.blob) from error


@contextmanager
def _header_required(source: CsvSource | JsonlSource) -> Iterator[None]:
    try:
        yield
    except HeaderError as error:
        raise _refused(source, f"is no CSV with a header: {error}") from error


def _named(source: CsvSource, columns: list[str] | None) -> list[str]:
    if columns is None:
        raise _refused(source, "is empty: the first record of a CSV names its columns")
    return columns


def _refused(source: CsvSource | JsonlSource, fault: str) -> InvalidRequestError:
    message = f"the blob '{source.blob}' in the container '{source.container}' {fault}"
    return InvalidRequestError([FieldProblem("source.blob", message)])


def _too_large(cut: BatchCut) -> ErrorInfo:
    message = f"line {cut.first_line}: the record is longer than {MAX_RECORD_BYTES} bytes"
    return ErrorInfo(type="RecordTooLargeError", message=message, retryable=False)
