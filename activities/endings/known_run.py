"""What whoever ends a small run has in hand, so that nobody reads it again."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from azure.core.exceptions import ResourceNotFoundError

from activities.batches.steer import is_over, note_ask
from fanout.adapters.rows.attempts import AttemptRows, read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles, kept_manifest, kept_partition, kept_request
from fanout.adapters.run_files.part_reader import BatchOutcomes, planned_batches, read_planned
from fanout.adapters.run_files.parts import Parts, overlaid_parts
from fanout.adapters.side_by_side import side_by_side
from fanout.errors import DamagedFileError
from fanout.governor.run_state import GovernorState
from fanout.messages.ending import SettleAsk
from fanout.messages.run import RunRef
from fanout.models.request import RunRequest

# More than that is read after the verdict is written: then it is read once, whatever happens.
SMALL_BYTES = 4 * 1_048_576
SMALL_BATCHES = 100


@dataclass(frozen=True)
class KnownRun:
    """A run whose shards are through.

    Attributes:
        before: The rows of the attempt as they are in the table, with their ETags. That of the run
            has the plan: without a row nobody would see that the run was deleted meanwhile.
        state: The same with what happened since, the last report of the shard included.
        request: What the attempt was to do.
        batches: Every batch of the plan in source order, with its outcomes as its part file has
            them; a batch that left none has its items pending, and an origin without a part.
    """

    before: AttemptRows
    state: GovernorState
    request: RunRequest
    batches: Sequence[BatchOutcomes]


@dataclass(frozen=True)
class RunReading:
    """The rows of an attempt and its newest parts, as they were read."""

    before: AttemptRows
    parts: Parts

    @property
    def is_small(self) -> bool:
        """Whether its outcomes are held, and written again, at little cost."""
        sizes = self.parts.sizes
        return len(sizes) <= SMALL_BATCHES and sum(sizes.values()) <= SMALL_BYTES


def read_run(ref: RunRef, files: RunFiles, rows: Rows) -> RunReading:
    """Read the rows and list the parts of an attempt whose shards are through."""
    before, _, parts = side_by_side(
        partial(read_attempt, rows, ref.run_id, ref.attempt),
        partial(_read_plan, files, ref),
        partial(overlaid_parts, files, ref.run_id, ref.attempt),
    )
    return RunReading(before, parts)


def _read_plan(files: RunFiles, ref: RunRef) -> None:
    """Read what this process may not have read yet; whoever needs it and has it not, says so."""
    with suppress(ResourceNotFoundError):
        kept_request(files, ref.run_id, ref.attempt)
        if kept_manifest(files, ref.run_id).partitions:
            kept_partition(files, ref.run_id, 0)


def known_run(ask: SettleAsk, reading: RunReading, files: RunFiles, rows: Rows) -> KnownRun | None:
    """Read what is left of a small run, to end it at once; None if it is not to be ended so."""
    state = reading.before.state
    if not may_end_at_once(ask, state) or not reading.is_small:
        return None
    if ask.last is not None:
        state = note_ask(state, ask.last, rows)
    planned = planned_batches(files, ask.run_id, kept_manifest(files, ask.run_id), reading.parts)
    request = kept_request(files, ask.run_id, ask.attempt)
    try:
        batches = [*read_planned(files, planned)]
    except DamagedFileError:
        return None  # who settles it in the ordinary way says which one
    return KnownRun(reading.before, state, request, batches)


def may_end_at_once(ask: SettleAsk, state: GovernorState) -> bool:
    """Tell whether nothing has been decided about an attempt, and no earlier one left results."""
    is_open = not is_over(state, ask.claim) and state.run.plan is not None
    return ask.attempt == 1 and is_open and state.run.verdict is None
