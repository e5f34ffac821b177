"""The orchestrator `run`: one attempt of a run, from plan to results.

1. begin (activity): wait for its turn, where the app carries out only so many runs at once, plan
   the source, and open the rows; a run that is over does nothing more
2. work off the shards, as children all at once; a small run has one, and works it off itself
3. settle (activity): decide how it goes on; if it compensates, work off shards once more
4. fan in to the results: for few parts within the activity that settled, else a sub-orchestration
5. finish (activity): say how it ended, make room for the next run, publish it

Begun anew under its own id, because its orchestration failed, it goes through the same steps: each
finds what it had come to before.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import azure.durable_functions as df

from fanout.messages.beginning import Begun
from fanout.messages.ending import EndedRun, SettleAsk, Settled
from fanout.messages.fan_in import FanInWork, Layout
from fanout.messages.payloads import dump, shortened
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd, RunRef
from fanout.messages.shards import (
    ShardAsk,
    ShardCounts,
    ShardEnd,
    ShardOrder,
    ShardWork,
    StopReason,
)
from fanout.naming import functions
from fanout.naming.instance_ids import fan_in_instance, shard_instance
from fanout.naming.row_keys import Stage
from orchestrators.attempts import Attempt, persist, persist_all
from orchestrators.calls import Activity, Child
from orchestrators.clock import timestamp
from orchestrators.planning import begin
from orchestrators.waves import ask_of, work_off

bp = df.Blueprint()
MAX_ERROR_BYTES = 1000

Steps = Generator[Any, Any, Any]
Ending = Generator[Any, Any, RunEnd]


@bp.orchestration_trigger(context_name="context", orchestration=functions.RUN)
def run(context: df.DurableOrchestrationContext) -> Steps:
    """Carry out a run; returns how it ended as a `RunEnd`."""
    ref = RunRef.model_validate(context.get_input())
    begun = yield from begin(context, ref)
    if isinstance(begun, RunRef):
        context.continue_as_new(dump(begun))
        return None
    if isinstance(begun, str):
        end = _failed(begun)
    elif begun.end is not None:
        end = begun.end
        if begun.is_told:
            return dump(end)
    elif begun.is_cancelled:
        end = RunEnd(outcome="cancelled")
    elif begun.plan is None or begun.plan.refusal is not None:
        end = _failed((begun.plan and begun.plan.refusal) or "there is no plan")
    else:
        end = yield from _carry_out(context, ref, begun, begun.plan)
    if end.at is None:
        end = end.model_copy(update={"at": timestamp(context.current_utc_datetime)})
    whose = ref.model_dump(include={"run_id", "attempt", "claim", "trace"})
    ending = EndedRun(**whose, end=end)
    finished = yield from persist(context, Activity(context, functions.FINISH, ending))
    # The row has the last word: the attempt may have been ended by force meanwhile.
    return finished.result["end"] if finished.failure is None else dump(end)


@dataclass(frozen=True)
class _Shards:
    """What the shards of a stage came to.

    Attributes:
        last: What the only shard of a small run did last, if no row knows of it yet.
    """

    counts: ShardCounts = field(default_factory=ShardCounts)
    reasons: tuple[StopReason, ...] = ()
    failure: str | None = None
    last: ShardAsk | None = None


def _carry_out(context: Any, ref: RunRef, begun: Begun, plan: PlanResult) -> Ending:
    shards = yield from _worked_off(context, ref, plan, plan.work, "process", begun.order)
    asked = SettleAsk(
        **ref.model_dump(include=set(RunRef.model_fields)),
        counts=shards.counts,
        reasons=sorted(set(shards.reasons)),
        failure=None if shards.failure is None else shortened(shards.failure, MAX_ERROR_BYTES),
        last=shards.last,
        at=timestamp(context.current_utc_datetime),
    )
    ended = yield from persist(context, Activity(context, functions.SETTLE, asked))
    if ended.failure is not None:
        return _failed(ended.failure)
    settled = Settled.model_validate(ended.result)
    ref = ref.model_copy(update={"verdict": settled.verdict})
    failure = shards.failure
    if settled.verdict.compensates:
        failure = (yield from _compensated(context, ref, plan)) or failure
    end = yield from _fanned_in(context, ref, settled.layout)
    # What the parts say is the last word; a broken shard explains it, and may have lost nothing.
    if failure is not None and end.outcome == "failed":
        return end.model_copy(update={"error": shortened(failure, MAX_ERROR_BYTES)})
    return end


def _compensated(context: Any, ref: RunRef, plan: PlanResult) -> Generator[Any, Any, str | None]:
    """Undo what succeeded, newest first; gives why a part of it could not be."""
    ended = yield from persist(context, Activity(context, functions.PLAN_COMPENSATION, ref))
    if ended.failure is not None:
        return str(ended.failure)
    work = Work.model_validate(ended.result)
    shards = yield from _worked_off(context, ref, plan, work, "compensate")
    return shards.failure


def _worked_off(
    context: Any,
    ref: RunRef,
    plan: PlanResult,
    work: Work,
    stage: Stage,
    order: ShardOrder | None = None,
) -> Generator[Any, Any, _Shards]:
    """Work off all shards of a stage: a single one here, as long as the history is short."""
    firsts = [ShardWork.first(ref, plan, work, n, stage) for n in range(work.shards)]
    # What another execution has left behind is put an end to by the child that takes it up.
    if len(firsts) == 1 and not ref.is_resumed:
        only = firsts[0] if order is None else firsts[0].model_copy(update={"call": 1})
        try:
            only, end = yield from work_off(context, only, order, asks_at_end=stage == "compensate")
        except Exception as failure:  # noqa: BLE001  as a child that breaks, it fails no run
            return _Shards(failure=str(failure) or type(failure).__name__)
        if end is not None:
            last = only.model_copy(update={"call": only.call + 1})
            asked = ask_of(context, last) if stage == "process" else None
            return _Shards(end.counts, (end.reason,), last=asked)
        firsts = [only]
    ended = yield from persist_all(context, [_child(context, first) for first in firsts])
    return _sum_of(ended)


def _child(context: Any, work: ShardWork) -> Child:
    """What works off a shard."""
    instance = shard_instance(work.instance, work.shard, work.stage)
    return Child(context, functions.SHARD, work, instance)


def _sum_of(ended: list[Attempt]) -> _Shards:
    counts, reasons, failure = ShardCounts(), [], None
    for one in ended:
        if one.failure is not None:
            failure = failure or one.failure
            continue
        end = ShardEnd.model_validate(one.result)
        counts = counts.plus(end.counts)
        reasons.append(end.reason)
    return _Shards(counts, tuple(reasons), failure)


def _fanned_in(context: Any, ref: RunRef, layout: Layout | None) -> Ending:
    if layout is None:
        ended = yield from persist(context, Activity(context, functions.LAY_OUT, ref))
        if ended.failure is not None:
            return _failed(ended.failure)
        layout = Layout.model_validate(ended.result)
    if layout.end is not None:
        return layout.end
    work = FanInWork(ref=ref, ranges=layout.ranges, has_partials=layout.has_partials)
    instance = fan_in_instance(context.instance_id)
    ended = yield from persist(context, Child(context, functions.FAN_IN, work, instance))
    if ended.failure is not None:
        return _failed(ended.failure)
    return RunEnd.model_validate(ended.result)


def _failed(reason: str) -> RunEnd:
    return RunEnd(outcome="failed", error=shortened(reason, MAX_ERROR_BYTES))
