"""Digests that stand beside files of a run: of the content, and of the name that it has.

They tell a file that was cut short, changed, or replaced by another from the one that was written.
They cost no operation: metadata are written and read with the content.

Source: https://learn.microsoft.com/rest/api/storageservices/setting-and-retrieving-properties-and-metadata-for-blob-resources
"""

import hashlib
from collections.abc import Mapping
from typing import Protocol

from azure.core.exceptions import ResourceNotFoundError
from pydantic import BaseModel

from fanout.adapters.blob_reading import CHUNK_BYTES, OpenedBlob
from fanout.adapters.documents import (
    Model,
    has_version,
    insist_on_version,
    read_document,
    write_document,
)
from fanout.errors import UnreadableDocumentError
from fanout.naming.media_types import JSON

DIGEST = "digest"
# The digest of the settings of a request, which are read without the rest of it.
SETTINGS_DIGEST = "settings"
_DIGEST_BYTES = 16


class DocumentReader(Protocol):
    """What is asked of a store of blobs to read documents."""

    def open(self, container: str, blob: str, length: int = ...) -> OpenedBlob | None: ...


class DocumentWriter(Protocol):
    """What is asked of a store of blobs to write documents."""

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


def digest_of(path: str, data: bytes) -> str:
    """What tells a file from every other; no two names have one."""
    key = hashlib.blake2b(path.encode(), digest_size=_DIGEST_BYTES).digest()
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES, key=key).hexdigest()


def insist_on_digest(
    path: str, data: bytes, metadata: Mapping[str, str], name: str = DIGEST
) -> None:
    """Refuse a document that is not as it was written.

    Whoever wrote a version into it has written a digest beside it; earlier versions of the app
    wrote neither.

    Raises:
        UnreadableDocumentError: It is not.
        UnknownVersionError: It is not, for another version of the app has written it.
    """
    digest = metadata.get(name)
    if digest != digest_of(path, data):
        insist_on_version(data, path)
    if digest is None:
        if has_version(data):
            raise UnreadableDocumentError(path, "the digest is gone that was written beside it")
    elif digest != digest_of(path, data):
        fault = f"its {len(data)} bytes are not those that were written"
        raise UnreadableDocumentError(path, fault)


def open_document(
    store: DocumentReader, container: str, path: str, length: int = CHUNK_BYTES
) -> OpenedBlob:
    """Begin to read a document, so many of its bytes.

    Raises:
        ResourceNotFoundError: There is none.
    """
    blob = store.open(container, path, length=length)
    if blob is None:
        raise ResourceNotFoundError(f"There is no file '{path}'.")
    return blob


def read_stored(store: DocumentReader, container: str, kind: type[Model], path: str) -> Model:
    """Read a model that `write_stored` has written.

    Raises:
        ResourceNotFoundError: There is none.
        UnreadableDocumentError: It is damaged, or of a version that is not known.
    """
    blob = open_document(store, container, path)
    data = blob.read()
    model = read_document(kind, data, path)  # what cannot be parsed says more than its digest
    insist_on_digest(path, data, blob.properties.metadata)
    return model


def write_stored(
    store: DocumentWriter,
    container: str,
    path: str,
    model: BaseModel,
    *,
    if_none_match: bool = False,
) -> None:
    """Write a model as JSON with its digest, over whatever was there.

    Raises:
        BlobExistsError: With `if_none_match`, when there is such a document.
    """
    data = write_document(model)
    store.write(
        container,
        path,
        data,
        media_type=JSON,
        if_none_match=if_none_match,
        metadata={DIGEST: digest_of(path, data)},
    )
