"""How blobs are read: whole, in ranges, and once where it can be."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobServiceClient

from fanout.adapters.beginnings import HEAD_BYTES, Beginnings, Version

CHUNK_BYTES = 8 * 1_048_576  # a large batch is one request


@dataclass(frozen=True, slots=True)
class BlobProperties:
    """What Blob storage says of a blob without sending it.

    Attributes:
        size: Its bytes.
        etag: What tells this version from others.
        last_modified: When it was written, aware, to the second.
        content_encoding: How it is compressed, if it says so.
        metadata: What was written down beside it.
    """

    size: int
    etag: str
    last_modified: datetime
    content_encoding: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OpenedBlob:
    """One version of a blob whose reading has begun: what is known of it came with its beginning.

    Attributes:
        properties: What Blob storage says of it.
        read: Reads it whole, as it is stored; raises `ResourceModifiedError` where the rest is of
            another version by now.
        beginning: What has come of it.
    """

    properties: BlobProperties
    read: Callable[[], bytes]
    beginning: bytes = b""


class StoredBlobs:
    """Reads blobs; safe to share between threads."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service
        self._beginnings = Beginnings()

    def _blob(self, container: str, name: str) -> BlobClient:
        """Open a client for a blob.

        A name with dot segments is refused: HTTP resolves them (RFC 3986, 5.2.4), so that it could
        lead into another container.

        Raises:
            ResourceNotFoundError: No blob of this name can be asked for.
        """
        if any(segment in (".", "..") for segment in name.split("/")):
            raise ResourceNotFoundError(f"No blob can be asked for by the name '{name}'.")
        return self._service.get_blob_client(container, name)

    def properties(self, container: str, blob: str) -> BlobProperties | None:
        """Ask what there is to know of a blob; None where there is no such blob or container."""
        try:
            return _properties(self._blob(container, blob).get_blob_properties())
        except ResourceNotFoundError:
            return None

    def peek(self, container: str, blob: str) -> BlobProperties | None:
        """Ask what there is to know of a blob that is then read from its beginning.

        The same request reads its first 64 KiB, which are not asked for again.
        """
        if self._beginnings.has(container, blob):
            return self.properties(container, blob)
        begun = self._begin(container, blob, HEAD_BYTES)
        if begun is None:
            return None
        found, beginning = begun
        version = Version(container, blob, found.etag)
        self._beginnings.add(version, 0, beginning, found.size)
        return found

    def open(self, container: str, blob: str, length: int = CHUNK_BYTES) -> OpenedBlob | None:
        """Begin to read a blob: one request gives its properties and so many of its bytes.

        None where there is no such blob or container.
        """
        begun = self._begin(container, blob, length)
        if begun is None:
            return None
        found, beginning = begun

        def read() -> bytes:
            offset = len(beginning)
            if offset == found.size:
                return beginning
            rest = self.read(container, blob, offset=offset, etag=found.etag)
            return beginning + rest

        return OpenedBlob(found, read, beginning)

    def _begin(self, container: str, blob: str, length: int) -> tuple[BlobProperties, bytes] | None:
        """Read so many bytes of a blob with its properties; None where there is no such blob."""
        try:
            download = self._download(container, blob, 0, length, None)
        except ResourceNotFoundError:
            return None
        except HttpResponseError as error:
            if error.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            found = self.properties(container, blob)  # it is empty
            return None if found is None else (found, b"")
        found = replace(_properties(download.properties), size=_whole_size(download.properties))
        return found, b"".join(download.chunks())

    def read(
        self,
        container: str,
        blob: str,
        *,
        offset: int = 0,
        length: int | None = None,
        etag: str | None = None,
    ) -> bytes:
        """Read a blob, or `length` bytes of it from `offset` on, as it is stored.

        What this process has just read of a small blob in the version `etag` is not asked for
        again (`fanout.adapters.beginnings`).

        Raises:
            ResourceNotFoundError: There is none.
            ResourceModifiedError: It has another ETag than `etag`.
        """
        return b"".join(self.stream(container, blob, offset=offset, length=length, etag=etag))

    def stream(
        self,
        container: str,
        blob: str,
        *,
        offset: int = 0,
        length: int | None = None,
        etag: str | None = None,
    ) -> Iterator[bytes]:
        """Read as `read` does, 8 MiB at a time."""
        if etag is None:
            yield from self._download(container, blob, offset, length, None).chunks()
            return
        version = Version(container, blob, etag)
        known = self._beginnings.find(version)
        if beginning := known.part(offset, length):
            yield beginning
        if known.holds(offset, length):
            return
        offset += len(beginning)
        rest = None if length is None else length - len(beginning)
        download = self._download(container, blob, offset, rest, etag)
        size = _whole_size(download.properties)
        for piece in download.chunks():
            self._beginnings.add(version, offset, piece, size)
            yield piece
            offset += len(piece)

    def _download(
        self, container: str, blob: str, offset: int, length: int | None, etag: str | None
    ) -> Any:
        condition: dict[str, Any] = {}
        if etag is not None:
            condition = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        return self._blob(container, blob).download_blob(
            offset=offset or (0 if length is not None else None),
            length=length,
            # The client would undo a Content-Encoding, but offsets are those of what is stored.
            decompress=False,
            **condition,
        )


def _whole_size(answer: Any) -> int:
    """The size of a blob of which a range was read: ``bytes 0-9/100`` (RFC 9110, 14.4)."""
    return int(answer.content_range.rpartition("/")[2])


def _properties(answer: Any) -> BlobProperties:
    return BlobProperties(
        answer.size,
        answer.etag,
        answer.last_modified,
        answer.content_settings.content_encoding,
        answer.metadata or {},
    )
