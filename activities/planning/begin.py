"""The activity `begin`: lets a run begin when it is its turn, and plans it.

Asked again, because its answer got lost or the orchestration is begun anew, it gives what it gave.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from activities.batches.steer import steer_shard
from activities.events import Events
from activities.planning.plan import plan_rest_of_undo, plan_run
from activities.planning.scout import Scout, Scouting, first_work, is_quick_to_plan, may_send_scout
from fanout.adapters.rows import places
from fanout.adapters.rows.attempts import AttemptRows, apply_rule, has_begun_undo, read_attempt
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.rows.stragglers import has_all_parts
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.adapters.settings import settings
from fanout.adapters.tables import RowConflictError, Write
from fanout.errors import AttemptOverError, RunNotFoundError
from fanout.governor import grants, run_rules
from fanout.governor.admission import Entry, Turn
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.beginning import BeginAsk, BeginResult
from fanout.messages.planning import PlanResult
from fanout.messages.run import RunInput
from fanout.messages.shards import ShardAsk, ShardOrder
from fanout.naming import instance_ids, row_keys

FIRST_NAP_SECONDS = 1.0
# To end a run by force and to delete it takes many requests in a row, and so longer than this.
QUICK_SECONDS = 0.1
Planner = Callable[[RunInput, RunFiles], PlanResult]
# The row of the run, and what its first shard may do first if that was granted with it.
Planned = tuple[RunState, ShardOrder | None]


@dataclass(frozen=True)
class Reading:
    """The rows of an attempt as they were read, and when, by the clock of the process."""

    known: AttemptRows
    read_at: float

    @property
    def may_be_outdated(self) -> bool:
        """Whether there were no rows, and a deletion may have been done with them since."""
        return not self.known.etags and time.monotonic() - self.read_at > QUICK_SECONDS


def begin(ask: BeginAsk, events: Events) -> BeginResult:
    """Let a run begin, plan it, and carry out its first batch."""
    files, max_bytes = files_of(ask), settings().max_result_file_bytes
    return admit_and_plan(ask, files, rows(), plan_run, Scouting(events.raise_event, max_bytes))


def admit_and_plan(
    ask: BeginAsk,
    files: RunFiles,
    rows: Rows,
    plan: Planner = plan_run,
    scouting: Scouting | None = None,
) -> BeginResult:
    """Plan an attempt when it is its turn; until then, say how long to wait.

    Args:
        ask: Which attempt of which run.
        files: Where the run is kept.
        rows: Its rows.
        plan: Cuts its source, and writes down what it planned.
        scouting: What it takes to carry out the first batch as well; None leaves that to others.

    Raises:
        AttemptOverError: The run was deleted.
    """
    read_at, known = time.monotonic(), read_attempt(rows, ask.run_id, ask.attempt)
    if known.state.run.claim not in ("", ask.claim):
        known = _open_rows(ask, files, rows)
    run = known.state.run
    if run.end is not None:
        return BeginResult(end=run.end)
    if run.plan is not None:
        return BeginResult(plan=run.plan, order=_first_order(ask, run.plan, rows))
    wait = _wait(ask, known.state, files, rows)
    if wait is not None:
        _open_rows(ask, files, rows, is_queued=True)
        return wait
    scouting = None if known.state.control.is_cancelled else scouting
    if scouting is None or not is_quick_to_plan(ask, files):
        known = _open_rows(ask, files, rows)
    planned = _plan(ask, files, rows, plan)
    if planned.refusal is not None or planned.scans:
        if not known.state.has_begun:
            _open_rows(ask, files, rows)
        is_cancelled = planned.refusal is not None and known.state.control.is_cancelled
        return BeginResult(is_cancelled=is_cancelled, plan=planned)
    return _keep_plan(ask, planned, files, rows, Reading(known, read_at), scouting)


def _plan(ask: BeginAsk, files: RunFiles, rows: Rows, plan: Planner) -> PlanResult:
    """Plan the attempt; once a run has begun to undo what it did, each one goes on with that."""
    if ask.attempt > 1 and has_begun_undo(rows, ask.run_id, ask.attempt - 1):
        return plan_rest_of_undo(ask, files)
    return plan(ask, files)


def _wait(ask: BeginAsk, state: GovernorState, files: RunFiles, rows: Rows) -> BeginResult | None:
    """What to do until it is the run's turn; None if it is."""
    if not _is_earlier_attempt_quiet(ask, files, rows):
        return BeginResult(wait_seconds=FIRST_NAP_SECONDS)
    # One that is cancelled while it waits is planned all the same, so that its items are known, and
    # a redrive takes them up. No batch of it is carried out, so it needs no place.
    if state.control.is_cancelled:
        return None
    turn = _find_turn(ask, rows)
    if turn.has_come:
        return None
    return BeginResult(wait_seconds=turn.wait_seconds)


