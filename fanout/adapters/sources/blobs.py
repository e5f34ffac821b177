"""One version of a blob as a source reads it, and how its faults are told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError

from fanout.adapters.blob_reading import OpenedBlob
from fanout.adapters.infrastructure import error_code
from fanout.errors import FieldProblem, InvalidRequestError, SourceChangedError
from fanout.models.plan import BlobRef
from fanout.records import BlobEntry
from fanout.splitting.columns import HeaderError
from fanout.splitting.decoding.codecs import CompressionError
from fanout.splitting.decoding.encodings import TextError
from fanout.splitting.listing import ManifestError
from fanout.splitting.pointer import JsonSourceError

# What storage says of one blob, and not of its container or of itself, begins so: that it is
# archived, say, or encrypted by a key of the customer.
_OF_BLOB = "Blob"
# A header is read in blocks of this size; nearly every one is in the first.
_FIRST_BLOCK_BYTES = 64 * 1024


class Properties(Protocol):
    """What is asked of a blob's properties."""

    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str: ...
    @property
    def content_encoding(self) -> str | None: ...


class BlobReader(Protocol):
    """What is asked of a store of blobs: `fanout.adapters.blob.BlobStore`, for one.

    With an `etag`, reading another version raises `ResourceModifiedError`. `peek` is `properties`
    of a blob that is to be read from its beginning.
    """

    def __hash__(self) -> int: ...

    def properties(self, container: str, blob: str) -> Properties | None: ...

    def peek(self, container: str, blob: str) -> Properties | None: ...

    def open(self, container: str, blob: str, length: int = ...) -> OpenedBlob | None: ...

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

    def entries(self, container: str, prefix: str) -> Iterator[BlobEntry]: ...


class Writer(Protocol):
    """A blob in the making; nothing shows before `close`."""

    def write(self, data: bytes) -> None: ...
    def close(self, *, if_none_match: bool = False) -> str: ...


class BlobFiles(BlobReader, Protocol):
    """What the plan of a run asks of a store: to write copies, too."""

    def write(
        self,
        container: str,
        blob: str,
        data: bytes,
        *,
        media_type: str = ...,
        if_none_match: bool = ...,
        metadata: Mapping[str, str] | None = ...,
    ) -> object: ...
    def open_writer(self, container: str, blob: str, media_type: str) -> Writer: ...


class BrokenSourceError(InvalidRequestError):
    """A blob of a source is not what the source says it is."""

    def __init__(self, ref: BlobRef, fault: str, field: str = "source.blob") -> None:
        self.fault = fault
        message = f"the blob '{ref.blob}' in the container '{ref.container}' {fault}"
        super().__init__([FieldProblem(field, message)])


@dataclass(frozen=True)
class OpenBlob:
    """One version of a blob; `size` is that of the bytes as they are stored."""

    store: BlobReader
    ref: BlobRef
    size: int
    content_encoding: str | None = None

    @property
    def origin(self) -> str:
        """The blob's full name."""
        return f"{self.ref.container}/{self.ref.blob}"

    def chunks(self, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Read it, some MiB at a time.

        Raises:
            BrokenSourceError: Storage does not give it: it is archived, for one.
            SourceChangedError: There is another version, or none.
        """
        if self.size == 0:  # no range of an empty blob can be read
            return
        ref = self.ref
        with translate_version_errors(ref):
            yield from self.store.stream(
                ref.container, ref.blob, offset=offset, length=length, etag=ref.etag
            )

    def beginning(self) -> Iterator[bytes]:
        """Read it in blocks small enough to stop after its header."""
        for offset in range(0, self.size, _FIRST_BLOCK_BYTES):
            yield self.read(offset, min(_FIRST_BLOCK_BYTES, self.size - offset))

    def read(self, offset: int, length: int) -> bytes:
        """Read a range of it.

        Raises:
            BrokenSourceError: Storage does not give it.
            SourceChangedError: There is another version, or none.
        """
        return read_range(self.store, self.ref, offset, length)


def open_blob(store: BlobReader, container: str, blob: str, *, from_end: bool = False) -> OpenBlob:
    """Find the version that a blob has now.

    Args:
        store: Where it is.
        container: Its container.
        blob: Its name.
        from_end: Whether it is read from its end, as Parquet is, and not from its beginning.

    Raises:
        BrokenSourceError: There is no such blob, or storage does not give it.
    """
    ref = BlobRef(container=container, blob=blob)
    with translate_refusals(ref):
        find = store.properties if from_end else store.peek
        properties = find(container, blob)
    if properties is None:
        raise BrokenSourceError(ref, "does not exist")
    ref = BlobRef(container=container, blob=blob, etag=properties.etag)
    return OpenBlob(store, ref, properties.size, properties.content_encoding)


def read_range(store: BlobReader, ref: BlobRef, offset: int, length: int) -> bytes:
    """Read a range of a blob.

    Raises:
        BrokenSourceError: Storage does not give it.
        SourceChangedError: There is another version, or none.
    """
    if length == 0:
        return b""
    with translate_version_errors(ref):
        return store.read(ref.container, ref.blob, offset=offset, length=length, etag=ref.etag)


@contextmanager
def translate_version_errors(ref: BlobRef) -> Iterator[None]:
    """Tell that a blob has changed, or is refused, by the error that Fanout has for it."""
    with translate_refusals(ref):
        try:
            yield
        except (ResourceModifiedError, ResourceNotFoundError) as error:
            raise SourceChangedError(ref.blob) from error


@contextmanager
def translate_refusals(ref: BlobRef) -> Iterator[None]:
    """Tell with the name of the blob that storage does not give it, now and at another try.

    See https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes.
    """
    try:
        yield
    except HttpResponseError as error:
        if not _is_final(error):
            raise
        reason = getattr(error, "error_code", None) or error.reason or error.status_code
        raise BrokenSourceError(ref, f"is not given by storage: {reason}") from error


def _is_final(error: HttpResponseError) -> bool:
    """Tell whether storage refuses this one blob: its name is impossible (400), or its state."""
    is_of_blob = error_code(error).startswith(_OF_BLOB)
    is_conflict = error.status_code == HTTPStatus.CONFLICT
    return error.status_code == HTTPStatus.BAD_REQUEST or (is_conflict and is_of_blob)


@contextmanager
def translate_format_errors(ref: BlobRef) -> Iterator[None]:
    """Tell with the name of the blob why it cannot be read."""
    try:
        yield
    except HeaderError as error:
        raise BrokenSourceError(ref, f"is no CSV with a header: {error}") from error
    except JsonSourceError as error:
        raise BrokenSourceError(ref, f"holds no such JSON array: {error}") from error
    except CompressionError as error:
        raise BrokenSourceError(ref, f"cannot be decompressed: {error}") from error
    except ManifestError as error:
        raise BrokenSourceError(ref, f"is no manifest: {error}") from error
    except TextError as error:
        raise BrokenSourceError(ref, f"cannot be read: {error}") from error
