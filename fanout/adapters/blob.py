"""Blob storage: what Fanout asks of it, over one client in a process."""

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobBlock, BlobServiceClient, ContentSettings

from fanout.adapters.accounts import note_blob_answer
from fanout.adapters.blob_reading import CHUNK_BYTES, StoredBlobs
from fanout.adapters.credentials import credential
from fanout.adapters.infrastructure import error_code
from fanout.adapters.settings import StorageSettings, settings
from fanout.adapters.transport import PatientRetry, StorageTransport, transport_options
from fanout.naming.media_types import BYTES
from fanout.records import BlobEntry

# The newest version that Azurite 3.35 knows; a client asks for its own newest by default.
API_VERSION = "2025-11-05"
BLOCK_BYTES = 4 * 1_048_576
# How a client asks whether a service is there: once, and without waiting as it does for work.
ANSWER_SECONDS = 2.0
ONE_QUICK_TRY: dict[str, Any] = {
    "retry_total": 0,
    "connection_timeout": ANSWER_SECONDS,
    "read_timeout": ANSWER_SECONDS,
}


# The name in a blob's metadata of what its writer knows it by.
_MARK = "writer"
# The service's words for it.
_EXISTS = frozenset({"BlobAlreadyExists", "ConditionNotMet", "TargetConditionNotMet"})


class BlobExistsError(Exception):
    """The blob exists, and was to be written only if it did not."""


class BlobStore(StoredBlobs):
    """Reads and writes blobs; safe to share between threads."""

    @classmethod
    def connect(cls, storage: StorageSettings) -> "BlobStore":
        """Open a client by connection string, or by identity."""
        options: dict[str, Any] = {
            "api_version": API_VERSION,
            "max_single_get_size": CHUNK_BYTES,
            "max_chunk_get_size": CHUNK_BYTES,
            # What a request gets is read in one piece, and not put together from many.
            "connection_data_block_size": CHUNK_BYTES,
            "raw_response_hook": note_blob_answer,
            "retry_policy": PatientRetry(),
        }
        options["transport"] = StorageTransport(**options, **transport_options())
        if storage.connection_string is not None:
            return cls(
                BlobServiceClient.from_connection_string(storage.connection_string, **options)
            )
        identity = credential(storage.client_id)
        return cls(BlobServiceClient(str(storage.account_url), credential=identity, **options))

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
        named = {**(metadata or {}), **(_new_mark() if if_none_match else {})}
        options: dict[str, Any] = {
            "overwrite": not if_none_match,
            "content_settings": ContentSettings(content_type=media_type, content_md5=md5(data)),
            "metadata": named or None,
        }
        try:
            try:
                written = target.upload_blob(data, **options)
            except ResourceNotFoundError:
                self._make(container)
                written = target.upload_blob(data, **options)
        except ResourceExistsError as error:
            return _insist_that_it_is_ours(target, named, error)
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


class BlobWriter:
    """A block blob in the making.

    Attributes:
        size: Bytes written so far.
    """

    def __init__(self, blob: Any, media_type: str) -> None:
        self._blob = blob
        self._media_type = media_type
        self._digest = hashlib.md5(usedforsecurity=False)
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._blocks: list[BlobBlock] = []
        # Two writers of one blob keep their blocks apart.
        self._token = secrets.token_hex(8)
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self._digest.update(data)
        self.size += len(data)
        for begin in range(0, len(data), BLOCK_BYTES):
            self._add(data[begin : begin + BLOCK_BYTES])

    def _add(self, piece: bytes) -> None:
        self._waiting.append(piece)
        self._waiting_bytes += len(piece)
        if self._waiting_bytes >= BLOCK_BYTES:
            self._stage()

    def _take(self) -> bytes:
        """What waits to be sent; from now on only whoever sends it holds it."""
        data = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        return data

    def close(self, *, if_none_match: bool = False) -> str:
        """Make the blob appear with what was written; return its MD5 as hexadecimal text.

        What is shorter than a block is one request.

        Raises:
            BlobExistsError: With `if_none_match`, when there is such a blob.
        """
        content = ContentSettings(
            content_type=self._media_type, content_md5=bytearray(self._digest.digest())
        )
        mark = _new_mark() if if_none_match else {}
        options: dict[str, Any] = {"content_settings": content, "metadata": mark or None}
        try:
            if self._blocks:
                self._commit(options, if_none_match)
            else:
                self._blob.upload_blob(self._take(), overwrite=not if_none_match, **options)
        except (ResourceExistsError, ResourceModifiedError) as error:
            _insist_that_it_is_ours(self._blob, mark, error)
        return self._digest.hexdigest()

    def _commit(self, options: dict[str, Any], if_none_match: bool) -> None:
        if self._waiting:
            self._stage()
        condition = {"match_condition": MatchConditions.IfMissing} if if_none_match else {}
        self._blob.commit_block_list(self._blocks, **options, **condition)

    def _stage(self) -> None:
        block_id = base64.b64encode(f"{self._token}{len(self._blocks):08d}".encode()).decode()
        self._blob.stage_block(block_id, self._take())
        self._blocks.append(BlobBlock(block_id=block_id))


def _new_mark() -> dict[str, str]:
    """What tells a blob that is written if there is none from one that another writer made."""
    return {_MARK: secrets.token_hex(8)}


def _insist_that_it_is_ours(blob: Any, named: Mapping[str, str], error: HttpResponseError) -> str:
    """Give the ETag of a blob that exists since its own writer has made it.

    Where the answer to a write is lost, the client sends it again, and hears of its own blob.

    Raises:
        BlobExistsError: Another writer has made it.
        HttpResponseError: The error says anything but that there is a blob; the SDK has one class
            for a blob that exists and a container that is being deleted.
    """
    if error_code(error) not in _EXISTS:
        raise error
    found = blob.get_blob_properties()
    if _MARK not in named or (found.metadata or {}).get(_MARK) != named[_MARK]:
        raise BlobExistsError(blob.blob_name) from error
    return str(found.etag)


def md5(data: bytes) -> bytearray:
    """The MD5 that Blob storage keeps beside a blob."""
    return bytearray(hashlib.md5(data, usedforsecurity=False).digest())


@lru_cache(maxsize=1)
def blob_store() -> BlobStore:
    """The store of this process, as its settings say."""
    return BlobStore.connect(settings().storage)
