"""What is known of a batch before a round of it: from an earlier round, or an earlier attempt."""

from dataclasses import dataclass

from activities.planning.replan import reopening_of
from fanout.adapters.run_files.files import RunFiles, kept_partition
from fanout.adapters.run_files.intact import read_listed
from fanout.adapters.run_files.part_reader import read_lines
from fanout.adapters.run_files.parts import newest_before
from fanout.messages.batches import BatchRef
from fanout.models.plan import Origin
from fanout.naming import blob_paths
from fanout.outcomes.reopening import reopen


@dataclass(frozen=True)
class Earlier:
    """The outcomes of a batch so far.

    Attributes:
        has_begun: Whether they are of an earlier round of this attempt; else of the attempt before,
            with what is to be redone pending.
    """

    lines: bytes = b""
    has_begun: bool = False


def read_outcomes_before(ref: BatchRef, files: RunFiles) -> Earlier:
    """Read the outcomes of a batch so far; none where it is tried for the first time."""
    lines = newest_before(files, ref, blob_paths.generation(ref.attempt))
    if lines is not None:
        return Earlier(lines, has_begun=True)
    origin = _origin(ref, files)
    if origin is None or origin.part is None:
        return Earlier()
    return Earlier(reopen(read_lines(files, origin), reopening_of(files, ref)))


def read_partial_before(ref: BatchRef, files: RunFiles) -> bytes | None:
    """Read the partial of the attempt before, which stays as long as the batch is refused."""
    origin = _origin(ref, files)
    if origin is None or not origin.partial:
        return None
    return read_listed(files, origin.partial).data


def _origin(ref: BatchRef, files: RunFiles) -> Origin | None:
    if ref.attempt == 1:
        return None
    plan = kept_partition(files, ref.run_id, ref.partition, blob_paths.generation(ref.attempt))
    return plan.origins[ref.first_cut]
