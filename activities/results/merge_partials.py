"""The activity `merge_partials`: one node of the tree in which a chunk workload's partials merge.

Neighbours in the source are merged, the left one first, so the workload's `merge` need only be
associative. A second time writes the same again.
"""

import azure.durable_functions as df
import azure.functions as func

from activities.results.partials import Merger, find_partial
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.spans import trace_activity
from fanout.messages.fan_in import MergeRef
from fanout.messages.tickets import answered
from fanout.naming import functions
from fanout.naming.blob_paths import merged_path

bp = df.Blueprint()
log = logger(functions.MERGE_PARTIALS)


@bp.activity_trigger(input_name="ref", activity=functions.MERGE_PARTIALS)
def merge_partials(ref: dict, context: func.Context) -> dict:
    """Merge neighbouring partials; shell around `merge_level`."""
    with trace_activity(context, ref):
        found = MergeRef.model_validate(ref)
        return answered(ref, merge_level(found, files_of(found)))


def merge_level(ref: MergeRef, files: RunFiles) -> int:
    """Merge some partials of the level below into one; tell how many there were."""
    merger = Merger(kept_request(files, ref.run_id, ref.attempt))
    found = 0
    for number in ref.merged:
        path = merged_path(ref.run_id, ref.attempt, ref.level - 1, number)
        partial = find_partial(files, path)
        found += partial is not None
        merger.add(partial)
    merged = merger.merged
    if merged is not None:
        files.write(merged_path(ref.run_id, ref.attempt, ref.level, ref.number), merged)
    log.debug("merged %d partials into %d of level %d", found, ref.number, ref.level)
    return found
