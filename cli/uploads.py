"""Data files of this machine: uploaded to where the app reads, or put into the request."""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.errors import CommandError
from cli.settings import ClientSettings

KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
         ".parquet": "parquet"}  # fmt: skip
COMPRESSED = (".gz", ".zst")
MAX_INLINE_BYTES = 1_048_576
FOLDER = "uploads"
PIECE = 1_048_576
# The newest that Azurite 3.35 knows; the SDK asks for its own newest by default.
API_VERSION = "2025-11-05"

Told = Callable[[int, int], None]


def kind_of(path: Path) -> str:
    """The kind of source that a file is, by its name.

    Raises:
        CommandError: Its name says nothing.
    """
    name = path.name.lower()
    for end in COMPRESSED:
        name = name.removesuffix(end)
    for suffix, kind in KINDS.items():
        if name.endswith(suffix):
            return kind
    known = ", ".join(KINDS)
    raise CommandError(f"'{path.name}' ends with none of {known}, nor with .gz or .zst after them.")


def source_from(path: Path, settings: ClientSettings, container: str, told: Told) -> dict[str, Any]:
    """Make a source of a data file: uploaded where there is storage, or else in the request itself.

    Args:
        path: The file.
        settings: Has the storage, if there is any.
        container: Where to upload it; the app must be allowed to read it.
        told: Hears how many bytes of how many are through.

    Raises:
        CommandError: It cannot be read or uploaded, or is too large to do without storage.
    """
    if not path.is_file():
        raise CommandError(f"There is no file '{path}'.")
    kind = kind_of(path)
    if settings.storage or settings.account_url:
        return {
            "kind": kind,
            "container": container,
            "blob": upload(path, settings, container, told),
        }
    return {"kind": "inline", "items": _inline(path, kind)}


def upload(path: Path, settings: ClientSettings, container: str, told: Told) -> str:
    """Upload a file under a name that follows from its content; one that is there is left alone.

    Raises:
        CommandError: Storage refuses it, or does not answer.
    """
    from azure.core.exceptions import AzureError, ResourceExistsError
    from azure.storage.blob import BlobServiceClient

    name = f"{FOLDER}/{_digest(path)}/{path.name}"
    try:
        if settings.storage:
            service = BlobServiceClient.from_connection_string(
                settings.storage, api_version=API_VERSION
            )
        else:
            from azure.identity import DefaultAzureCredential

            service = BlobServiceClient(str(settings.account_url), DefaultAzureCredential())
        blob = service.get_blob_client(container, name)
        with path.open("rb") as data:
            blob.upload_blob(data, progress_hook=lambda done, of: told(done, of or 0))
    except ResourceExistsError:
        return name  # its name says what is in it
    except (AzureError, ValueError) as error:
        raise CommandError(
            f"'{path.name}' cannot be uploaded to the container '{container}': {_reason(error)}"
        ) from error
    return name


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_code", None) or str(error).splitlines()[0])


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as data:
        while piece := data.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()[:16]


def _inline(path: Path, kind: str) -> list[Any]:
    size = path.stat().st_size
    if size > MAX_INLINE_BYTES or kind == "parquet" or path.suffix in COMPRESSED:
        raise CommandError(
            f"'{path.name}' has to be uploaded, and nobody said where to: set FANOUT_STORAGE to a "
            "connection string, or FANOUT_STORAGE__blobServiceUri to sign in. (A plain text file "
            f"of up to {MAX_INLINE_BYTES:,} bytes travels in the request.)"
        )
    try:
        return _parsed(path.read_text(encoding="utf-8-sig"), kind)
    except ValueError as error:
        raise CommandError(f"'{path.name}' cannot be read as {kind}: {error}") from error


def _parsed(text: str, kind: str) -> list[Any]:
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    if kind == "jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    found = json.loads(text)
    if not isinstance(found, list):
        raise ValueError("it is no JSON array")  # noqa: TRY004  what the file says is wrong
    return found
