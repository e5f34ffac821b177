"""The activity `write_results`: the result files of one range of batches.

Names follow from the range, so a second time writes the same again.
"""

from activities.results.partials import Merger
from activities.results.result_files import Place, ResultFiles
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.run_files.range_reader import read_range
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.messages.fan_in import RangePlan, RangeRef, RangeResult
from fanout.models.status import ItemCounts
from fanout.naming import functions
from fanout.naming.blob_paths import range_path, range_plan_path

log = logger(functions.WRITE_RESULTS)


def write_results(ask: RangeRef) -> None:
    """Write the results of a range."""
    write_range(ask, files_of(ask), settings().max_result_file_bytes)


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
    result = write_outcomes(ref, files, planned, merger, max_bytes)
    merger.write(files, ref, 0, ref.number)
    files.write_model(range_path(ref.run_id, ref.attempt, ref.number), result)
    log.info("wrote range %d: %s", ref.number, result.items)
    return result.items


def write_outcomes(
    ref: RangeRef, files: RunFiles, planned: RangePlan, merger: Merger, max_bytes: int
) -> RangeResult:
    """Put every outcome of a range into its file, and its partials into `merger`."""
    request = kept_request(files, ref.run_id, ref.attempt)
    place = Place(files, ref.run_id, ref.number, max_bytes)
    results = ResultFiles(place, request.results)
    for batch in read_range(files, planned):
        results.add(batch)
        merger.add(batch.partial)
    return results.close()
