"""The activity `begin`: lets a run begin when it is its turn, and plans it.

Asked again, because its answer got lost or the orchestration is begun anew, it gives what it gave.
"""

from collections.abc import Callable
from datetime import datetime

from activities.batches.steer import steer_shard
from activities.planning.plan import plan_run
from fanout.adapters.rows import places
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.rows.stragglers import has_all_parts
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.errors import AttemptOverError
from fanout.governor import run_rules
from fanout.governor.admission import Entry, Turn
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.beginning import BeginAsk, BeginResult
from fanout.messages.planning import PlanResult
from fanout.messages.run import RunInput
from fanout.messages.shards import ShardAsk, ShardOrder, ShardWork
from fanout.naming import instance_ids

FIRST_NAP_SECONDS = 1.0
Planner = Callable[[RunInput, RunFiles], PlanResult]


def begin(ask: BeginAsk) -> BeginResult:
    """Let a run begin, and plan it."""
    return admit_and_plan(ask, files_of(ask), rows())


def admit_and_plan(
    ask: BeginAsk, files: RunFiles, rows: Rows, plan: Planner = plan_run
) -> BeginResult:
    """Plan an attempt when it is its turn; until then, say how long to wait.

    Args:
        ask: Which attempt of which run.
        files: Where the run is kept.
        rows: Its rows.
        plan: Cuts its source, and writes down what it planned.

    Raises:
        AttemptOverError: The run was deleted.
    """
    state = _open_rows(ask, files, rows)
    run = state.run
    if run.end is not None:
        return BeginResult(end=run.end, is_announced=run.is_announced)
    if run.plan is not None:
        return BeginResult(plan=run.plan, order=_first_order(ask, run.plan, rows))
    wait = _wait(ask, state, files, rows)
    if wait is not None:
        return wait
    if run.phase == "queued":
        _open_rows(ask, files, rows, has_turn=True)
    planned = plan(ask, files)
    if planned.refusal is not None or planned.scans:
        return BeginResult(plan=planned)
    return _keep_plan(ask, planned, rows)


def _wait(ask: BeginAsk, state: GovernorState, files: RunFiles, rows: Rows) -> BeginResult | None:
    """What to do until it is the run's turn; None if it is."""
    if not _is_earlier_attempt_quiet(ask, files, rows):
        return BeginResult(wait_seconds=FIRST_NAP_SECONDS)
    turn = _find_turn(ask, rows)
    if turn.has_come:
        return None
    if state.control.is_cancelled:
        return BeginResult(is_cancelled=True)
    return BeginResult(wait_seconds=turn.wait_seconds)


def _is_earlier_attempt_quiet(ask: BeginAsk, files: RunFiles, rows: Rows) -> bool:
    """Tell whether the attempt before has nothing under way any more."""
    if ask.attempt == 1:
        return True
    earlier = read_attempt(rows, ask.run_id, ask.attempt - 1).state
    now = datetime.fromisoformat(ask.at)
    return has_all_parts(ask.run_id, ask.attempt - 1, earlier, files, now)


def _open_rows(
    ask: BeginAsk, files: RunFiles, rows: Rows, *, has_turn: bool = False
) -> GovernorState:
    """Take note that the attempt begins, or that it waits for its turn."""
    is_queued = ask.max_runs > 0 and not has_turn

    def rule(state: GovernorState) -> tuple[GovernorState, GovernorState]:
        if state.run.claim not in ("", ask.claim):  # of a run of the same id that was deleted
            _insist_on_claim(ask, files)
            state = run_rules.empty_rows(state)
        # One that is planned, or has its turn, is not put back.
        queued = is_queued and not (state.has_begun and state.run.phase == "planning")
        run = run_rules.open_run(state.run, ask.at, ask.claim, ask.claimed_at, is_queued=queued)
        state = state.model_copy(update={"run": run})
        return state, state

    return change_attempt(rows, ask.run_id, ask.attempt, rule)


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
    return places.enter(rows, Entry(instance=instance, max_runs=ask.max_runs, at=ask.at))


def _keep_plan(ask: BeginAsk, plan: PlanResult, rows: Rows) -> BeginResult:
    """Write the plan into the row of the run, unless there is one."""

    def rule(state: GovernorState) -> tuple[GovernorState, RunState]:
        if state.is_over or state.run.claim != ask.claim:
            return state, state.run
        run = run_rules.note_plan(state.run, plan, ask.at)
        return state.model_copy(update={"run": run}), run

    run = change_attempt(rows, ask.run_id, ask.attempt, rule)
    if run.claim != ask.claim:
        raise AttemptOverError("the run was deleted while it was planned")
    if run.end is not None:
        return BeginResult(end=run.end, is_announced=run.is_announced)
    kept = run.plan or plan
    return BeginResult(plan=kept, order=_first_order(ask, kept, rows))


def _first_order(ask: BeginAsk, plan: PlanResult, rows: Rows) -> ShardOrder | None:
    """The answer to the first question of the only shard of a small run; it need not ask then."""
    if plan.work.shards != 1 or ask.is_resumed:
        return None
    if read_attempt(rows, ask.run_id, ask.attempt).state.run.verdict is not None:
        return None
    first = ShardWork.first(ask, plan, plan.work, 0, "process")
    first = first.model_copy(update={"call": 1})
    order = steer_shard(ShardAsk(work=first, at=ask.at), rows)
    # Where it has come further meanwhile, it asks itself, and learns so.
    return order if order.action != "resume" else None
