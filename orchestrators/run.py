"""The orchestrator `run`: one attempt of a run, from plan to results.

1. begin (activity): wait for its turn, where the app carries out only so many runs at once, plan
   the source, and open the rows; a run that is over does nothing more
2. work off the shards, as children all at once; a small run has one, and works it off itself
3. settle (activity): decide how it goes on; if it compensates, work off shards once more
4. fan in to the results: for few parts within the activity that settled, else a sub-orchestration
5. finish (activity): say how it ended, make room for the next run, announce it; for few parts that
   has been done by the activity that settled, too

Begun anew under its own id, because its orchestration failed, it goes through the same steps: each
finds what it had come to before.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from fanout.durable.app import Blueprint, orchestrator
from fanout.durable.orchestration import continue_as_new
from fanout.messages.ending import FinishAsk, SettleAsk, SettleResult
from fanout.messages.fan_in import FanInWork, Layout, LayOutAsk
from fanout.messages.payloads import MAX_ERROR_BYTES, dump, shorten
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd, RunInput, RunRef
from fanout.naming import functions
from fanout.naming.instance_ids import fan_in_instance
from orchestrators.accounts import open_account, usage_of
from orchestrators.calling import call_insistently, call_patiently
from orchestrators.calls import Activity, Child
from orchestrators.clock import now, timestamp
from orchestrators.planning import Refusal, await_plan
from orchestrators.scout import Beginning
from orchestrators.stage import work_off_stage

bp = Blueprint()

Steps = Generator[Any, Any, Any]
Ending = Generator[Any, Any, "Ended"]


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        is_finished: Whether that has been written down and announced.
    """

    end: RunEnd
    is_finished: bool = False


@orchestrator(bp, functions.RUN)
def run(context: Any, given: Any) -> Steps:
    """Carry out a run; returns how it ended as a `RunEnd`."""
    run = RunInput.model_validate(given)
    open_account(context, run.usage)
    beginning = yield from await_plan(context, run)
    if isinstance(beginning, RunInput):
        continue_as_new(context, dump(beginning.model_copy(update={"usage": usage_of(context)})))
        return None
    if isinstance(beginning, Refusal):
        ended = Ended(_failed_end(beginning.reason))
    elif beginning.result.end is not None:
        # Whoever wrote it may have died before it did what follows from it.
        ended = Ended(beginning.result.end)
    else:
        ended = yield from _go_on(context, run, beginning)
    if ended.is_finished:
        return dump(ended.end)
    return (yield from _finish(context, run, ended.end))


def _go_on(context: Any, run: RunInput, beginning: Beginning) -> Ending:
    """Do what there is to do after the beginning."""
    if beginning.result.is_cancelled:
        return Ended(RunEnd(outcome="cancelled"))
    plan = beginning.result.plan
    if plan is None or plan.refusal is not None:
        return Ended(_failed_end((plan and plan.refusal) or "there is no plan"))
    settled = beginning.result.settled
    if settled is not None:
        return (yield from _end(context, run, plan, settled))
    return (yield from _carry_out(context, run, plan, beginning))


def _finish(context: Any, run: RunInput, end: RunEnd) -> Steps:
    """Have the end written down and announced."""
    if end.at is None:
        end = end.model_copy(update={"at": timestamp(now(context))})
    ask = run.message(FinishAsk, end=end, used_before=usage_of(context))
    result = yield from call_patiently(context, Activity(context, functions.FINISH, ask))
    # The row has the last word: the attempt may have been ended by force meanwhile.
    return result.value["end"] if result.failure is None else dump(end)


def _carry_out(context: Any, run: RunInput, plan: PlanResult, beginning: Beginning) -> Ending:
    """Work off the shards, compensate if need be, and fan in."""
    stage = yield from work_off_stage(context, run, plan, plan.work, "process", beginning)
    ask = run.message(
        SettleAsk,
        counts=stage.counts,
        reasons=sorted(set(stage.reasons)),
        failure=None if stage.failure is None else shorten(stage.failure, MAX_ERROR_BYTES),
        last=stage.last,
        used_before=usage_of(context),
        at=timestamp(now(context)),
    )
    result = yield from call_patiently(context, Activity(context, functions.SETTLE, ask))
    if result.failure is not None:
        return Ended(_failed_end(result.failure))
    settled = SettleResult.model_validate(result.value)
    return (yield from _end(context, run, plan, settled, stage.failure))


def _end(
    context: Any,
    run: RunInput,
    plan: PlanResult,
    settled: SettleResult,
    failure: str | None = None,
) -> Ending:
    """Do what is left once it is decided how the run goes on."""
    if settled.end is not None:
        return Ended(settled.end, is_finished=True)
    if settled.verdict.compensates:
        failure = (yield from _compensate(context, run, plan)) or failure
    end = yield from _fan_in(context, run, settled)
    return Ended(end.with_reason(failure))


def _compensate(context: Any, run: RunInput, plan: PlanResult) -> Generator[Any, Any, str | None]:
    """Undo what succeeded, newest first; gives the failure of a part of it."""
    plan_undo = Activity(context, functions.PLAN_COMPENSATION, run.message(RunRef))
    result = yield from call_insistently(context, plan_undo)
    if result.failure is not None:
        return str(result.failure)
    work = Work.model_validate(result.value)
    stage = yield from work_off_stage(context, run, plan, work, "compensate")
    return stage.failure


def _fan_in(context: Any, ref: RunRef, settled: SettleResult) -> Generator[Any, Any, RunEnd]:
    layout = settled.layout
    if layout is None:
        ask = ref.message(LayOutAsk, verdict=settled.verdict, used_before=usage_of(context))
        result = yield from call_patiently(context, Activity(context, functions.LAY_OUT, ask))
        if result.failure is not None:
            return _failed_end(result.failure)
        layout = Layout.model_validate(result.value)
    if layout.end is not None:
        return layout.end
    work = ref.message(
        FanInWork,
        verdict=settled.verdict,
        ranges=layout.ranges,
        has_partials=layout.has_partials,
        used_before=usage_of(context),
    )
    instance = fan_in_instance(context.instance_id)
    result = yield from call_patiently(context, Child(context, functions.FAN_IN, work, instance))
    if result.failure is not None:
        return _failed_end(result.failure)
    return RunEnd.model_validate(result.value)


def _failed_end(reason: str) -> RunEnd:
    return RunEnd(outcome="failed", error=shorten(reason, MAX_ERROR_BYTES))
