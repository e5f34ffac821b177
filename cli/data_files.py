"""Data files of this machine become sources: they are uploaded, or travel in the request.

Nothing in them is looked at here; the app reads them by its own rules, wherever they are.
"""

import json
import shutil
import stat
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from cli.errors import CommandError
from cli.settings import ClientSettings
from cli.streams import standard_input
from cli.uploads import OnProgress, upload_file

MAX_BYTES_IN_REQUEST = 1_048_576
STANDARD_INPUT = Path("-")
_CODECS = {".gz": "gzip", ".zst": "zstd"}
# Base64 takes four bytes for three.
_MAX_ESCAPES = 4 / 3


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


@dataclass(frozen=True)
class Reading:
    """How the app is to read a file.

    Attributes:
        kind: The kind of source.
        compression: How it is compressed as a whole; None where it is not.
    """

    kind: FileKind
    compression: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """It, in a request."""
        if self.compression is None:
            return {"kind": self.kind}
        return {"kind": self.kind, "compression": self.compression}


def _codec_of(name: str) -> str | None:
    return next((codec for end, codec in _CODECS.items() if name.lower().endswith(end)), None)


def _reading_of(name: str) -> Reading | None:
    """How a file is to be read, by its name; None where the name does not say it."""
    plain, compression = name.lower(), _codec_of(name)
    if compression is not None:
        plain = plain.rpartition(".")[0]
    kinds = (kind for suffix, kind in _KINDS.items() if plain.endswith(suffix))
    kind = next(kinds, None)
    return None if kind is None else Reading(kind, compression)


@dataclass(frozen=True)
class DataFile:
    """A file that the user names.

    Attributes:
        path: Where it is; ``-`` is standard input.
        kind: What it is by its user, ``csv`` or ``jsonl.gz``; None goes by its name.
    """

    path: Path
    kind: str | None = None

    @property
    def name(self) -> str:
        """Its name, for people and for its blob."""
        return f"stdin.{self.kind}" if self.path == STANDARD_INPUT else self.path.name

    def reading(self) -> Reading:
        """How it is to be read.

        Raises:
            CommandError: Neither its user nor its name says it.
        """
        if self.kind is None and self.path == STANDARD_INPUT:
            raise CommandError("Say what standard input holds: --kind csv, --kind jsonl.gz, ...")
        reading = _reading_of(self.name if self.kind is None else f".{self.kind}")
        if reading is None:
            suffixes = ", ".join(_KINDS)
            said = f"'{self.name}'" if self.kind is None else f"--kind '.{self.kind}'"
            raise CommandError(
                f"{said} ends with none of {suffixes}, nor with .gz or .zst after them; --kind "
                "says what a file is, such as csv or jsonl.gz."
            )
        if reading.kind is FileKind.PARQUET and reading.compression is not None:
            raise CommandError(f"'{self.name}': Parquet is compressed in itself; unpack the file.")
        return self._with_codec_of_name(reading)

    def _with_codec_of_name(self, reading: Reading) -> Reading:
        """Where the user says the kind alone, its compression goes by its name."""
        if reading.compression is not None or reading.kind is FileKind.PARQUET:
            return reading
        return replace(reading, compression=_codec_of(self.name))


def make_source(
    file: DataFile, settings: ClientSettings, container: str, on_progress: OnProgress
) -> dict[str, Any]:
    """Make a source of a data file: upload it where there is storage, else put it into the request.

    Args:
        file: The file.
        settings: Has the storage, if there is any.
        container: The container to upload to; the app must be allowed to read it.
        on_progress: Called while the file is uploaded.

    Raises:
        CommandError: It cannot be read or uploaded, or is too large to do without storage.
    """
    reading = file.reading()
    try:
        with _open(file.path) as data:
            if settings.storage or settings.account_url:
                blob = upload_file(data, file.name, settings, container, on_progress)
                return {**reading.fields, "container": container, "blob": blob}
            return _text_source(file.name, data.read(MAX_BYTES_IN_REQUEST + 1), reading)
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(f"'{file.path}' cannot be read: {reason}.") from error


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be read more than once; a pipe is copied, since it gives its bytes once."""
    if path == STANDARD_INPUT:
        with _copy(standard_input()) as data:
            yield data
        return
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise CommandError(f"There is no file '{path}'.") from error
    if stat.S_ISDIR(mode):
        raise CommandError(f"'{path}' is a folder; --data takes one file.")
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        raise CommandError(f"'{path}' is no file.")
    with path.open("rb") as data:
        if stat.S_ISREG(mode):
            yield data
        else:
            with _copy(data) as copy:
                yield copy


@contextmanager
def _copy(data: BinaryIO) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(data, copy)
        copy.seek(0)
        yield copy


def _text_source(name: str, data: bytes, reading: Reading) -> dict[str, Any]:
    if len(data) > MAX_BYTES_IN_REQUEST:
        raise CommandError(
            f"'{name}' has to be uploaded, and nobody said where to: set FANOUT_STORAGE to a "
            "connection string, or FANOUT_STORAGE__blobServiceUri to sign in. (A file of up to "
            f"{MAX_BYTES_IN_REQUEST:,} bytes travels in the request.)"
        )
    return {"kind": "text", **_content(data), "read": reading.fields}


def _content(data: bytes) -> dict[str, str]:
    """The bytes of a file as JSON holds them: text, unless that would be longer than Base64."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}
    if len(json.dumps(text, ensure_ascii=False).encode()) > _MAX_ESCAPES * len(data) + 64:
        return {"base64": b64encode(data).decode()}
    return {"text": text}
