"""Working off all shards of a stage: as children all at once, or a single one at once itself."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from fanout.governor.shard_work import batches_of_round, begin_round
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunInput
from fanout.messages.shards import (
    ShardAsk,
    ShardCounts,
    ShardEnd,
    ShardOrder,
    ShardWork,
    StopReason,
)
from fanout.naming import functions
from fanout.naming.instance_ids import shard_instance
from fanout.naming.row_keys import Stage
from orchestrators.calling import call_all_patiently
from orchestrators.calls import Child
from orchestrators.clock import now, timestamp
from orchestrators.rounds import Round, add_round
from orchestrators.scout import Beginning, Scout
from orchestrators.tasks import TaskResult
from orchestrators.waves import ask_now, work_off


@dataclass(frozen=True)
class StageResult:
    """What the shards of a stage came to.

    Attributes:
        reasons: Why they stopped.
        failure: Why one of them failed.
        last: What the only shard of a small run did last, if no row knows of it yet.
    """

    counts: ShardCounts = field(default_factory=ShardCounts)
    reasons: tuple[StopReason, ...] = ()
    failure: str | None = None
    last: ShardAsk | None = None


def work_off_stage(
    context: Any,
    run: RunInput,
    plan: PlanResult,
    work: Work,
    stage: Stage,
    beginning: Beginning | None = None,
) -> Generator[Any, Any, StageResult]:
    """Work off all shards of a stage: a single one here, as long as the history is short.

    Args:
        context: Of the orchestration.
        run: The attempt.
        plan: Its policies.
        work: What the shards share.
        stage: What they do with it.
        beginning: What is known of the first shard.
    """
    shards = [ShardWork.first(run, plan, work, number, stage) for number in range(work.shards)]
    order = beginning.result.order if beginning is not None else None
    scout = beginning.scout if beginning is not None else None
    # What another execution has left behind is put an end to by the child that takes it up.
    if len(shards) == 1 and not run.is_resumed:
        only = shards[0] if order is None else shards[0].model_copy(update={"call": 1})
        try:
            asks_at_end = stage == "compensate"
            only, end = yield from work_off(context, only, order, scout, asks_at_end=asks_at_end)
        except Exception as failure:  # noqa: BLE001  as a child that breaks, it fails no run
            return StageResult(failure=str(failure) or type(failure).__name__)
        if end is not None:
            last = only.model_copy(update={"call": only.call + 1})
            ask = ask_now(context, last) if stage == "process" else None
            return StageResult(end.counts, (end.reason,), last=ask)
        shards = [only]
    elif order is not None and scout is not None:
        shards[0] = _note_scout(context, shards[0], order, scout)
    results = yield from call_all_patiently(context, [_child(context, shard) for shard in shards])
    return _add_up(results)


def _note_scout(context: Any, first: ShardWork, order: ShardOrder, scout: Scout) -> ShardWork:
    """Where the first of many shards is after the batch that its run's beginning carried out."""
    at = timestamp(now(context))
    work = begin_round(first.model_copy(update={"call": 1}), order, at)
    batches = batches_of_round(work)
    return add_round(work, Round(now(context), None, batches, [scout.answer]))


def _child(context: Any, work: ShardWork) -> Child:
    """What works off a shard."""
    instance = shard_instance(work.instance, work.shard, work.stage)
    return Child(context, functions.SHARD, work, instance)


def _add_up(results: list[TaskResult]) -> StageResult:
    counts, reasons, failure = ShardCounts(), [], None
    for result in results:
        if result.failure is not None:
            failure = failure or result.failure
            continue
        end = ShardEnd.model_validate(result.value)
        counts = counts.plus(end.counts)
        reasons.append(end.reason)
    return StageResult(counts, tuple(reasons), failure)
