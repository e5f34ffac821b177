"""Reading the outcomes of every batch of a run, in source order, a few parts ahead."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import Literal

from fanout.adapters.run_files.files import RunFiles, kept_manifest, kept_partition
from fanout.adapters.run_files.intact import read_listed, read_part_with_partial
from fanout.adapters.run_files.parts import Parts, overlaid_parts
from fanout.adapters.telemetry.logs import logger
from fanout.errors import DamagedFileError
from fanout.messages.run import RunRef
from fanout.models.plan import Cut, Origin, PlanManifest, Reopening
from fanout.naming import blob_paths
from fanout.outcomes.lines import has_any, range_line
from fanout.outcomes.reopening import reopen
from fanout.threads import ContextPool

log = logger("parts")
READ_AT_ONCE = 8
# What is read and not yet used stays in memory: few large parts are as quick as many small ones.
READ_AHEAD_BYTES = 4 * 1_048_576
LEAST_AT_ONCE = 2
Position = tuple[int, int]
OnDamage = Literal["fail", "redo", "tell"]


@dataclass(frozen=True)
class BatchOutcomes:
    """What is known of a batch.

    Attributes:
        lines: Its outcomes.
        partial: The partial of a chunk workload; None if it made none.
        fault: Why nothing of it is known: its part is not as it was written.
    """

    cut: Cut
    origin: Origin
    lines: bytes
    partial: bytes | None
    fault: str | None = None

    @property
    def size(self) -> int:
        """How many bytes these are."""
        return len(self.lines) + len(self.partial or b"")


@dataclass(frozen=True)
class PlannedBatch:
    """A batch of the first plan: a cut that nobody tried yet, or the cuts that one part covers."""

    cut: Cut
    origin: Origin


def read_batches(
    files: RunFiles,
    ref: RunRef,
    manifest: PlanManifest,
    begin: Position = (0, 0),
    end: Position | None = None,
    *,
    on_damage: OnDamage = "fail",
) -> Iterator[BatchOutcomes]:
    """Read every batch of the first plan as the attempts up to `ref`'s left it.

    One that left no part has all its items pending.

    Args:
        files: Where the run is kept.
        ref: The run, and the latest attempt to look at.
        manifest: The first plan.
        begin: Partition and first cut of the first batch to read.
        end: Those of the batch to stop before; None reads to the end.
        on_damage: What becomes of a batch whose part is damaged: it fails all, or counts as one
            that left none (of one that was compensated counts what it was before), or it is told of
            it and the others go on.

    Raises:
        DamagedFileError: A part is not as it was written.
    """
    parts = overlaid_parts(files, ref.run_id, ref.attempt)
    batches = (
        batch
        for batch in planned_batches(files, ref.run_id, manifest, parts, begin[0])
        if (batch.origin.partition, batch.origin.first_cut) >= begin
    )
    for outcomes in read_planned(files, batches, on_damage=on_damage):
        if end is not None and (outcomes.origin.partition, outcomes.origin.first_cut) >= end:
            return
        yield outcomes


def read_planned(
    files: RunFiles,
    batches: Iterator[PlannedBatch],
    *,
    on_damage: OnDamage = "fail",
) -> Iterator[BatchOutcomes]:
    """Read the outcomes of these batches, in the order given.

    Raises:
        DamagedFileError: A part is not as it was written; with `fail` alone.
    """
    read = {"fail": _read_batch, "redo": _read_or_reopen, "tell": _read_or_name}[on_damage]
    first = list(islice(batches, READ_AT_ONCE))
    if len(first) == 1:  # it has no others to be read beside
        yield read(files, first[0])
        return
    with ContextPool(READ_AT_ONCE) as pool:
        yield from _read_ahead(pool, partial(read, files), chain(first, batches))


def _read_ahead(
    pool: ContextPool,
    read: Callable[[PlannedBatch], BatchOutcomes],
    batches: Iterator[PlannedBatch],
) -> Iterator[BatchOutcomes]:
    """Read batches in order, so many ahead as seem to suit memory: judged by the latest."""
    reads: deque[Future[BatchOutcomes]] = deque()
    at_once = LEAST_AT_ONCE
    for batch in batches:
        reads.append(pool.submit(read, batch))
        while len(reads) >= at_once:
            at_once = _reads_at_once(reads[0].result().size)
            yield reads.popleft().result()
    while reads:
        yield reads.popleft().result()


def _reads_at_once(part_bytes: int) -> int:
    """How many parts of such a size are to be read at the same time."""
    fitting = READ_AHEAD_BYTES // max(1, part_bytes)
    return max(LEAST_AT_ONCE, min(READ_AT_ONCE, fitting))


def planned_batches(
    files: RunFiles, run_id: str, manifest: PlanManifest, parts: Parts, first_partition: int = 0
) -> Iterator[PlannedBatch]:
    """List every batch of the first plan, in source order, with where its outcomes are."""
    for partition in range(first_partition, manifest.partitions):
        cuts = kept_partition(files, run_id, partition).cuts
        first_cut = 0
        while first_cut < len(cuts):
            origin = _origin(parts, partition, first_cut)
            yield PlannedBatch(join_cuts(cuts[first_cut : first_cut + origin.span]), origin)
            first_cut += origin.span


def _origin(parts: Parts, partition: int, first_cut: int) -> Origin:
    part = parts.newest.get((partition, first_cut))
    if part is None:
        return Origin(partition=partition, first_cut=first_cut)
    has_partial = part.partial_path in parts.partials
    return Origin(
        partition=partition,
        first_cut=first_cut,
        span=part.span,
        part=part.path,
        partial=part.partial_path if has_partial else None,
        reopenings=list(part.reopenings),
    )


def following_part_path(run_id: str, origin: Origin) -> str:
    """The part that a batch leaves when it is tried next: for the first time, or in a later round.

    Where it has pending items, that is the one whose loss would leave it as it is.
    """
    known = None if origin.part is None else blob_paths.parse_part_path(origin.part)
    if known is None or origin.part is None:
        name = blob_paths.BatchName(origin.partition, origin.first_cut, origin.span)
        return blob_paths.part_path(run_id, blob_paths.FIRST, name)
    generation = origin.part.removeprefix(blob_paths.parts_folder(run_id)).partition("-")[0]
    name = replace(known, retry_round=known.retry_round + 1)
    return blob_paths.part_path(run_id, generation, name)


def join_cuts(cuts: list[Cut]) -> Cut:
    """Make one batch of cuts that follow each other in one blob."""
    first, last = cuts[0], cuts[-1]
    return first._replace(end=last.end, items=sum(cut.items for cut in cuts))


def _read_batch(files: RunFiles, batch: PlannedBatch) -> BatchOutcomes:
    cut, origin = batch.cut, batch.origin
    if origin.part is None:
        return _pending_batch(batch)
    lines, partial = read_part_with_partial(files, origin.part, origin.partial)
    return BatchOutcomes(cut, origin, _reopen(lines, origin), partial)


def _read_or_reopen(files: RunFiles, batch: PlannedBatch) -> BatchOutcomes:
    """Read a batch; one whose part is damaged is as if nobody had tried it."""
    try:
        return _read_batch(files, batch)
    except DamagedFileError as error:
        log.warning("does a batch again: %s", error)
        known = batch.origin
        before = _origin_before_undo(files, known)
        if before is not None:
            return _read_or_reopen(files, replace(batch, origin=before))
        origin = Origin(partition=known.partition, first_cut=known.first_cut, span=known.span)
        return _pending_batch(replace(batch, origin=origin))


def _origin_before_undo(files: RunFiles, origin: Origin) -> Origin | None:
    """What there was of a batch before it was compensated; None if its part is of no such pass."""
    found = blob_paths.parse_undo_part(origin.part or "")
    if found is None:
        return None
    run_id, generation, name = found
    return kept_partition(files, run_id, name.partition, generation).origins[name.first_cut]


def _read_or_name(files: RunFiles, batch: PlannedBatch) -> BatchOutcomes:
    """Read a batch; of one whose part is damaged nothing but that."""
    try:
        return _read_batch(files, batch)
    except DamagedFileError as error:
        return BatchOutcomes(batch.cut, batch.origin, b"", None, fault=str(error))


def _pending_batch(batch: PlannedBatch) -> BatchOutcomes:
    pending = range_line("pending", batch.cut.first_index, batch.cut.items, 0)
    return BatchOutcomes(batch.cut, batch.origin, pending, None)


def read_lines(files: RunFiles, origin: Origin) -> bytes:
    """Read the outcomes of a batch; failed items that an attempt was to redo are pending."""
    return _reopen(read_listed(files, str(origin.part)).data, origin)


def _reopen(lines: bytes, origin: Origin) -> bytes:
    for reopening in origin.reopenings:
        lines = reopen(lines, reopening)
    return lines


def has_redo(files: RunFiles, run_id: str, attempt: int, reopening: Reopening) -> bool:
    """Tell whether `attempt` left an item that a redrive would take up.

    Args:
        files: Where the run is kept.
        run_id: The run.
        attempt: The attempt before the redrive.
        reopening: What that takes up.
    """
    ref = RunRef(run_id=run_id, attempt=attempt)
    batches = read_batches(files, ref, kept_manifest(files, run_id), on_damage="redo")
    status = reopening.opened_status
    return any(has_any(reopen(batch.lines, reopening), status) for batch in batches)
