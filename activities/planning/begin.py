"""The activity `begin`: lets a run begin when it is its turn, and plans it.

Asked again, because its answer got lost or the orchestration is begun anew, it gives what it gave.
"""

from collections.abc import Callable
from datetime import datetime

import azure.durable_functions as df
import azure.functions as func

from activities.batches.steer import steer_shard
from activities.planning.plan import plan_run
from fanout.adapters.rows.attempts import change_attempt, read_attempt
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.rows.stragglers import has_all_parts
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.adapters.telemetry.spans import trace_activity
from fanout.errors import AttemptOverError
from fanout.governor import admission, run_rules
from fanout.governor.admission import AdmissionState, Entry
from fanout.governor.grants import MAX_NAP_SECONDS
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.beginning import BeginAsk, Begun
from fanout.messages.payloads import dump
from fanout.messages.planning import PlanResult
from fanout.messages.run import RunRef
from fanout.messages.shards import ShardAsk, ShardOrder, ShardWork
from fanout.messages.tickets import answered
from fanout.naming import functions, instance_ids, row_keys

bp = df.Blueprint()
FIRST_NAP_SECONDS = 1.0
Planner = Callable[[RunRef, RunFiles], PlanResult]


@bp.activity_trigger(input_name="asked", activity=functions.BEGIN)
def begin(asked: dict, context: func.Context) -> dict:
    """Begin a run; shell around `begin_run`."""
    with trace_activity(context, asked):
        found = BeginAsk.model_validate(asked)
        return answered(asked, dump(begin_run(found, files_of(found), rows())))


def begin_run(asked: BeginAsk, files: RunFiles, to: Rows, planned_by: Planner = plan_run) -> Begun:
    """Open the rows of an attempt, wait for its turn, and plan it.

    Args:
        asked: Which attempt of which run.
        files: Where the run is kept.
        to: Its rows.
        planned_by: Cuts its source, and writes down what it planned.

    Raises:
        AttemptOverError: The run was deleted.
    """
    state = _opened(asked, files, to)
    run = state.run
    if run.end is not None:
        return Begun(end=run.end, is_told=run.is_told)
    if run.plan is not None:
        return Begun(plan=run.plan, order=_first_order(asked, run.plan, to))
    waiting = _waiting(asked, state, files, to)
    if waiting is not None:
        return waiting
    if run.phase == "queued":
        _opened(asked, files, to, has_turn=True)
    plan = planned_by(asked, files)
    if plan.refusal is not None or plan.scans:
        return Begun(plan=plan)
    return _planned(asked, plan, to)


def _waiting(asked: BeginAsk, state: GovernorState, files: RunFiles, to: Rows) -> Begun | None:
    """What to do until it is the run's turn; None if it is."""
    if not _is_before_written(asked, files, to):
        return Begun(wait_seconds=FIRST_NAP_SECONDS)
    if _is_admitted(asked, to):
        return None
    if state.control.is_cancelled:
        return Begun(is_cancelled=True)
    return Begun(wait_seconds=_nap(str(state.run.started_at), asked.at))


def _is_before_written(asked: BeginAsk, files: RunFiles, to: Rows) -> bool:
    """Tell whether the attempt before has nothing under way any more."""
    if asked.attempt == 1:
        return True
    before = read_attempt(to, asked.run_id, asked.attempt - 1).state
    now = datetime.fromisoformat(asked.at)
    return has_all_parts(asked.run_id, asked.attempt - 1, before, files, now)


def _opened(asked: BeginAsk, files: RunFiles, to: Rows, *, has_turn: bool = False) -> GovernorState:
    is_queued = asked.max_runs > 0 and not has_turn

    def rule(state: GovernorState) -> tuple[GovernorState, GovernorState]:
        if state.run.claim not in ("", asked.claim):  # of a run of the same id that was deleted
            _insist_on_claim(asked, files)
            state = run_rules.empty_rows(state)
        # One that is planned, or has its turn, is not put back.
        queued = is_queued and not (state.has_begun and state.run.phase == "planning")
        run = run_rules.open_run(state.run, asked.at, asked.claim, is_queued=queued)
        opened = state.model_copy(update={"run": run})
        return opened, opened

    return change_attempt(to, asked.run_id, asked.attempt, rule)


def _insist_on_claim(asked: BeginAsk, files: RunFiles) -> None:
    """Let nothing begin of a run that was deleted.

    Raises:
        AttemptOverError: Another run has its id.
        RunNotFoundError: Nobody has.
    """
    if files.claim_of(asked.run_id) != asked.claim:
        raise AttemptOverError("the run was deleted")


def _is_admitted(asked: BeginAsk, to: Rows) -> bool:
    if not asked.max_runs:
        return True
    instance = instance_ids.attempt_instance(asked.run_id, asked.attempt)
    entry = Entry(instance=instance, max_runs=asked.max_runs, at=asked.at)
    return to.change(
        row_keys.ADMISSION_PARTITION,
        row_keys.ADMISSION_ROW,
        AdmissionState,
        lambda state: admission.enter(state, entry),
    )


def _nap(since: str, now: str) -> float:
    """A second at first, then half as long as it has waited: soon heard, yet cheap."""
    waited = (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()
    return min(MAX_NAP_SECONDS, max(FIRST_NAP_SECONDS, waited / 2))


def _planned(asked: BeginAsk, plan: PlanResult, to: Rows) -> Begun:
    def rule(state: GovernorState) -> tuple[GovernorState, RunState]:
        if state.is_over or state.run.claim != asked.claim:
            return state, state.run
        run = run_rules.note_plan(state.run, plan, asked.at)
        return state.model_copy(update={"run": run}), run

    run = change_attempt(to, asked.run_id, asked.attempt, rule)
    if run.claim != asked.claim:
        raise AttemptOverError("the run was deleted while it was planned")
    if run.end is not None:
        return Begun(end=run.end, is_told=run.is_told)
    kept = run.plan or plan
    return Begun(plan=kept, order=_first_order(asked, kept, to))


def _first_order(asked: BeginAsk, plan: PlanResult, to: Rows) -> ShardOrder | None:
    """What the only shard of a small run is told when it first asks; it need not ask then."""
    if plan.work.shards != 1 or asked.is_resumed:
        return None
    if read_attempt(to, asked.run_id, asked.attempt).state.run.verdict is not None:
        return None
    first = ShardWork.first(asked, plan, plan.work, 0, "process")
    first = first.model_copy(update={"call": 1})
    order = steer_shard(ShardAsk(work=first, at=asked.at), to)
    # Where it has come further meanwhile, it asks itself, and is told so.
    return order if order.action != "resume" else None
