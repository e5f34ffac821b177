"""The orchestrator `run`: one attempt of a run, from plan to results.

1. tell the governor that it begins, and stop if the run is over: a second start of it does nothing
2. plan the source (activity)
3. tell the governor what there is to do
4. open the shards, all at once, and wait for all of them; if the run is to compensate, once more
5. finalize: fan in to the results (activity)
6. tell the governor how it ended
"""

from collections.abc import Generator
from datetime import datetime
from typing import Any

import azure.durable_functions as df

from fanout import names
from fanout.ids import shard_instance
from fanout.models.wave import (
    GovernorStart,
    PlanResult,
    RunEnd,
    RunOpening,
    RunRef,
    ShardWork,
    Stage,
)
from fanout.payloads import dump, shortened
from orchestrators.attempts import attempt, attempt_all
from orchestrators.retries import infrastructure

bp = df.Blueprint()
MAX_ERROR_BYTES = 1000

Steps = Generator[Any, Any, Any]


@bp.orchestration_trigger(context_name="context", orchestration=names.RUN)
def run(context: df.DurableOrchestrationContext) -> Steps:
    """Carry out a run; returns how it ended as a `RunEnd`."""
    ref = RunRef.model_validate(context.get_input())
    governor = df.EntityId(names.GOVERNOR, context.instance_id)
    opening = RunOpening(at=timestamp(context.current_utc_datetime))
    earlier_end = yield context.call_entity(governor, "open", dump(opening))
    if earlier_end is not None:
        return earlier_end
    end = yield from _carry_out(context, ref, governor)
    end = end.model_copy(update={"at": timestamp(context.current_utc_datetime)})
    yield context.call_entity(governor, "finish", dump(end))
    return dump(end)


def _carry_out(context: Any, ref: RunRef, governor: Any) -> Generator[Any, Any, RunEnd]:
    planned = yield from attempt(
        context.call_activity_with_retry(names.PLAN, infrastructure(), dump(ref))
    )
    if planned.failure is not None:
        return _failed(planned.failure)
    plan = PlanResult.model_validate(planned.result)
    if plan.refusal is not None:
        return _failed(plan.refusal)
    start = _start(plan, context.current_utc_datetime)
    yield context.call_entity(governor, "begin", dump(start))
    ended = yield from attempt_all(context, _shards(context, ref, plan, "process"))
    if plan.on_exceeded == "compensate" and (yield context.call_entity(governor, "settle")):
        ended += yield from attempt_all(context, _shards(context, ref, plan, "compensate"))
    yield context.call_entity(governor, "finalizing")
    finalized = yield from attempt(
        context.call_activity_with_retry(names.FINALIZE, infrastructure(), dump(ref))
    )
    if finalized.failure is not None:
        return _failed(finalized.failure)
    end = RunEnd.model_validate(finalized.result)
    broken = [one.failure for one in ended if one.failure is not None]
    # What the parts say is the last word; a broken shard explains it, and may have lost nothing.
    if broken and end.outcome == "failed":
        return end.model_copy(update={"error": shortened(broken[0], MAX_ERROR_BYTES)})
    return end


def _shards(context: Any, ref: RunRef, plan: PlanResult, stage: Stage) -> list[Any]:
    letter = "s" if stage == "process" else "c"
    return [
        context.call_sub_orchestrator(
            names.SHARD,
            dump(_work(ref, plan, shard, context.instance_id, stage)),
            shard_instance(context.instance_id, shard, letter),
        )
        for shard in range(plan.shards)
    ]


def _failed(reason: str) -> RunEnd:
    return RunEnd(outcome="failed", error=shortened(reason, MAX_ERROR_BYTES))


def _start(plan: PlanResult, now: datetime) -> GovernorStart:
    return GovernorStart(
        items=plan.items,
        partitions=plan.partitions,
        shards=plan.shards,
        width=plan.width,
        tolerance=plan.tolerance,
        on_exceeded=plan.on_exceeded,
        succeeded=plan.succeeded,
        failed=plan.failed,
        at=timestamp(now),
    )


def _work(ref: RunRef, plan: PlanResult, shard: int, instance_id: str, stage: Stage) -> ShardWork:
    return ShardWork(
        run_id=ref.run_id,
        attempt=ref.attempt,
        governor=instance_id,
        shard=shard,
        shards=plan.shards,
        batches=plan.batches,
        partitions=plan.partitions,
        batches_per_partition=plan.batches_per_partition,
        retry=plan.retry,
        width=plan.width,
        partition=shard,
        stage=stage,
    )


def timestamp(moment: datetime) -> str:
    """A time of the orchestration's clock as ISO 8601 in UTC."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
