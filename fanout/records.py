"""Pieces of a source on their way into a workload: one record, or a whole batch of bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from fanout.models.outcome import ErrorInfo
from fanout.models.selection import Selection
from fanout.models.source import FormatKind, RowLengths, SourceKind

# How the bytes of a batch are to be read; rows of Parquet come as lines of JSON, ``jsonl``.
ChunkKind = FormatKind | Literal["inline"]
MAX_ITEM_BYTES = 44 * 1_048_576


class Record(NamedTuple):
    """One item of a source, parsed (a tuple, since a run makes millions).

    Attributes:
        index: 0-based position in the whole source.
        line: Line of the blob on which it begins, 1-based; None where a source has no lines.
        value: The item; None when it does not parse.
        error: Why it does not parse, else None.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which no record needs
    line: int | None
    value: Any
    error: ErrorInfo | None = None


@dataclass(frozen=True)
class SourceInfo:
    """What is known of a source before a run is accepted: enough to refuse a bad request."""

    kind: SourceKind
    columns: list[str] | None = None
    etag: str | None = None
    length: int = 0


@dataclass(frozen=True, slots=True)
class BlobEntry:
    """A blob as a listing of its container shows it.

    Attributes:
        is_folder: Whether its metadata says that it stands for a folder.
    """

    name: str
    size: int
    etag: str
    last_modified: datetime
    content_type: str | None
    is_folder: bool = False


@dataclass(frozen=True)
class CsvDialect:
    """How the fields of a CSV become a row.

    Attributes:
        delimiter: The character between fields.
        rows: ``strict`` refuses rows of another length than the header's; ``pad`` fills and cuts.
    """

    delimiter: str = ","
    rows: RowLengths = "strict"


@dataclass(frozen=True)
class Chunk:
    """A whole batch; `fanout.splitting.records.parse_records` gives its items one by one.

    Attributes:
        kind: How `data` is to be read: ``csv`` (records only; the header is in `columns`),
            ``jsonl``, ``inline`` (a JSON array), or ``json`` (elements of one, commas between).
        data: The batch's bytes exactly as they stand in the source; rows of Parquet as ``jsonl``.
        first_index: Index of its first item.
        first_line: Line of the blob on which `data` begins, 1-based; 0 where it has no lines.
        count: How many items it holds, those that do not parse included.
        fault: Why its one item is refused unread, else None; `data` is empty then.
        dialect: How `data` is a CSV, if it is one.
        selection: What is merged into each item.
        origin: The blob that it comes from, ``container/name``; None if inline.
        faults: Why some of its items cannot be read, by their index. They are ``null`` in `data`,
            and whoever runs a workload over the chunk fails them with these errors.
        max_item_bytes: How much memory one item may take once it is decoded.
    """

    kind: ChunkKind
    data: bytes
    columns: list[str] | None
    first_index: int
    first_line: int
    count: int
    fault: ErrorInfo | None = None
    dialect: CsvDialect = CsvDialect()
    selection: Selection = field(default_factory=dict)
    origin: str | None = None
    faults: Mapping[int, ErrorInfo] = field(default_factory=dict)
    max_item_bytes: int = MAX_ITEM_BYTES
