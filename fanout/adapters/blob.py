"""Blob storage: what Fanout asks of it, over one client in a process."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobClient, BlobServiceClient, ContentSettings

from fanout.adapters.accounts import note_blob_answer
from fanout.adapters.credentials import credential
from fanout.adapters.settings import StorageSettings, settings
from fanout.adapters.transport import transport_options
from fanout.naming.media_types import BYTES
from fanout.records import BlobEntry

# The newest version that Azurite 3.35 knows; a client asks for its own newest by default.
API_VERSION = "2025-11-05"
CHUNK_BYTES = 8 * 1_048_576  # a large batch is one request
BLOCK_BYTES = 4 * 1_048_576
# How a client asks whether a service is there: once, and without waiting as it does for work.
ANSWER_SECONDS = 2.0
ONE_QUICK_TRY: dict[str, Any] = {
    "retry_total": 0,
    "connection_timeout": ANSWER_SECONDS,
    "read_timeout": ANSWER_SECONDS,
}


class BlobExistsError(Exception):
    """The blob exists, and was to be written only if it did not."""


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
    """

    properties: BlobProperties
    read: Callable[[], bytes]


class BlobStore:
    """Reads and writes blobs; safe to share between threads."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service

    @classmethod
    def connect(cls, storage: StorageSettings) -> "BlobStore":
        """Open a client by connection string, or by identity."""
        options: dict[str, Any] = {
            "api_version": API_VERSION,
            "max_single_get_size": CHUNK_BYTES,
            "max_chunk_get_size": CHUNK_BYTES,
            "raw_response_hook": note_blob_answer,
            **transport_options(),
        }
        if storage.connection_string is not None:
            return cls(
                BlobServiceClient.from_connection_string(storage.connection_string, **options)
            )
        identity = credential(storage.client_id)
        return cls(BlobServiceClient(str(storage.account_url), credential=identity, **options))

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

    def open(self, container: str, blob: str) -> OpenedBlob | None:
        """Begin to read a blob: one request gives its properties and its first 8 MiB.

        None where there is no such blob or container.
        """
        try:
            download = self._download(container, blob, 0, None, None)
        except ResourceNotFoundError:
            return None
        # The client asks for the rest on condition that the ETag is the same.
        return OpenedBlob(_properties(download.properties), lambda: bytes(download.readall()))

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

        Raises:
            ResourceNotFoundError: There is none.
            ResourceModifiedError: It has another ETag than `etag`.
        """
        return bytes(self._download(container, blob, offset, length, etag).readall())

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
        yield from self._download(container, blob, offset, length, etag).chunks()

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

    def write(
        self,
        container: str,
        blob: str,
        data: bytes,
        *,
        media_type: str = BYTES,
        if_none_match: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write a blob whole, with its MD5; the container is made when it is missing.

        Returns:
            Its ETag.

        Raises:
            BlobExistsError: With `if_none_match`, when there is such a blob.
        """
        target = self._blob(container, blob)
        options: dict[str, Any] = {
            "overwrite": not if_none_match,
            "content_settings": ContentSettings(content_type=media_type, content_md5=md5(data)),
            "metadata": dict(metadata) if metadata else None,
        }
        try:
            try:
                written = target.upload_blob(data, **options)
            except ResourceNotFoundError:
                self._make(container)
                written = target.upload_blob(data, **options)
        except ResourceExistsError as error:
            raise BlobExistsError(blob) from error
        return str(written["etag"])

    def _make(self, container: str) -> None:
        try:
            self._service.create_container(container)
        except ResourceExistsError:
            return

    def open_writer(self, container: str, blob: str, media_type: str) -> "BlobWriter":
        """Write a blob piece by piece in bounded memory; nothing shows before `close`."""
        return BlobWriter(self._blob(container, blob), media_type)

    def delete(self, container: str, blob: str) -> None:
        """Delete a blob; one that is gone already is no fault."""
        with suppress(ResourceNotFoundError):
            self._blob(container, blob).delete_blob()

    def names(self, container: str, prefix: str) -> Iterator[str]:
        """List the blobs below a prefix in order; none where there is no such container."""
        try:
            yield from self._service.get_container_client(container).list_blob_names(
                name_starts_with=prefix
            )
        except ResourceNotFoundError:
            return

    def folders(
        self, container: str, token: str | None, limit: int
    ) -> tuple[list[str], str | None]:
        """List some of the folders at the top of a container in order, with how to go on.

        Args:
            container: The container; one that does not exist has none.
            token: What the call before gave as the second; None begins with the first.
            limit: How many folders and blobs to look at, at most.
        """
        pages: Any = (
            self._service.get_container_client(container)
            .walk_blobs(delimiter="/", results_per_page=limit)
            .by_page(token)
        )
        try:
            names = [entry.name for entry in next(pages, [])]
        except ResourceNotFoundError:
            return [], None
        return [name[:-1] for name in names if name.endswith("/")], pages.continuation_token or None

    def sizes(self, container: str, prefix: str) -> Iterator[tuple[str, int]]:
        """List the blobs below a prefix in order, each with its bytes; none without a container."""
        try:
            for blob in self._service.get_container_client(container).list_blobs(
                name_starts_with=prefix
            ):
                yield blob.name, blob.size
        except ResourceNotFoundError:
            return

    def entries(self, container: str, prefix: str) -> Iterator[BlobEntry]:
        """List the blobs below a prefix in order, with what a listing says of each.

        Raises:
            ResourceNotFoundError: There is no such container.
        """
        blobs = self._service.get_container_client(container).list_blobs(
            name_starts_with=prefix, include=["metadata"]
        )
        for blob in blobs:
            yield BlobEntry(
                name=blob.name,
                size=blob.size,
                etag=f'"{blob.etag.strip(chr(34))}"',  # as all other answers have it
                last_modified=blob.last_modified,
                content_type=blob.content_settings.content_type,
                is_folder=(blob.metadata or {}).get("hdi_isfolder") == "true",
            )

    def ping(self, container: str) -> None:
        """Raise what keeps a container from answering; one that does not exist is no fault.

        The account is not asked for its own properties: no role on data alone may read those, and
        the app has none on the account.
        """
        with suppress(ResourceNotFoundError):
            self._service.get_container_client(container).get_container_properties(**ONE_QUICK_TRY)


def _properties(found: Any) -> BlobProperties:
    return BlobProperties(
        found.size,
        found.etag,
        found.last_modified,
        found.content_settings.content_encoding,
        found.metadata or {},
    )


class BlobWriter:
    """A block blob in the making.

    Attributes:
        size: Bytes written so far.
    """

    def __init__(self, blob: Any, media_type: str) -> None:
        self._blob = blob
        self._media_type = media_type
        self._digest = hashlib.md5(usedforsecurity=False)
        self._buffer = bytearray()
        self._blocks: list[BlobBlock] = []
        # Two writers of one blob keep their blocks apart.
        self._token = secrets.token_hex(8)
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self._digest.update(data)
        self._buffer += data
        self.size += len(data)
        while len(self._buffer) >= BLOCK_BYTES:
            self._stage(bytes(self._buffer[:BLOCK_BYTES]))
            del self._buffer[:BLOCK_BYTES]

    def close(self, *, if_none_match: bool = False) -> str:
        """Make the blob appear with what was written; return its MD5 as hexadecimal text.

        What is shorter than a block is one request.

        Raises:
            BlobExistsError: With `if_none_match`, when there is such a blob.
        """
        content = ContentSettings(
            content_type=self._media_type, content_md5=bytearray(self._digest.digest())
        )
        try:
            if self._blocks:
                self._commit(content, if_none_match)
            else:
                data, overwrite = bytes(self._buffer), not if_none_match
                self._blob.upload_blob(data, overwrite=overwrite, content_settings=content)
        except (ResourceExistsError, ResourceModifiedError) as error:
            raise BlobExistsError(self._blob.blob_name) from error
        return self._digest.hexdigest()

    def _commit(self, content: ContentSettings, if_none_match: bool) -> None:
        if self._buffer:
            self._stage(bytes(self._buffer))
        condition = {"match_condition": MatchConditions.IfMissing} if if_none_match else {}
        self._blob.commit_block_list(self._blocks, content_settings=content, **condition)

    def _stage(self, data: bytes) -> None:
        block_id = base64.b64encode(f"{self._token}{len(self._blocks):08d}".encode()).decode()
        self._blob.stage_block(block_id, data)
        self._blocks.append(BlobBlock(block_id=block_id))


def md5(data: bytes) -> bytearray:
    """The MD5 that Blob storage keeps beside a blob."""
    return bytearray(hashlib.md5(data, usedforsecurity=False).digest())


@lru_cache(maxsize=1)
def blob_store() -> BlobStore:
    """The store of this process, as its settings say."""
    return BlobStore.connect(settings().storage)
