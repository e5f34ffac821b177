"""The activity `write_results`: the result files of one range of batches.

Names follow from the range, so a second time writes the same again.
"""

import azure.durable_functions as df
import azure.functions as func

from activities.results.partials import Merger
from activities.results.result_files import Place, ResultFiles
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.run_files.range_reader import read_range
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.spans import trace_activity
from fanout.messages.fan_in import RangePlan, RangeRef, RangeResult
from fanout.messages.payloads import dump
from fanout.messages.tickets import answered
from fanout.models.status import ItemCounts
from fanout.naming import functions
from fanout.naming.blob_paths import merged_path, range_path, range_plan_path

bp = df.Blueprint()
log = logger(functions.WRITE_RESULTS)


@bp.activity_trigger(input_name="ref", activity=functions.WRITE_RESULTS)
def write_results(ref: dict, context: func.Context) -> dict:
    """Write the results of a range; shell around `write_range`."""
    max_bytes = settings().max_result_file_bytes
    with trace_activity(context, ref):
        found = RangeRef.model_validate(ref)
        return answered(ref, dump(write_range(found, files_of(found), max_bytes)))


def write_range(ref: RangeRef, files: RunFiles, max_bytes: int) -> ItemCounts:
    """Write the result files of a range, and its partials merged into one.

    Args:
        ref: Which range.
        files: Where the run is kept.
        max_bytes: How long a result file gets before the next begins, compression aside.
    """
    planned = RangePlan.model_validate_json(
        files.read(range_plan_path(ref.run_id, ref.attempt, ref.number))
    )
    merger = Merger(kept_request(files, ref.run_id, ref.attempt))
    written = sorted_out(ref, files, planned, merger, max_bytes)
    merged = merger.merged
    if merged is not None:
        files.write(merged_path(ref.run_id, ref.attempt, 0, ref.number), merged)
    files.write_model(range_path(ref.run_id, ref.attempt, ref.number), written)
    log.info("wrote range %d: %s", ref.number, written.items)
    return written.items


def sorted_out(
    ref: RangeRef, files: RunFiles, planned: RangePlan, merger: Merger, max_bytes: int
) -> RangeResult:
    """Put every outcome of a range into its file, and its partials into `merger`."""
    request = kept_request(files, ref.run_id, ref.attempt)
    place = Place(files, ref.run_id, ref.number, max_bytes)
    results = ResultFiles(place, request.results)
    for batch in read_range(files, planned):
        results.sort_in(batch)
        merger.add(batch.partial)
    return results.close()
