"""The files of a container: read, written and listed, as bytes or as models."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from azure.core.exceptions import ResourceNotFoundError
from pydantic import BaseModel

from fanout.adapters.blob import BlobExistsError, BlobStore
from fanout.adapters.digests import read_stored, write_stored
from fanout.naming.media_types import JSON

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class ContainerFiles:
    """The files of a container, by their paths."""

    store: BlobStore
    container: str

    def names(self, prefix: str) -> Iterator[str]:
        """List the files whose paths begin so, in order."""
        yield from self.store.names(self.container, prefix)

    def ages(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """List the files whose paths begin so, with when each was written."""
        try:
            for entry in self.store.entries(self.container, prefix):
                yield entry.name, entry.last_modified
        except ResourceNotFoundError:
            return

    def delete(self, path: str) -> None:
        """Delete a file; one that is gone already is no fault."""
        self.store.delete(self.container, path)

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file."""
        return self.store.properties(self.container, path) is not None

    def size(self, path: str) -> int | None:
        """How many bytes a file has; None if there is none."""
        properties = self.store.properties(self.container, path)
        return properties.size if properties is not None else None

    def written_at(self, path: str) -> datetime | None:
        """When a file was written, aware, to the second; None if there is none."""
        properties = self.store.properties(self.container, path)
        return properties.last_modified if properties is not None else None

    def read(self, path: str) -> bytes:
        """Read a file whole."""
        return self.store.read(self.container, path)

    def find(self, path: str) -> bytes | None:
        """Read a file whole; None if there is none."""
        try:
            return self.read(path)
        except ResourceNotFoundError:
            return None

    def write(
        self,
        path: str,
        data: bytes,
        media_type: str = JSON,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write a file whole, over whatever was there."""
        self.store.write(self.container, path, data, media_type=media_type, metadata=metadata)

    def write_first(
        self,
        path: str,
        data: bytes,
        media_type: str = JSON,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """Write a file whole unless there is one; tell whether there was none."""
        return self._write_first(path, data, media_type, metadata) is not None

    def _write_first(
        self, path: str, data: bytes, media_type: str, metadata: Mapping[str, str] | None = None
    ) -> str | None:
        """Write a file whole unless there is one; gives its ETag if there was none."""
        try:
            return self.store.write(
                self.container,
                path,
                data,
                media_type=media_type,
                if_none_match=True,
                metadata=metadata,
            )
        except BlobExistsError:
            return None

    def write_model(self, path: str, model: BaseModel) -> None:
        """Write a message as JSON with its digest, over whatever was there."""
        write_stored(self.store, self.container, path, model)

    def read_model(self, kind: type[Model], path: str) -> Model:
        """Read a message.

        Raises:
            ResourceNotFoundError: There is none.
            UnreadableDocumentError: It is damaged, or of a version that is not known.
        """
        return read_stored(self.store, self.container, kind, path)
