"""The orchestrator `run`: one attempt of a run, from plan to results.

1. tell the governor that it begins, and stop if the run is over: a second start of it does nothing
2. wait for its turn, where the app carries out only so many runs at once
3. plan the source (activities) and tell the governor what there is to do
4. open the shards, all at once, and wait for all of them; if the run is to compensate, once more
5. fan in to the results (sub-orchestration)
6. tell the governor how it ended, and make room for the next run
7. publish it (activity); the run has ended as it has, whether or not that succeeds
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from fanout import names
from fanout.admission import KEY, Entry
from fanout.ids import Stage, fan_in_instance, shard_instance
from fanout.leave import MAX_NAP_SECONDS
from fanout.models.ending import EndedRun, RunFacts
from fanout.models.fan_in import FanInWork
from fanout.models.wave import (
    GovernorStart,
    PlanResult,
    RunEnd,
    RunOpening,
    RunRef,
    ShardWork,
    Verdict,
    Work,
)
from fanout.payloads import dump, shortened
from orchestrators.attempts import Attempt, attempt, attempt_all
from orchestrators.clock import timestamp
from orchestrators.planning import planned
from orchestrators.retries import infrastructure

bp = df.Blueprint()
MAX_ERROR_BYTES = 1000
FIRST_NAP_SECONDS = 1.0
NAPS_A_HISTORY = 50

Steps = Generator[Any, Any, Any]
Ending = Generator[Any, Any, RunEnd]


@bp.orchestration_trigger(context_name="context", orchestration=names.RUN)
def run(context: df.DurableOrchestrationContext) -> Steps:
    """Carry out a run; returns how it ended as a `RunEnd`."""
    ref = RunRef.model_validate(context.get_input())
    governor = df.EntityId(names.GOVERNOR, context.instance_id)
    earlier_end = yield context.call_entity(governor, "open", dump(_opening(context, ref)))
    if earlier_end is not None:
        return earlier_end
    turn = yield from _turn(context, ref, governor)
    if turn == "later":
        context.continue_as_new(dump(ref))
        return None
    if turn == "never":
        end = RunEnd(outcome="cancelled")
    else:
        end = yield from _carry_out(context, ref, governor)
    end = end.model_copy(update={"at": timestamp(context.current_utc_datetime)})
    facts = RunFacts.model_validate((yield context.call_entity(governor, "finish", dump(end))))
    if ref.max_runs:
        yield context.call_entity(_admission(), "leave", context.instance_id)
    whose = ref.model_dump(include={"run_id", "attempt", "claim", "trace"})
    ending = EndedRun(**whose, end=end, facts=facts)
    yield from attempt(
        context.call_activity_with_retry(names.PUBLISH, infrastructure(), dump(ending))
    )
    return dump(end)


def _opening(context: Any, ref: RunRef) -> RunOpening:
    at = timestamp(context.current_utc_datetime)
    return RunOpening(at=at, is_queued=ref.max_runs > 0)


def _admission() -> df.EntityId:
    return df.EntityId(names.ADMISSION, KEY)


def _turn(context: Any, ref: RunRef, governor: Any) -> Generator[Any, Any, str]:
    """Wait for the run's turn: ``now``, ``never`` if it is cancelled, or ``later``.

    Later means that the history has grown, and the wait goes on in a new one.
    """
    if not ref.max_runs:
        return "now"
    nap = FIRST_NAP_SECONDS
    for _ in range(NAPS_A_HISTORY):
        at = timestamp(context.current_utc_datetime)
        entry = Entry(instance=context.instance_id, max_runs=ref.max_runs, at=at)
        if (yield context.call_entity(_admission(), "enter", dump(entry))):
            yield context.call_entity(governor, "open", dump(RunOpening(at=at)))
            return "now"
        if (yield context.call_entity(governor, "is_cancelled")):
            return "never"
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=nap))
        nap = min(2 * nap, MAX_NAP_SECONDS)
    return "later"


def _carry_out(context: Any, ref: RunRef, governor: Any) -> Ending:
    found = yield from planned(context, ref)
    if isinstance(found, str):
        return _failed(found)
    yield from _begin(context, governor, found, found.work, "process")
    ended = yield from attempt_all(context, _shards(context, ref, found, found.work, "process"))
    if found.on_exceeded == "compensate" and (yield context.call_entity(governor, "settle")):
        undone = yield from _compensated(context, ref, found, governor)
        ended += undone
    verdict = Verdict.model_validate((yield context.call_entity(governor, "finalizing")))
    ref = ref.model_copy(update={"verdict": verdict})
    finalized = yield from attempt(
        context.call_sub_orchestrator(
            names.FAN_IN, dump(FanInWork(ref=ref)), fan_in_instance(context.instance_id)
        )
    )
    if finalized.failure is not None:
        return _failed(finalized.failure)
    end = RunEnd.model_validate(finalized.result)
    broken = [one.failure for one in ended if one.failure is not None]
    # What the parts say is the last word; a broken shard explains it, and may have lost nothing.
    if broken and end.outcome == "failed":
        return end.model_copy(update={"error": shortened(broken[0], MAX_ERROR_BYTES)})
    return end


def _compensated(
    context: Any, ref: RunRef, plan: PlanResult, governor: Any
) -> Generator[Any, Any, list[Attempt]]:
    """Undo what succeeded, newest first; gives what the shards came to."""
    found = yield from attempt(
        context.call_activity_with_retry(names.PLAN_COMPENSATION, infrastructure(), dump(ref))
    )
    if found.failure is not None:
        return [found]
    work = Work.model_validate(found.result)
    yield from _begin(context, governor, plan, work, "compensate")
    ended: list[Attempt] = yield from attempt_all(
        context, _shards(context, ref, plan, work, "compensate")
    )
    return ended


def _begin(context: Any, governor: Any, plan: PlanResult, work: Work, stage: Stage) -> Steps:
    start = GovernorStart(
        work=work,
        limits=plan.limits,
        on_exceeded=plan.on_exceeded,
        stage=stage,
        at=timestamp(context.current_utc_datetime),
    )
    yield context.call_entity(governor, "begin", dump(start))


def _shards(context: Any, ref: RunRef, plan: PlanResult, work: Work, stage: Stage) -> list[Any]:
    letter = "s" if stage == "process" else "c"
    return [
        context.call_sub_orchestrator(
            names.SHARD,
            dump(
                ShardWork(
                    run_id=ref.run_id,
                    attempt=ref.attempt,
                    claim=ref.claim,
                    trace=ref.trace,
                    governor=context.instance_id,
                    shard=shard,
                    shards=work.shards,
                    batches=work.batches,
                    partitions=work.partitions,
                    batches_per_partition=work.batches_per_partition,
                    retry=plan.retry,
                    partition=shard,
                    stage=stage,
                    downstream=plan.downstream if stage == "process" else None,
                    downstream_rate=plan.downstream_rate if stage == "process" else None,
                    batch_items=work.batch_items,
                    is_saga=plan.is_saga,
                )
            ),
            shard_instance(context.instance_id, shard, letter),
        )
        for shard in range(work.shards)
    ]


def _failed(reason: str) -> RunEnd:
    return RunEnd(outcome="failed", error=shortened(reason, MAX_ERROR_BYTES))
