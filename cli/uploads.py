"""Data files of this machine: upload them to where the app reads, or put them into the request."""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from cli.errors import CommandError
from cli.settings import ClientSettings

COMPRESSED = (".gz", ".zst")
MAX_INLINE_BYTES = 1_048_576
FOLDER = "uploads"
PIECE = 1_048_576
# The newest that Azurite 3.35 knows; the SDK asks for its own newest by default.
API_VERSION = "2025-11-05"

# Takes the bytes that are sent, and all bytes (0 where their number is unknown).
OnProgress = Callable[[int, int], None]


class FileKind(StrEnum):
    """The kind of source that a file is."""

    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"
    PARQUET = "parquet"


_KINDS = {
    ".csv": FileKind.CSV,
    ".jsonl": FileKind.JSONL,
    ".ndjson": FileKind.JSONL,
    ".json": FileKind.JSON,
    ".parquet": FileKind.PARQUET,
}


def file_kind(path: Path) -> FileKind:
    """The kind of a file, by its name.

    Raises:
        CommandError: Its name has none of the suffixes.
    """
    name = path.name.lower()
    for suffix in COMPRESSED:
        name = name.removesuffix(suffix)
    for suffix, kind in _KINDS.items():
        if name.endswith(suffix):
            return kind
    suffixes = ", ".join(_KINDS)
    raise CommandError(
        f"'{path.name}' ends with none of {suffixes}, nor with .gz or .zst after them."
    )


def make_source(
    path: Path, settings: ClientSettings, container: str, on_progress: OnProgress
) -> dict[str, Any]:
    """Make a source of a data file: upload it where there is storage, else put its items into it.

    Args:
        path: The file.
        settings: Has the storage, if there is any.
        container: The container to upload to; the app must be allowed to read it.
        on_progress: Called while the file is uploaded.

    Raises:
        CommandError: It cannot be read or uploaded, or is too large to do without storage.
    """
    if not path.is_file():
        raise CommandError(f"There is no file '{path}'.")
    kind = file_kind(path)
    if settings.storage or settings.account_url:
        blob = upload_file(path, settings, container, on_progress)
        return {"kind": kind, "container": container, "blob": blob}
    return {"kind": "inline", "items": _read_inline_items(path, kind)}


def upload_file(
    path: Path, settings: ClientSettings, container: str, on_progress: OnProgress
) -> str:
    """Upload a file unless its blob exists; return the name of the blob.

    Raises:
        CommandError: Storage refuses it, or does not answer.
    """
    from azure.core.exceptions import AzureError, ResourceExistsError

    name = upload_name(path)
    try:
        blob = _blob_service(settings).get_blob_client(container, name)
        with path.open("rb") as data:
            blob.upload_blob(data, progress_hook=lambda sent, total: on_progress(sent, total or 0))
    except ResourceExistsError:
        return name  # its name has the digest of its content
    except (AzureError, ValueError) as error:
        raise CommandError(
            f"'{path.name}' cannot be uploaded to the container '{container}': {_reason(error)}"
        ) from error
    return name


def upload_name(path: Path) -> str:
    """The name of a file's blob; the same content has the same name."""
    return f"{FOLDER}/{_digest(path)}/{path.name}"


def _blob_service(settings: ClientSettings) -> Any:
    from azure.storage.blob import BlobServiceClient

    if settings.storage:
        return BlobServiceClient.from_connection_string(settings.storage, api_version=API_VERSION)
    from azure.identity import DefaultAzureCredential

    return BlobServiceClient(str(settings.account_url), DefaultAzureCredential())


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_code", None) or str(error).splitlines()[0])


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as data:
        while piece := data.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()[:16]


def _read_inline_items(path: Path, kind: FileKind) -> list[Any]:
    is_compressed = path.suffix in COMPRESSED
    if path.stat().st_size > MAX_INLINE_BYTES or kind is FileKind.PARQUET or is_compressed:
        raise CommandError(
            f"'{path.name}' has to be uploaded, and nobody said where to: set FANOUT_STORAGE to a "
            "connection string, or FANOUT_STORAGE__blobServiceUri to sign in. (A plain text file "
            f"of up to {MAX_INLINE_BYTES:,} bytes travels in the request.)"
        )
    try:
        return _parse_items(path.read_text(encoding="utf-8-sig"), kind)
    except ValueError as error:
        raise CommandError(f"'{path.name}' cannot be read as {kind}: {error}") from error


def _parse_items(text: str, kind: FileKind) -> list[Any]:
    if kind is FileKind.CSV:
        return list(csv.DictReader(io.StringIO(text, newline="")))
    if kind is FileKind.JSONL:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    items = json.loads(text)
    if not isinstance(items, list):
        raise ValueError("it is no JSON array")  # noqa: TRY004  the value of the file is wrong
    return items
