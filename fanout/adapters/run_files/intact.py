"""Outcomes as they were written, or none: whoever reads them is told where a file is damaged.

Beside a part or a partial stands a digest of its content and its name, which costs no operation:
metadata are written and read with the content. So one that was cut short, emptied, changed or
replaced by another is found. One that is gone is found by what names it: a part says whether it
has a partial, and how many items may be pending is in the verdict.

Earlier versions of the app wrote no digests; the plan of a run says whether it has them.

Source: https://learn.microsoft.com/rest/api/storageservices/setting-and-retrieving-properties-and-metadata-for-blob-resources
"""

from collections.abc import Mapping
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError

from fanout.adapters.digests import DIGEST, digest_of
from fanout.adapters.documents import Model, read_document
from fanout.adapters.run_files.files import RunFiles, kept_manifest
from fanout.errors import DamagedFileError
from fanout.naming import blob_paths
from fanout.naming.media_types import BYTES, JSON_LINES

# The digest of the partial that a part goes with.
PARTIAL = "partial"
# What tells the plan that a part is of from every other.
PLAN = "plan"


@dataclass(frozen=True)
class IntactFile:
    """A file that is as it was written.

    Attributes:
        metadata: What was written beside it; empty in runs of earlier versions of the app.
    """

    data: bytes
    metadata: Mapping[str, str]


def write_part(files: RunFiles, path: str, lines: bytes, partial: bytes | None = None) -> bool:
    """Write a part unless there is one, and before it its partial; tell whether there was none."""
    metadata = {DIGEST: digest_of(path, lines)}
    identity = _plan_of(files, path)
    if identity is not None:
        metadata[PLAN] = identity
    if partial is not None:
        metadata[PARTIAL] = _write_partial(files, blob_paths.partial_path(path), partial)
    return files.write_first(path, lines, JSON_LINES, metadata)


def _plan_of(files: RunFiles, path: str) -> str | None:
    """What tells the plan that a part is of from every other."""
    run_id = path.partition("/")[0]
    generation = path.removeprefix(blob_paths.parts_folder(run_id)).partition("-")[0]
    try:
        return kept_manifest(files, run_id, generation).identity
    except ResourceNotFoundError:
        return None


def _write_partial(files: RunFiles, path: str, partial: bytes) -> str:
    """Write a partial unless there is one; give the digest of the one that is there then."""
    digest = digest_of(path, partial)
    if files.write_first(path, partial, BYTES, {DIGEST: digest}):
        return digest
    return read_intact(files, path).metadata.get(DIGEST, digest)


def read_part(files: RunFiles, path: str) -> bytes:
    """Read a part.

    Raises:
        ResourceNotFoundError: There is none.
        DamagedFileError: It is not as it was written.
    """
    return read_intact(files, path).data


def read_intact_model(files: RunFiles, kind: type[Model], path: str) -> Model:
    """Read a message that was written with its digest.

    Raises:
        ResourceNotFoundError: There is none.
        DamagedFileError: It is not as it was written.
        UnreadableDocumentError: It is of a version that is not known.
    """
    return read_document(kind, read_part(files, path), path)


def find_part(files: RunFiles, path: str) -> bytes | None:
    """Read a part; None if there is none."""
    try:
        return read_part(files, path)
    except ResourceNotFoundError:
        return None


def read_part_with_partial(
    files: RunFiles, path: str, partial: str | None
) -> tuple[bytes, bytes | None]:
    """Read a part and the partial that it goes with.

    Args:
        files: Where the run is kept.
        path: Of the part.
        partial: Where its partial is, as far as is known.

    Raises:
        DamagedFileError: One of them is not as it was written, or gone.
    """
    part = read_listed(files, path)
    if DIGEST not in part.metadata:
        return part.data, None if partial is None else read_listed(files, partial).data
    wanted = part.metadata.get(PARTIAL)
    if wanted is None:
        return part.data, None
    found = read_listed(files, blob_paths.partial_path(path))
    if found.metadata.get(DIGEST) != wanted:
        raise DamagedFileError(blob_paths.partial_path(path), "belongs to another part")
    return part.data, found.data


def read_listed(files: RunFiles, path: str) -> IntactFile:
    """Read a file of which somebody has said that it is there.

    Raises:
        DamagedFileError: It is gone, or not as it was written.
    """
    try:
        return read_intact(files, path)
    except ResourceNotFoundError as error:
        raise DamagedFileError(path, "is gone") from error


def read_intact(files: RunFiles, path: str) -> IntactFile:
    """Read a file with what stands beside it.

    Raises:
        ResourceNotFoundError: There is none.
        DamagedFileError: It is not as it was written.
    """
    blob = files.store.open(files.container, path)
    if blob is None:
        raise ResourceNotFoundError(f"There is no file '{path}'.")
    data, metadata = blob.read(), blob.properties.metadata
    digest = metadata.get(DIGEST)
    if digest is None:
        if has_digests(files, path):
            raise DamagedFileError(path, "was replaced by something else")
    elif digest != digest_of(path, data):
        raise DamagedFileError(path, f"has {len(data)} bytes that are not those that were written")
    return IntactFile(data, metadata)


def has_digests(files: RunFiles, path: str) -> bool:
    """Tell whether the files of the run that a path is of have digests, by its plan."""
    try:
        return kept_manifest(files, path.partition("/")[0]).has_digests
    except ResourceNotFoundError:
        return False


def write_intact(
    files: RunFiles, path: str, data: bytes, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a file with its digest, over whatever was there."""
    files.write(path, data, metadata={**(metadata or {}), DIGEST: digest_of(path, data)})
