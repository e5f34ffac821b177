"""The activity `plan_compensation`: which batches have items to undo, newest first."""

from collections.abc import Callable

from activities.batches.steer import is_over
from activities.planning.work import make_work, plan_again, write_plan
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, files_of, kept_manifest, kept_request
from fanout.adapters.run_files.part_reader import planned_batches, read_planned
from fanout.adapters.run_files.parts import overlaid_parts
from fanout.adapters.telemetry.logs import logger
from fanout.errors import AttemptOverError
from fanout.governor.run_rules import note_compensation_plan
from fanout.governor.run_state import GovernorState
from fanout.messages.planning import Work
from fanout.messages.run import RunRef
from fanout.models.plan import Origin, Reopening
from fanout.naming import blob_paths, functions
from fanout.outcomes.lines import has_any
from fanout.outcomes.reopening import reopen

log = logger(functions.PLAN_COMPENSATION)


def plan_compensation(ask: RunRef) -> Work:
    """Plan the compensation of a run."""
    return plan_undo_once(ask, files_of(ask), rows())


def plan_undo(ref: RunRef, files: RunFiles) -> Work:
    """Plan to undo what succeeded in any attempt, and what an earlier one could not undo.

    Done twice, be it late, it writes the same again: it looks at nothing that follows from it. What
    can no longer be read is left to a redrive; the fan-in names it.
    """
    request = kept_request(files, ref.run_id, ref.attempt)
    base, reopening = kept_manifest(files, ref.run_id), _reopening(files, ref)
    parts = overlaid_parts(files, ref.run_id, ref.attempt, is_before_undo=True)
    planned = planned_batches(files, ref.run_id, base, parts)
    batches = [
        (batch.cut, _reopen_origin(batch.origin, reopening))
        for batch in read_planned(files, planned, on_damage="redo")
        if has_any(_reopen_lines(batch.lines, reopening), "succeeded")
    ]
    batches.reverse()
    cuts, origins = [cut for cut, _ in batches], [origin for _, origin in batches]
    manifest, partitions = plan_again(base, request, cuts, origins)
    manifest = manifest.model_copy(update={"reopening": reopening})
    generation = blob_paths.generation(ref.attempt, "compensate")
    write_plan(files, ref.run_id, generation, manifest, partitions)
    log.info("planned to compensate %d batches", manifest.cuts)
    return make_work(request, manifest, items=sum(cut.items for cut in cuts))


def _reopening(files: RunFiles, ref: RunRef) -> Reopening | None:
    """What the attempt takes up that could not be undone; None if it is the first to undo."""
    if ref.attempt == 1:
        return None
    own = kept_manifest(files, ref.run_id, blob_paths.generation(ref.attempt)).reopening
    return own if own is not None and own.undoes else None


def _reopen_origin(origin: Origin, reopening: Reopening | None) -> Origin:
    if reopening is None:
        return origin
    return origin.model_copy(update={"reopenings": [*origin.reopenings, reopening]})


def _reopen_lines(lines: bytes, reopening: Reopening | None) -> bytes:
    return lines if reopening is None else reopen(lines, reopening)


def plan_undo_once(
    ref: RunRef,
    files: RunFiles,
    rows: Rows,
    plan: Callable[[RunRef, RunFiles], Work] = plan_undo,
) -> Work:
    """Plan the compensation once; what was planned stays so, whatever has been undone meanwhile.

    Raises:
        AttemptOverError: The attempt was ended by force, or deleted.
    """
    known = read_attempt(rows, ref.run_id, ref.attempt).state
    if known.run.undo is not None and not is_over(known, ref.claim):
        return known.run.undo
    work = plan(ref, files)

    def rule(state: GovernorState) -> tuple[GovernorState, Work | None]:
        if is_over(state, ref.claim):
            return state, None
        run = note_compensation_plan(state.run, work)
        return state.model_copy(update={"run": run}), run.undo

    kept = change_attempt(rows, ref.run_id, ref.attempt, rule)
    if kept is None:
        raise AttemptOverError("the attempt of the run had ended")
    return kept
