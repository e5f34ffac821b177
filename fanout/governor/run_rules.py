"""How an attempt of a run goes on: the rules that change its row `run`.

A rule that is applied a second time changes nothing, for an activity may be carried out twice.
"""

from fanout.governor.counts import count_items
from fanout.governor.run_state import GovernorState, RunState, ShardState
from fanout.governor.run_status import final_status
from fanout.messages.ending import RunFacts, SettleAsk
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd, Verdict
from fanout.messages.shards import ShardCounts
from fanout.models.status import ItemCounts, Phase
from fanout.policies import count_given_up, is_exceeded


def open_run(
    run: RunState, at: str, claim: str, claimed_at: str | None = None, *, is_queued: bool
) -> RunState:
    """Take note that the attempt begins, or that it waits for others.

    The row of another run is left as it is.
    """
    is_mine = run.claim in ("", claim)
    if not is_mine or run.phase not in ("planning", "queued") or run.end is not None:
        return run
    return run.model_copy(
        update={
            "claim": claim,
            "claimed_at": run.claimed_at or claimed_at,
            "started_at": run.started_at or at,
            "updated_at": at,
            "phase": "queued" if is_queued else "planning",
        }
    )


def empty_rows(state: GovernorState) -> GovernorState:
    """Empty rows, in place of those that a deleted run has left."""
    return GovernorState(shards=dict.fromkeys(state.shards, ShardState()))


def note_plan(run: RunState, plan: PlanResult, at: str) -> RunState:
    """Take note of the plan; a second time changes nothing."""
    if run.plan is not None:
        return run
    work = plan.work
    settled = ItemCounts(
        total=work.items,
        succeeded=work.succeeded,
        failed=work.failed,
        compensated=work.compensated,
        compensation_failed=work.compensation_failed,
        pending=work.items - work.succeeded - work.failed - work.undone,
    )
    return run.model_copy(
        update={
            "phase": "processing",
            "plan": plan,
            "settled": settled,
            "work": work,
            "updated_at": at,
        }
    )


def settle(state: GovernorState, ask: SettleAsk) -> GovernorState:
    """Decide, when the shards are through, how the run goes on; once decided, it stays so.

    The counts are those of the orchestrator's own history. If a shard failed, its row stands in.
    """
    if state.run.verdict is not None:
        return state
    counts = ask.counts if ask.failure is None else state.counts("process")
    items = count_items(state.run.settled, counts, ShardCounts())
    tolerance = state.limits.tolerance
    given_up = count_given_up(items, state.on_exceeded)
    has_exceeded = "exceeded" in ask.reasons or is_exceeded(tolerance, given_up, items.total)
    is_cancelled = state.control.is_cancelled
    has_to_undo = has_exceeded and state.on_exceeded == "compensate"
    compensates = not is_cancelled and (has_to_undo or state.run.has_begun_undo)
    verdict = Verdict(
        is_cancelled=is_cancelled,
        tolerance=tolerance,
        compensates=compensates,
        pending=items.pending,
    )
    phase: Phase = "compensating" if compensates else "finalizing"
    update = {"verdict": verdict, "phase": phase, "updated_at": ask.at}
    control = state.control.model_copy(update={"is_closed": True})
    return state.model_copy(update={"run": state.run.model_copy(update=update), "control": control})


def note_compensation_plan(run: RunState, undo: Work) -> RunState:
    """Take note of what there is to undo; a second time changes nothing."""
    return run if run.undo is not None else run.model_copy(update={"undo": undo, "work": undo})


def finish(run: RunState, end: RunEnd, *, is_announced: bool = False) -> RunState:
    """Take note of how the attempt ended; a second time changes nothing.

    Args:
        run: The row.
        end: How it ended.
        is_announced: Whether nobody is to be told of it.
    """
    if run.end is not None:
        return run
    update = {"phase": "done", "end": end, "updated_at": end.at, "is_announced": is_announced}
    return run.model_copy(update=update)


def facts(state: GovernorState) -> RunFacts:
    """What the rows say of an attempt, and its end does not."""
    return RunFacts(
        items=state.items,
        settled=state.run.settled,
        retries=state.retries,
        started_at=state.run.started_at,
        claimed_at=state.run.claimed_at,
        status=final_status(state),
    )
