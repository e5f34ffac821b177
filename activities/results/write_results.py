"""The activity `write_results`: the result files of one range of batches.

Names follow from the range, so a second time writes the same again.
"""

from collections.abc import Iterable

from activities.memory.range_memory import hold_for_range
from activities.results.partials import Merger
from activities.results.result_files import Place, ResultFiles
from activities.results.results_folder import ResultsFolder
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.run_files.intact import read_intact_model
from fanout.adapters.run_files.part_reader import BatchOutcomes, following_part_path
from fanout.adapters.run_files.range_reader import read_range
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.messages.fan_in import RangePlan, RangeRef, RangeResult
from fanout.models.request import RunRequest
from fanout.models.status import ItemCounts
from fanout.naming import functions
from fanout.naming.blob_paths import range_path, range_plan_path

log = logger(functions.WRITE_RESULTS)
# Parts of a range that an error may name.
MAX_NAMES = 5


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
    path = range_plan_path(ref.run_id, ref.attempt, ref.number)
    planned = read_intact_model(files, RangePlan, path)
    request = kept_request(files, ref.run_id, ref.attempt)
    merger = Merger(request)
    place = Place(ResultsFolder(files, ref.run_id), ref.number, max_bytes)
    with hold_for_range(files, ref, planned):
        result = write_outcomes(place, request, read_range(files, planned), merger)
        merger.write(files, ref, 0, ref.number)
    files.write_model(range_path(ref.run_id, ref.attempt, ref.number), result)
    log.info("wrote range %d: %s", ref.number, result.items)
    return result.items


def write_outcomes(
    place: Place, request: RunRequest, batches: Iterable[BatchOutcomes], merger: Merger
) -> RangeResult:
    """Put every outcome of a range into its file, and its partials into `merger`."""
    results, missing = ResultFiles(place, request), list[str]()
    for batch in batches:
        pending = results.pending
        results.add(batch)
        merger.add(batch.partial)
        if results.pending > pending and len(missing) < MAX_NAMES:
            missing.append(following_part_path(place.folder.run_id, batch.origin))
    return results.close().model_copy(update={"missing": missing})