def _is_earlier_attempt_quiet(ask: BeginAsk, files: RunFiles, rows: Rows) -> bool:
    """Tell whether the attempt before has nothing under way any more."""
    if ask.attempt == 1:
        return True
    earlier = read_attempt(rows, ask.run_id, ask.attempt - 1).state
    now = datetime.fromisoformat(ask.at)
    return has_all_parts(ask.run_id, ask.attempt - 1, earlier, files, now)


def _open_rows(
    ask: BeginAsk, files: RunFiles, rows: Rows, *, is_queued: bool = False
) -> AttemptRows:
    """Take note that the attempt begins, or that it waits for its turn."""

    def rule(state: GovernorState) -> tuple[GovernorState, None]:
        if state.run.claim not in ("", ask.claim):  # of a run of the same id that was deleted
            _insist_on_claim(ask, files)
            state = run_rules.empty_rows(state)
        # One that is planned, or has its turn, is not put back.
        queued = is_queued and not (state.has_begun and state.run.phase == "planning")
        run = run_rules.open_run(state.run, ask.at, ask.claim, ask.claimed_at, is_queued=queued)
        return state.model_copy(update={"run": run}), None

    return apply_rule(rows, ask.run_id, ask.attempt, rule)[0]


def _insist_on_claim(ask: BeginAsk, files: RunFiles) -> None:
    """Let nothing begin of a run that was deleted.

    Raises:
        AttemptOverError: Another run has its id.
        RunNotFoundError: Nobody has.
    """
    if files.claim_of(ask.run_id) != ask.claim:
        raise AttemptOverError("the run was deleted")


def _find_turn(ask: BeginAsk, rows: Rows) -> Turn:
    """Tell whether it is the run's turn; until then whoever leaves wakes it."""
    if not ask.max_runs:
        return Turn()
    instance = instance_ids.attempt_instance(ask.run_id, ask.attempt)
    entry = Entry(instance=instance, owner=ask.owner, max_runs=ask.max_runs, at=ask.at)
    return places.enter(rows, entry)


def _keep_plan(
    ask: BeginAsk,
    plan: PlanResult,
    files: RunFiles,
    rows: Rows,
    reading: Reading,
    scouting: Scouting | None,
) -> BeginResult:
    """Write the plan into the row of the run, unless there is one, and grant the first batch."""
    sends_scout = scouting is not None and may_send_scout(ask, plan, files)

    def rule(state: GovernorState) -> tuple[GovernorState, Planned]:
        # There were no rows of the run yet; later on there are none if it was deleted meanwhile.
        is_new = state is reading.known.state and not state.run.claim
        is_mine = is_new or state.run.claim == ask.claim
        if state.is_over or not is_mine or state.run.plan is not None:
            return state, (state.run, None)
        run = run_rules.open_run(state.run, ask.at, ask.claim, ask.claimed_at, is_queued=False)
        run = run_rules.note_plan(run, plan, ask.at)
        state = state.model_copy(update={"run": run})
        if not sends_scout:
            return state, (run, None)
        grant = grants.decide_scout(state, ShardAsk(work=first_work(ask, plan), at=ask.at))
        state = state.with_shard(first_work(ask, plan).key, grant.shard)
        return state.model_copy(update={"pace": grant.pace}), (run, grant.order)

    written, (run, order) = apply_rule(rows, ask.run_id, ask.attempt, rule, reading.known)
    if run.claim != ask.claim:
        raise AttemptOverError("the run was deleted while it was planned")
    if reading.may_be_outdated:
        _insist_on_run(ask, written, files, rows)
    if run.end is not None:
        return BeginResult(end=run.end)
    if scouting is not None and order is not None:
        return Scout(ask, plan, order, files, rows, written).carry_out(scouting)
    kept = run.plan or plan
    return BeginResult(plan=kept, order=_first_order(ask, kept, rows))


def _insist_on_run(ask: BeginAsk, written: AttemptRows, files: RunFiles, rows: Rows) -> None:
    """Take back the first rows of a run that was deleted before they were written.

    Raises:
        AttemptOverError: It was.
    """
    with suppress(RunNotFoundError):
        if files.claim_of(ask.run_id) == ask.claim:
            return
    deletions = [Write(key, etag=etag, mode="delete") for key, etag in written.etags.items()]
    with suppress(RowConflictError):  # a later run of its id has taken them over
        rows.submit(row_keys.attempt_partition(ask.run_id, ask.attempt), deletions)
    raise AttemptOverError("the run was deleted while it was planned")


def _first_order(ask: BeginAsk, plan: PlanResult, rows: Rows) -> ShardOrder | None:
    """The answer to the first question of the only shard of a small run; it need not ask then."""
    if plan.work.shards != 1 or ask.is_resumed:
        return None
    if read_attempt(rows, ask.run_id, ask.attempt).state.run.verdict is not None:
        return None
    order = steer_shard(ShardAsk(work=first_work(ask, plan), at=ask.at), rows)
    # Where it has come further meanwhile, it asks itself, and learns so.
    return order if order.action != "resume" else None
