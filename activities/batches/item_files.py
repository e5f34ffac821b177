"""The files that a workload reads and writes while it processes items."""

from dataclasses import dataclass

from fanout.adapters.contents import read_content
from fanout.adapters.digests import DIGEST, digest_of
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.intact import read_listed
from fanout.errors import PermanentError
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from fanout.splitting.decoding.codecs import CompressionError


class BlobNotFoundError(PermanentError):
    """The blob that an item names is not there."""


class BlobTooLargeError(PermanentError):
    """The blob that an item names has more bytes than are allowed."""


@dataclass(frozen=True)
class RunItemFiles:
    """The blobs of the source's container, and what is written below the results of the run."""

    files: RunFiles
    run_id: str
    container: str | None

    @classmethod
    def for_run(cls, request: RunRequest, run_id: str, files: RunFiles) -> "RunItemFiles":
        """For the items of a run."""
        source = request.source
        named = getattr(source, "items_container", None)  # a manifest may be beside its blobs
        return cls(files, run_id, named or getattr(source, "container", None))

    def read(self, name: str, max_bytes: int) -> bytes:
        """Read a blob of the source's container whole, its Content-Encoding undone.

        Raises:
            BlobNotFoundError: There is none, or the source has no container.
            BlobTooLargeError: It has more than `max_bytes`.
            PermanentError: It cannot be decompressed, or holds more than `max_bytes` then.
        """
        if self.container is None:
            raise BlobNotFoundError("the source has no container of blobs")
        blob = self.files.store.open(self.container, name)
        if blob is None:
            raise BlobNotFoundError(f"there is no blob '{name}'")
        size = blob.properties.size
        if size > max_bytes:
            raise BlobTooLargeError(f"it has {size:,} bytes; {max_bytes:,} are allowed")
        try:
            return read_content(blob, max_bytes)
        except CompressionError as error:
            raise PermanentError(f"the blob '{name}' cannot be decompressed: {error}") from error

    def write(self, name: str, content: bytes, media_type: str) -> str:
        """Write a file of an item, over whatever was there; return its name among the results.

        Raises:
            PermanentError: The name leads elsewhere.
        """
        file = blob_paths.item_file_name(name)
        if file is None:
            raise PermanentError(f"'{name}' cannot name a file")
        path = blob_paths.result_path(self.run_id, file)
        self.files.write(path, content, media_type, {DIGEST: digest_of(path, content)})
        return file

    def read_result(self, name: str) -> bytes:
        """Read a file of the results by its name there.

        Raises:
            DamagedFileError: It is gone, or not as it was written.
        """
        return read_listed(self.files, blob_paths.result_path(self.run_id, name)).data
