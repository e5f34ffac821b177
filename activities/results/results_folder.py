"""The folder that the results of a run are written into, and its summary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from fanout.adapters.blob import BlobExistsError
from fanout.adapters.digests import DIGEST, digest_of
from fanout.adapters.documents import write_document
from fanout.adapters.run_files.files import RunFiles
from fanout.naming import blob_paths
from fanout.naming.media_types import JSON


class ResultsExistError(Exception):
    """A file of the results is there already: somebody else writes them, or has written them."""


class Writer(Protocol):
    """A blob in the making, as `fanout.adapters.blob.BlobWriter` is one."""

    @property
    def size(self) -> int: ...
    def write(self, data: bytes) -> None: ...
    def close(self, *, if_none_match: bool = False) -> str: ...


@dataclass(frozen=True)
class ResultsFolder:
    """Where the results of a run go.

    Attributes:
        is_new: Whether it is to be empty: what is written replaces nothing then. So may whoever
            ends a run write before that is decided: it undoes nobody's work, and is replaced by
            whoever has decided otherwise.
    """

    files: RunFiles
    run_id: str
    is_new: bool = False

    def write(
        self,
        path: str,
        data: bytes,
        media_type: str = JSON,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write a file whole.

        Raises:
            ResultsExistError: It is there, and the folder is to be empty.
        """
        if not self.is_new:
            self.files.write(path, data, media_type, metadata)
        elif not self.files.write_first(path, data, media_type, metadata):
            raise ResultsExistError(path)

    def write_model(self, path: str, model: BaseModel) -> None:
        """Write a document with its digest, as `write` does."""
        data = write_document(model)
        self.write(path, data, metadata={DIGEST: digest_of(path, data)})

    def open_writer(self, name: str, media_type: str) -> "ResultWriter":
        """Write a result file piece by piece, in bounded memory."""
        path = blob_paths.result_path(self.run_id, name)
        writer = self.files.store.open_writer(self.files.container, path, media_type)
        return ResultWriter(writer, is_new=self.is_new)


class ResultWriter:
    """A result file in the making; nothing shows before `close`."""

    def __init__(self, writer: Writer, *, is_new: bool = False) -> None:
        self._writer = writer
        self._is_new = is_new

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._writer.size

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self._writer.write(data)

    def close(self) -> str:
        """Make the file appear; return its MD5 as hexadecimal text.

        Raises:
            ResultsExistError: It is there, and the folder was to be empty.
        """
        try:
            return self._writer.close(if_none_match=self._is_new)
        except BlobExistsError as error:
            raise ResultsExistError(str(error)) from error
