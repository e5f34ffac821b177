"""The activity `scan`: finds the records of one range of a large source."""

import azure.durable_functions as df
import azure.functions as func

from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.sources.scans import scan_part
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.spans import trace_activity
from fanout.errors import SourceChangedError
from fanout.messages.planning import ScanRef
from fanout.messages.tickets import answered
from fanout.models.source import CsvSource, JsonlSource
from fanout.naming import functions

bp = df.Blueprint()
log = logger(functions.SCAN)


@bp.activity_trigger(input_name="ref", activity=functions.SCAN)
def scan(ref: dict, context: func.Context) -> dict:
    """Scan a range; shell around `scan_range_of`."""
    with trace_activity(context, ref):
        found = ScanRef.model_validate(ref)
        return answered(ref, scan_range_of(found, files_of(found)))


def scan_range_of(ref: ScanRef, files: RunFiles) -> str:
    """Scan a range and write down what is in it; gives why the source is refused, or nothing."""
    source = kept_request(files, ref.run_id).source
    if not isinstance(source, CsvSource | JsonlSource):
        raise TypeError(f"a source of kind '{source.kind}' is planned in one pass")
    try:
        scan_part(source, ref.number, files.scratch(ref.run_id))
    except SourceChangedError as error:
        log.warning("the source is refused", exc_info=error)
        return str(error)
    return ""
