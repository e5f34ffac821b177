"""The memory that a fan-in takes of that which its process has."""

from contextlib import AbstractContextManager

from activities.memory.batch_memory import weigh_batch
from activities.results.result_formats import weigh_file
from fanout.adapters.blob import BLOCK_BYTES
from fanout.adapters.run_files.files import RunFiles, kept_request
from fanout.memory import Hold, memory_for
from fanout.messages.fan_in import RangePlan
from fanout.messages.run import RunRef
from fanout.workload import ChunkWorkload
from workloads import registry

# A part is there as it is read, joined, and line by line, and the following one is read meanwhile.
_PART_COPIES = 6
# Values of Python take more than the JSON that they are written as.
_PARTIAL_COPIES = 4
# What is written is there as blocks: those of the files that are open, and as they are sent.
_BLOCKS = 4


def hold_for_range(
    files: RunFiles, ref: RunRef, planned: RangePlan
) -> AbstractContextManager[Hold]:
    """Hold what it takes to write the results of a range; wait until there is as much.

    Args:
        files: Where the run is kept.
        ref: The attempt.
        planned: The range.
    """
    return memory_for(files.budget).hold(_weigh_range(files, ref, planned))


def hold_for_partials(files: RunFiles) -> AbstractContextManager[Hold]:
    """Hold what it takes to merge partials, or to render a report; their sizes nobody knows."""
    return memory_for(files.budget).hold(files.budget.batch)


def _weigh_range(files: RunFiles, ref: RunRef, planned: RangePlan) -> int:
    budget = files.budget
    largest = budget.outcomes if planned.largest is None else planned.largest
    size = budget.batch if planned.size is None else planned.size
    request = kept_request(files, ref.run_id, ref.attempt)
    parts = _PART_COPIES * largest
    written = min(size, _BLOCKS * BLOCK_BYTES) + weigh_file(request.results, size)
    if isinstance(registry.get(request.workload), ChunkWorkload):
        written += min(_PARTIAL_COPIES * size, budget.batch)
    return parts + written + _weigh_dead_letters(files, ref, planned)


def _weigh_dead_letters(files: RunFiles, ref: RunRef, planned: RangePlan) -> int:
    """Any batch may have items given up on, which are read again, some at a time."""
    cuts = planned.cuts
    if not cuts:
        return 0
    largest = max(cuts, key=lambda cut: (cut.end - cut.offset, cut.items))
    return weigh_batch(files, ref, largest, files.budget.item)
