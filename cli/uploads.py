"""Upload a data file to where the app reads."""

import hashlib
from collections.abc import Callable
from typing import Any, BinaryIO
from urllib.parse import quote

from cli.errors import CommandError
from cli.settings import ClientSettings

FOLDER = "uploads"
PIECE = 1_048_576
# The newest that Azurite 3.35 knows; the SDK asks for its own newest by default.
API_VERSION = "2025-11-05"

# Takes the bytes that are sent, and all bytes (0 where their number is unknown).
OnProgress = Callable[[int, int], None]


def upload_file(
    data: BinaryIO, name: str, settings: ClientSettings, container: str, on_progress: OnProgress
) -> str:
    """Upload a file unless its blob exists; return the name of the blob.

    Raises:
        CommandError: Storage refuses it, or does not answer.
        OSError: It cannot be read.
    """
    from azure.core.exceptions import AzureError, ResourceExistsError

    blob_name = upload_name(data, name)
    try:
        blob = _blob_service(settings).get_blob_client(container, blob_name)
        blob.upload_blob(data, progress_hook=lambda sent, total: on_progress(sent, total or 0))
    except ResourceExistsError:
        return blob_name  # it has the digest of its content
    except (AzureError, ValueError) as error:
        raise CommandError(
            f"'{name}' cannot be uploaded to the container '{container}': {_reason(error)}"
        ) from error
    return blob_name


def find_container_fault(settings: ClientSettings, container: str) -> str | None:
    """Why a container cannot be reached, without addresses; None where it can."""
    from azure.core.exceptions import AzureError

    try:
        client = _blob_service(settings).get_container_client(container)
        client.get_container_properties(retry_total=0, connection_timeout=5, read_timeout=5)
    except (AzureError, ValueError) as error:
        return str(getattr(error, "error_code", None) or type(error).__name__)
    return None


def upload_name(data: BinaryIO, name: str) -> str:
    """The name of a file's blob; the same content has the same name."""
    return f"{FOLDER}/{_digest(data)}/{''.join(map(_name_character, name))}"


def _name_character(character: str) -> str:
    """A character as the name of a blob can have it: a file may be called by any bytes."""
    if character.isprintable() and character != "\\":
        return character
    # A byte of a name that is no UTF-8 comes as one of these (PEP 383).
    is_byte = "\udc80" <= character <= "\udcff"
    return quote(character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass"))


def _blob_service(settings: ClientSettings) -> Any:
    from azure.storage.blob import BlobServiceClient

    if settings.storage:
        return BlobServiceClient.from_connection_string(settings.storage, api_version=API_VERSION)
    from azure.identity import DefaultAzureCredential

    return BlobServiceClient(str(settings.account_url), DefaultAzureCredential())


def _reason(error: Exception) -> str:
    lines = [*str(error).splitlines(), type(error).__name__]
    return str(getattr(error, "error_code", None) or lines[0])


def _digest(data: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := data.read(PIECE):
        digest.update(piece)
    data.seek(0)
    return digest.hexdigest()[:16]
