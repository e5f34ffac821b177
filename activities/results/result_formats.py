"""Result files in the making, one class for each format; nothing shows before `close`."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol

from pydantic_core import from_json, to_json

from activities.results.results_folder import ResultWriter
from fanout.models.request import ResultOptions
from fanout.naming.media_types import JSON_LINES

GZIP = "application/gzip"
PARQUET = "application/vnd.apache.parquet"
COMPRESSION_LEVEL = 6
# For zlib this means gzip; the header it writes has no name and no time, so it is always the same.
GZIP_WINDOW_BITS = 31
# Lines that wait to become columns: Python's objects take many times the bytes of their text.
CONVERTED_BYTES = 4 * 1_048_576
_CONVERTED_COPIES = 10


class OutcomeFile(Protocol):
    """Takes outcome lines; `size` counts their bytes as given, before any compression."""

    size: int

    def write(self, lines: bytes) -> None:
        """Add whole lines."""

    def close(self) -> tuple[int, str]:
        """Make the blob appear; return its bytes and its MD5 as hexadecimal text."""


class LinesFile:
    """Outcome lines as they are."""

    def __init__(self, writer: ResultWriter) -> None:
        self._writer = writer
        self.size = 0

    def write(self, lines: bytes) -> None:
        self._writer.write(lines)
        self.size += len(lines)

    def close(self) -> tuple[int, str]:
        digest = self._writer.close()
        return self._writer.size, digest


class GzipFile:
    """Outcome lines, compressed; the same lines give the same bytes."""

    def __init__(self, writer: ResultWriter) -> None:
        self._writer = writer
        self._gzip = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, GZIP_WINDOW_BITS)
        self.size = 0

    def write(self, lines: bytes) -> None:
        self._writer.write(self._gzip.compress(lines))
        self.size += len(lines)

    def close(self) -> tuple[int, str]:
        self._writer.write(self._gzip.flush())
        digest = self._writer.close()
        return self._writer.size, digest


class ParquetFile:
    """Outcomes as a table, a row for each line; outputs of whatever shape stay JSON text."""

    def __init__(self, writer: ResultWriter) -> None:
        self._writer = writer
        self._waiting = bytearray()
        self._frames: list[Any] = []
        self.size = 0

    def write(self, lines: bytes) -> None:
        self._waiting += lines
        self.size += len(lines)
        if len(self._waiting) >= CONVERTED_BYTES:
            self._convert()

    def _convert(self) -> None:
        self._frames.append(table(bytes(self._waiting)))
        self._waiting.clear()

    def close(self) -> tuple[int, str]:
        import polars as pl

        self._convert()
        written = BytesIO()
        pl.concat(self._frames).write_parquet(written, compression="zstd")
        self._writer.write(written.getvalue())
        digest = self._writer.close()
        return self._writer.size, digest


def table(lines: bytes) -> Any:
    """Make a data frame of outcome lines."""
    import polars as pl

    schema = {
        "index": pl.Int64,
        "count": pl.Int64,
        "item_id": pl.String,
        "status": pl.String,
        "attempts": pl.Int64,
        "duration_ms": pl.Float64,
        "output": pl.String,
        "error_type": pl.String,
        "error_message": pl.String,
        "error_retryable": pl.Boolean,
    }
    return pl.DataFrame([_row(line) for line in lines.splitlines()], schema=schema, orient="row")


def _row(line: bytes) -> tuple[Any, ...]:
    outcome = from_json(line)
    error = outcome.get("error") or {}
    return (
        outcome["index"],
        outcome.get("count", 1),
        outcome["item_id"],
        outcome["status"],
        outcome["attempts"],
        outcome.get("duration_ms"),
        to_json(outcome["output"]).decode() if "output" in outcome else None,
        error.get("type"),
        error.get("message"),
        error.get("retryable", False) if error else None,
    )


@dataclass(frozen=True)
class Format:
    """How files of one format are named and made."""

    suffix: str
    media_type: str
    begin: Callable[[ResultWriter], OutcomeFile]


_JSONL = Format(".jsonl", JSON_LINES, LinesFile)
_JSONL_GZIP = Format(".jsonl.gz", GZIP, GzipFile)
_PARQUET = Format(".parquet", PARQUET, ParquetFile)


def format_of(options: ResultOptions) -> Format:
    """The format of the outcomes."""
    return _PARQUET if options.format == "parquet" else lines_format_of(options)


def lines_format_of(options: ResultOptions) -> Format:
    """The format of what has no columns: dead letters hold items of any shape."""
    return _JSONL_GZIP if options.compression == "gzip" else _JSONL


def weigh_file(options: ResultOptions, size: int) -> int:
    """How much memory the files of so many bytes of outcomes take until they are written.

    Tables are in memory whole, and once more as they are written; lines are not.
    """
    if options.format != "parquet":
        return 0
    return 2 * size + _CONVERTED_COPIES * min(size, CONVERTED_BYTES)
