"""Cut and read one blob, by its format."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from fanout.adapters.sources.blobs import (
    BlobReader,
    BrokenSourceError,
    OpenBlob,
    open_blob,
    read_range,
    translate_format_errors,
)
from fanout.adapters.sources.parquet.footer import ParquetBlob
from fanout.adapters.sources.planning import CutOptions, Scratch, SourceCuts
from fanout.adapters.sources.texts import BlobText, open_text
from fanout.models.outcome import ErrorInfo
from fanout.models.plan import BlobRef, Cut
from fanout.models.request import BatchLimits
from fanout.models.selection import Selection
from fanout.models.source import DEFAULT_DELIMITER, BlobFormat, CsvFormat, ParquetFormat
from fanout.naming.error_types import ErrorType
from fanout.records import Chunk, CsvDialect
from fanout.splitting.cuts import cut_records
from fanout.splitting.header import read_csv_start
from fanout.splitting.sizes.budget import DEFAULT_BUDGET, Budget
from fanout.splitting.split import TextFormat, find_records

# How many bytes usually come out of a compressed one, for the size of cuts alone.
USUAL_RATIO = 4
# A batch of several records is never larger (`BatchLimits.max_bytes`); one record alone may be.
MAX_RECORD_BYTES = 64 * 1_048_576


@dataclass(frozen=True)
class Place:
    """Where the data of a batch are.

    Attributes:
        data: The blob that the cuts point into.
        origin: The blob of the source, ``container/name``; None where it is in the request.
        header: Column names of a CSV, else None.
        delimiter: Between the fields of a CSV; None where the plan has only that of the request.
    """

    data: BlobRef
    origin: str | None
    header: list[str] | None
    delimiter: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What a batch is to be besides its bytes.

    Attributes:
        selection: What is merged into each item (`RunRequest.select`).
        budget: How much memory it may take.
    """

    selection: Selection = field(default_factory=dict)
    budget: Budget = DEFAULT_BUDGET


def open_for(blob_format: object, store: BlobReader, container: str, blob: str) -> OpenBlob:
    """Find the version that a blob has now, to read it by its format; raises as `open_blob`."""
    from_end = isinstance(blob_format, ParquetFormat)
    return open_blob(store, container, blob, from_end=from_end)


def columns_of(blob: OpenBlob, blob_format: BlobFormat) -> list[str] | None:
    """Learn the columns of a blob from its beginning or its end; None where JSON has none.

    Raises:
        BrokenSourceError: It is not of this format.
    """
    if isinstance(blob_format, ParquetFormat):
        return ParquetBlob.open(blob, blob_format.columns).columns
    text = open_text(blob, blob_format, blob.beginning())
    if not isinstance(blob_format, CsvFormat):
        return None
    with translate_format_errors(blob.ref):
        body = read_csv_start(text.chunks, blob_format)
    return require_columns(blob, body.columns)


def cut_blob(
    blob: OpenBlob, blob_format: BlobFormat, options: CutOptions, scratch: Scratch | None
) -> SourceCuts:
    """Cut a blob, reading it once and holding one chunk of it at a time.

    Raises:
        BrokenSourceError: It is not of this format (also while the cuts are consumed).
        SourceChangedError: It was written or deleted meanwhile.
    """
    if isinstance(blob_format, ParquetFormat):
        file = ParquetBlob.open(blob, blob_format.columns)
        rows = sum(group.rows for group in file.groups)
        length = sum(group.size for group in file.groups)
        limits = options.fit(options.limits_for_items(rows, length), file.columns)
        cuts = file.cuts(limits, options.max_items)
        made = SourceCuts(None, blob.ref.etag, blob.size, cuts)
        return replace(made, columns=file.columns, row_bytes=file.row_bytes)
    allowed = None if scratch is None else scratch.allowed
    text = open_text(blob, blob_format, blob.chunks(), allowed)
    limits = options.limits_for_bytes(blob.size * (1 if text.codec is None else USUAL_RATIO))
    if text.is_plain:
        return _cut_text(blob, blob_format, limits, options, text)
    if scratch is None:
        raise ValueError("a source that is no plain UTF-8 is planned with a place for its copy")
    name = scratch.copy_name(blob)
    copy = scratch.copy(name, text.chunks)
    copied = replace(text, chunks=copy.pieces())
    source_cuts = _cut_text(blob, blob_format, limits, options, copied)
    return replace(source_cuts, cuts=copy.commit_after(source_cuts.cuts), data=scratch.ref(name))


