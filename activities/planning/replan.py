"""What a later attempt does: those batches of the first that have items to redo, cut as before.

Of a run that is being compensated nothing is processed: what is left to be undone is planned when
its compensation is (`plan_compensation`), and here only what there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from activities.planning.openings import note_openings
from activities.planning.work import make_work, plan_again, write_plan
from fanout.adapters.run_files.files import RunFiles, kept_manifest, kept_request
from fanout.adapters.run_files.part_reader import BatchOutcomes, join_cuts, read_batches
from fanout.adapters.telemetry.logs import logger
from fanout.messages.planning import Work
from fanout.messages.run import RunRef
from fanout.models.plan import Cut, Origin, Reopening
from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from fanout.outcomes.lines import count_statuses
from fanout.outcomes.reopening import reopen
from fanout.workload import ChunkWorkload
from workloads import registry

log = logger("redrive")


@dataclass
class Redo:
    """What an attempt is to do.

    Attributes:
        succeeded: Items that succeeded in an earlier attempt; they are settled.
        failed: Items that failed otherwise than the redrive asks for; they are settled.
        compensated: Settled likewise.
        compensation_failed: Settled likewise.
        cuts: Of the batches with items to redo, in source order.
        origins: Of each cut.
    """

    succeeded: int = 0
    failed: int = 0
    compensated: int = 0
    compensation_failed: int = 0
    cuts: list[Cut] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)


def reopening_of(files: RunFiles, ref: RunRef, *, undoes: bool = False) -> Reopening:
    """What a later attempt takes up, as its redrive asks; `undoes` is what is left to be undone."""
    error_types = files.redrive_request(ref.run_id, ref.attempt).error_types
    whole = is_chunked(files, ref.run_id)
    return Reopening(error_types=error_types, whole=whole, undoes=undoes)


def is_chunked(files: RunFiles, run_id: str) -> bool:
    """Tell whether the workload of a run takes batches whole."""
    workload = registry.get(kept_request(files, run_id).workload)
    return isinstance(workload, ChunkWorkload)


def plan_redo(ref: RunRef, request: RunRequest, files: RunFiles, *, undoes: bool = False) -> Work:
    """Plan a later attempt: the batches with items to redo, in the bytes that they had before.

    One that `undoes` processes none; those that it is to undo count as successes until it has.
    """
    reopening = reopening_of(files, ref, undoes=undoes)
    redo = find_redo(files, ref, reopening)
    base = kept_manifest(files, ref.run_id)
    cuts, origins = ([], []) if undoes else (redo.cuts, note_openings(files, ref, redo.origins))
    manifest, partitions = plan_again(base, request, cuts, origins)
    manifest = manifest.model_copy(update={"reopening": reopening})
    write_plan(files, ref.run_id, blob_paths.generation(ref.attempt), manifest, partitions)
    log.info("planned attempt %d of %d batches", ref.attempt, manifest.cuts)
    work = make_work(request, manifest, items=sum(cut.items for cut in cuts))
    settled = {
        "succeeded": redo.succeeded,
        "failed": redo.failed,
        "compensated": redo.compensated,
        "compensation_failed": redo.compensation_failed,
    }
    return work.model_copy(update=settled)


def find_redo(files: RunFiles, ref: RunRef, reopening: Reopening) -> Redo:
    """Find what an attempt is to do, a few batches in memory at a time."""
    earlier = ref.model_copy(update={"attempt": ref.attempt - 1})
    redo = Redo()
    base = kept_manifest(files, ref.run_id)
    for batch in _regroup(read_batches(files, earlier, base, on_damage="redo")):
        counts = count_statuses(reopen(batch.lines, reopening))
        redo.succeeded += counts["succeeded"]
        redo.failed += counts["failed"]
        redo.compensated += counts["compensated"]
        redo.compensation_failed += counts["compensation_failed"]
        if counts["pending"]:
            redo.cuts.append(batch.cut)
            redo.origins.append(batch.origin)
    return redo


def _regroup(batches: Iterator[BatchOutcomes]) -> Iterator[BatchOutcomes]:
    """Join neighbours that nobody tried into batches as large as the last that was tried."""
    span = 1
    held: BatchOutcomes | None = None
    for batch in batches:
        if held is not None and _fits(held, batch, span):
            held = _extend(held, batch)
            continue
        if held is not None:
            yield held
            held = None
        if batch.origin.part is None:
            held = batch
        else:
            span = batch.origin.span
            yield batch
    if held is not None:
        yield held


def _fits(held: BatchOutcomes, batch: BatchOutcomes, span: int) -> bool:
    return (
        batch.origin.part is None
        and batch.origin.partition == held.origin.partition
        and batch.cut.part == held.cut.part
        and held.origin.span < span
    )


def _extend(held: BatchOutcomes, batch: BatchOutcomes) -> BatchOutcomes:
    origin = held.origin.model_copy(update={"span": held.origin.span + batch.origin.span})
    cut = join_cuts([held.cut, batch.cut])
    return replace(held, cut=cut, origin=origin, lines=held.lines + batch.lines)
