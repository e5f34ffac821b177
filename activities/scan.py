"""The activity `scan`: finds the records of one range of a large source."""

import azure.durable_functions as df
import azure.functions as func

from fanout import names
from fanout.adapters.runs import RunFiles, files_of, kept_request
from fanout.adapters.sources_scans import scan_part
from fanout.adapters.spans import invoked
from fanout.adapters.telemetry import logger
from fanout.errors import SourceChangedError
from fanout.models.source import CsvSource, JsonlSource
from fanout.models.wave import ScanRef
from fanout.tickets import answered

bp = df.Blueprint()
log = logger(names.SCAN)


@bp.activity_trigger(input_name="ref", activity=names.SCAN)
def scan(ref: dict, context: func.Context) -> dict:
    """Scan a range; shell around `scan_range_of`."""
    with invoked(context, ref):
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
