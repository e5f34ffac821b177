"""Blobs in memory, read as `fanout.adapters.blob.BlobStore` reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError

from fanout.adapters.blob import BlobExistsError, md5
from fanout.adapters.blob_reading import BlobProperties, OpenedBlob
from fanout.records import BlobEntry

CHUNK_BYTES = 8 * 1_048_576
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)  # plus a second for each write: when a blob was written


@dataclass(frozen=True)
class MemoryProperties:
    """What `fanout.adapters.blob_reading.BlobProperties` has."""

    size: int
    etag: str
    last_modified: datetime
    content_encoding: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class MemoryStore:
    """Blobs by container and name; each write gives a new ETag, as Azure's do.

    Attributes:
        bytes_read: How many bytes have been read from it.
        media_types: The media type each blob was written with.
    """

    def __init__(self) -> None:
        self.bytes_read = 0
        self.media_types: dict[tuple[str, str], str] = {}
        self._blobs: dict[tuple[str, str], tuple[bytes, str]] = {}
        self._metadata: dict[tuple[str, str], Mapping[str, str]] = {}
        self._versions = count(1)

    def write(
        self,
        container: str,
        blob: str,
        data: bytes,
        *,
        media_type: str = "application/octet-stream",
        if_none_match: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        if if_none_match and (container, blob) in self._blobs:
            raise BlobExistsError(blob)
        self.media_types[container, blob] = media_type
        self._metadata[container, blob] = dict(metadata or {})
        etag = f'"0x{next(self._versions):X}"'
        self._blobs[container, blob] = (data, etag)
        return etag

    def open_writer(self, container: str, blob: str, media_type: str) -> "MemoryWriter":
        return MemoryWriter(self, container, blob, media_type)

    def names(self, container: str, prefix: str) -> Iterator[str]:
        yield from sorted(b for c, b in self._blobs if c == container and b.startswith(prefix))

    def folders(
        self, container: str, token: str | None, limit: int
    ) -> tuple[list[str], str | None]:
        paths = (blob for name, blob in self._blobs if name == container and "/" in blob)
        names = sorted({path.split("/")[0] for path in paths})
        rest = [name for name in names if token is None or name > token]
        return rest[:limit], rest[limit - 1] if len(rest) > limit else None

    def sizes(self, container: str, prefix: str) -> Iterator[tuple[str, int]]:
        for blob in self.names(container, prefix):
            yield blob, len(self._blobs[container, blob][0])

    def entries(self, container: str, prefix: str) -> Iterator[BlobEntry]:
        if not any(name == container for name, _ in self._blobs):
            raise ResourceNotFoundError("ContainerNotFound")
        for blob in self.names(container, prefix):
            data, etag = self._blobs[container, blob]
            media_type = self.media_types[container, blob]
            yield BlobEntry(blob, len(data), etag, _written_at(etag), media_type)

    def delete(self, container: str, blob: str) -> None:
        del self._blobs[container, blob]

    def properties(self, container: str, blob: str) -> MemoryProperties | None:
        if (container, blob) not in self._blobs:
            return None
        data, etag = self._blobs[container, blob]
        metadata = self._metadata[container, blob]
        return MemoryProperties(len(data), etag, _written_at(etag), metadata=metadata)

    def peek(self, container: str, blob: str) -> MemoryProperties | None:
        return self.properties(container, blob)

    def open(self, container: str, blob: str, length: int = CHUNK_BYTES) -> OpenedBlob | None:
        # One request, whatever a class that counts requests makes of others.
        found = MemoryStore.properties(self, container, blob)
        if found is None:
            return None
        etag, first = found.etag, MemoryStore.read(self, container, blob, length=length)

        def read() -> bytes:
            if len(first) == found.size:
                return first
            rest = self.stream(container, blob, offset=len(first), etag=etag)
            return first + b"".join(rest)

        properties = BlobProperties(found.size, etag, found.last_modified, metadata=found.metadata)
        return OpenedBlob(properties, read, first)

    def read(
        self,
        container: str,
        blob: str,
        *,
        offset: int = 0,
        length: int | None = None,
        etag: str | None = None,
    ) -> bytes:
        if (container, blob) not in self._blobs:
            raise ResourceNotFoundError("BlobNotFound")
        data, current = self._blobs[container, blob]
        if etag is not None and etag != current:
            raise ResourceModifiedError("ConditionNotMet")
        if offset > 0 and offset >= len(data):
            raise HttpResponseError("InvalidRange")
        end = len(data) if length is None else offset + length
        self.bytes_read += len(data[offset:end])
        return data[offset:end]

    def stream(
        self,
        container: str,
        blob: str,
        *,
        offset: int = 0,
        length: int | None = None,
        etag: str | None = None,
    ) -> Iterator[bytes]:
        found = self.properties(container, blob)
        size = found.size if found else 0
        end = size if length is None else min(size, offset + length)
        for begin in range(offset, end, CHUNK_BYTES):
            yield self.read(
                container, blob, offset=begin, length=min(CHUNK_BYTES, end - begin), etag=etag
            )


def _written_at(etag: str) -> datetime:
    return EPOCH + timedelta(seconds=int(etag.strip('"'), 16))


class MemoryWriter:
    """A blob in the making; nothing shows before `close`.

    Attributes:
        size: Bytes written so far.
    """

    def __init__(self, store: MemoryStore, container: str, blob: str, media_type: str) -> None:
        self._store = store
        self._target = (container, blob)
        self._media_type = media_type
        self._data = bytearray()

    @property
    def size(self) -> int:
        return len(self._data)

    def write(self, data: bytes) -> None:
        self._data += data

    def close(self, *, if_none_match: bool = False) -> str:
        data = bytes(self._data)
        self._store.write(
            *self._target, data, media_type=self._media_type, if_none_match=if_none_match
        )
        return md5(data).hex()
