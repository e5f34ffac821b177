"""The activity `scan`: finds the records of one range of a large source."""

from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.sources.blobs import BrokenSourceError
from fanout.adapters.sources.scans import scan_part
from fanout.adapters.telemetry.logs import logger
from fanout.errors import SourceChangedError
from fanout.messages.payloads import shorten
from fanout.messages.planning import MAX_REFUSAL_BYTES, ScanRef, ScanResult
from fanout.models.source import CsvSource, JsonlSource
from fanout.naming import functions

log = logger(functions.SCAN)


def scan(ask: ScanRef) -> ScanResult:
    """Scan a range of a source."""
    return scan_range(ask, files_of(ask))


def scan_range(ref: ScanRef, files: RunFiles) -> ScanResult:
    """Scan a range and write down what is in it, unless the source is refused."""
    source = kept_request(files, ref.run_id).source
    if not isinstance(source, CsvSource | JsonlSource):
        raise TypeError(f"a source of kind '{source.kind}' is planned in one pass")
    try:
        scan_part(source, ref.number, files.scratch(ref.run_id))
    except (BrokenSourceError, SourceChangedError) as error:
        log.warning("the source is refused", exc_info=error)
        return ScanResult(refusal=shorten(str(error), MAX_REFUSAL_BYTES))
    return ScanResult()
