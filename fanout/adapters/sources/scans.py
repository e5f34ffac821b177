"""Plan a large blob of lines by scanning its ranges in parallel, one activity each.

`prepare_scans` tells how many ranges there are, `scan_part` scans one and writes down what it
found, and `cut_scanned` gives the cuts of them all. Each holds one chunk of the blob at most,
and reads each byte of it once.
"""

from collections.abc import Iterator
from dataclasses import replace

from pydantic import BaseModel

from fanout.adapters.digests import read_stored, write_stored
from fanout.adapters.documents import Model
from fanout.adapters.sources.blobs import OpenBlob, open_blob, translate_format_errors
from fanout.adapters.sources.formats import require_columns
from fanout.adapters.sources.planning import CutOptions, Scratch, SourceCuts
from fanout.adapters.sources.texts import find_codec, open_text
from fanout.messages.scans import RangeScan, ScanPlan
from fanout.models.source import CsvFormat, CsvSource, JsonlSource, Source
from fanout.splitting.header import read_csv_start, read_jsonl_start
from fanout.splitting.ranges import LineFormat, join_ranges, scan_range

# As many as the history of one orchestration has room for; ranges of a huge blob are longer.
MAX_RANGES = 200
_PLAN = "scan.json"


def prepare_scans(source: Source, options: CutOptions, scratch: Scratch, range_bytes: int) -> int:
    """Write down how a source is scanned; return its number of ranges, 0 where one pass does.

    One pass does where the source is no plain CSV or JSON lines, where it has no two ranges, and
    where only its first items are wanted.

    Raises:
        InvalidRequestError: As `fanout.adapters.sources.reading.cut_source` does.
        SourceChangedError: The blob was written or deleted meanwhile.
    """
    if not isinstance(source, CsvSource | JsonlSource) or options.max_items is not None:
        return 0
    blob = open_blob(scratch.store, source.container, source.blob)
    if blob.size < 2 * range_bytes or find_codec(blob, source) is not None:
        return 0
    text = open_text(blob, source, blob.beginning())
    if not text.is_plain:
        return 0
    plan = _plan(blob, source, text.chunks, options, range_bytes)
    _write_model(scratch, _PLAN, plan)
    return plan.ranges


def _plan(
    blob: OpenBlob,
    source: LineFormat,
    chunks: Iterator[bytes],
    options: CutOptions,
    range_bytes: int,
) -> ScanPlan:
    header, delimiter = None, None
    with translate_format_errors(blob.ref):
        if isinstance(source, CsvFormat):
            body = read_csv_start(chunks, source)
            header, delimiter = require_columns(blob, body.columns), body.delimiter
        else:
            body = read_jsonl_start(chunks)
    return ScanPlan(
        blob=blob.ref,
        length=blob.size,
        header=header,
        delimiter=delimiter,
        start=body.start.offset,
        start_line=body.start.line,
        range_bytes=max(range_bytes, -(-blob.size // MAX_RANGES)),
        limits=options.fit(options.limits_for_bytes(blob.size), header),
    )


def scan_part(source: LineFormat, number: int, scratch: Scratch) -> None:
    """Scan one range (0-based) and write down what was found.

    Raises:
        SourceChangedError: The blob is not the one that the scan was prepared for.
    """
    plan = _scan_plan(scratch)
    begin, end = plan.bounds(number)
    blob = OpenBlob(scratch.store, plan.blob, plan.length)
    chunks = blob.chunks(begin, end - begin) if end > begin else iter(())
    is_after_return = False
    if isinstance(source, CsvFormat):
        source = source.model_copy(update={"delimiter": plan.delimiter})
        is_after_return = number > 0 and blob.read(begin - 1, 1) == b"\r"
    range_scan = scan_range(
        chunks,
        begin,
        source,
        plan.limits,
        is_first=number == 0,
        is_after_return=is_after_return,
    )
    _write_model(scratch, _scan_name(number), range_scan)


def cut_scanned(scratch: Scratch) -> SourceCuts:
    """Cut a source whose ranges have all been scanned."""
    plan = _scan_plan(scratch)
    cuts = join_ranges(_scans(plan, scratch), plan.start, plan.start_line, plan.limits)
    made = SourceCuts(plan.header, plan.blob.etag, plan.length, cuts, delimiter=plan.delimiter)
    return replace(made, columns=plan.header)


def _scans(plan: ScanPlan, scratch: Scratch) -> Iterator[RangeScan]:
    for number in range(plan.ranges):
        yield _read_model(RangeScan, scratch, _scan_name(number))


def _scan_plan(scratch: Scratch) -> ScanPlan:
    return _read_model(ScanPlan, scratch, _PLAN)


def _scan_name(number: int) -> str:
    return f"scan-{number:05d}.json"


def _read_model(kind: type[Model], scratch: Scratch, name: str) -> Model:
    return read_stored(scratch.store, scratch.container, kind, scratch.prefix + name)


def _write_model(scratch: Scratch, name: str, model: BaseModel) -> None:
    write_stored(scratch.store, scratch.container, scratch.prefix + name, model)
