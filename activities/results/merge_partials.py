"""The activity `merge_partials`: one node of the tree in which a chunk workload's partials merge.

Neighbours in the source are merged, the left one first, so the workload's `merge` need only be
associative. A second time writes the same again.
"""

from activities.memory.range_memory import hold_for_partials
from activities.results.partials import Merger, read_merged
from fanout.adapters.run_files.files import RunFiles, files_of, kept_request
from fanout.adapters.telemetry.logs import logger
from fanout.messages.fan_in import MergeRef
from fanout.naming import functions

log = logger(functions.MERGE_PARTIALS)


def merge_partials(ask: MergeRef) -> None:
    """Merge neighbouring partials."""
    merge_level(ask, files_of(ask))


def merge_level(ref: MergeRef, files: RunFiles) -> int:
    """Merge some partials of the level below into one; tell how many there were."""
    merger = Merger(kept_request(files, ref.run_id, ref.attempt))
    count = 0
    with hold_for_partials(files):
        for number in ref.merged:
            merged = read_merged(files, ref, ref.level - 1, number)
            count += merged.data is not None
            merger.take(merged)
        merger.write(files, ref, ref.level, ref.number)
    log.debug("merged %d partials into %d of level %d", count, ref.number, ref.level)
    return count