def _cut_text(
    blob: OpenBlob,
    text_format: TextFormat,
    limits: BatchLimits,
    options: CutOptions,
    text: BlobText,
) -> SourceCuts:
    with translate_format_errors(blob.ref):
        records = find_records(text.chunks, text_format)
    header = require_columns(blob, records.columns) if isinstance(text_format, CsvFormat) else None
    limits = options.fit(limits, header)
    growth = None if text.codec is None else options.growth(header)
    cuts = _cuts(blob, cut_records(records.blocks, limits, options.max_items, growth))
    made = SourceCuts(header, blob.ref.etag, blob.size, cuts, delimiter=records.delimiter)
    return replace(made, columns=header)


def _cuts(blob: OpenBlob, cuts: Iterator[Cut]) -> Iterator[Cut]:
    with translate_format_errors(blob.ref):
        yield from cuts


def read_batch(
    blob_format: BlobFormat, cut: Cut, place: Place, store: BlobReader, want: Wanted
) -> Chunk:
    """Read one batch of a blob.

    A batch of a single record above `MAX_RECORD_BYTES` is not read: its chunk has a `fault`.

    Raises:
        CutTooLargeError: Its rows of Parquet take too much memory to be read at once.
        SourceChangedError: The blob is not the one that was planned.
    """
    if isinstance(blob_format, ParquetFormat):
        return _read_rows(blob_format, cut, place, store, want)
    fault = None
    if cut.end - cut.offset > MAX_RECORD_BYTES:
        data, fault = b"", _too_large(cut)
    else:
        data = read_range(store, place.data, cut.offset, cut.end - cut.offset)
    return Chunk(
        blob_format.kind,
        data,
        place.header,
        cut.first_index,
        cut.first_line,
        cut.items,
        fault,
        _dialect(blob_format, place.delimiter),
        want.selection,
        place.origin,
        max_item_bytes=want.budget.item,
    )


def _read_rows(
    blob_format: ParquetFormat, cut: Cut, place: Place, store: BlobReader, want: Wanted
) -> Chunk:
    from fanout.adapters.sources.parquet.rows import read_rows  # the app starts without PyArrow

    rows = read_rows(store, place.data, blob_format.columns, cut, want.budget)
    return Chunk(
        "jsonl",
        rows.data,
        None,
        cut.first_index,
        cut.first_line,
        cut.items,
        selection=want.selection,
        origin=place.origin,
        faults=rows.faults,
        max_item_bytes=want.budget.item,
    )


def _dialect(blob_format: BlobFormat, delimiter: str | None) -> CsvDialect:
    if isinstance(blob_format, CsvFormat):
        return CsvDialect(delimiter or blob_format.delimiter or DEFAULT_DELIMITER, blob_format.rows)
    return CsvDialect()


def require_columns(blob: OpenBlob, columns: list[str] | None) -> list[str]:
    """Give the columns of a CSV.

    Raises:
        BrokenSourceError: It has none, for it is empty.
    """
    if columns is None:
        fault = "is empty: the first record of a CSV names its columns"
        raise BrokenSourceError(blob.ref, fault)
    return columns


def _too_large(cut: Cut) -> ErrorInfo:
    message = f"line {cut.first_line}: the record is longer than {MAX_RECORD_BYTES} bytes"
    return ErrorInfo(type=ErrorType.RECORD_TOO_LARGE, message=message, retryable=False)
