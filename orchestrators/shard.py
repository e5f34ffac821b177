"""The orchestrator `shard`: every S-th partition of a run, one wave of batches after the other.

1. fan out over the batches of a wave (or, in a later round, over those with items to try again)
2. if items want another round, wait out the back-off and fan out over their batches again
3. report the wave to the governor, which answers whether to go on and how wide
4. continue as new before the history gets long, carrying only the position
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from fanout import names
from fanout.models.status import ErrorGroup
from fanout.models.wave import (
    BatchRef,
    BatchResult,
    Retrying,
    ShardWork,
    WaveOrder,
    WaveReport,
    WaveTally,
)
from fanout.payloads import dump, shortened
from fanout.policies import backoff_seconds
from orchestrators.attempts import Attempt, attempt_all
from orchestrators.retries import infrastructure
from orchestrators.run import timestamp

bp = df.Blueprint()
Steps = Generator[Any, Any, Any]

# Events a history may reach before it is left behind, counted as below.
EVENT_BUDGET = 500
EVENTS_A_BATCH = 3
EVENTS_A_STEP = 8
MAX_KINDS = 5
MAX_REASON_BYTES = 320
LOST_BATCH = "LostBatchError"


@bp.orchestration_trigger(context_name="context", orchestration=names.SHARD)
def shard(context: df.DurableOrchestrationContext) -> Steps:
    """Work off the partitions of one shard; returns how many waves it took."""
    work = ShardWork.model_validate(context.get_input())
    events = 0
    while not work.is_done:
        batches = _batches(work)
        yield from _wait(context, work)
        ended = yield from attempt_all(context, [_call(context, work, b) for b in batches])
        work = _after_round(work, batches, ended)
        if work.retrying is None:
            order = yield from _report(context, work)
            if order.action == "stop":
                break
            work = _next_wave(work, order)
        events += EVENTS_A_STEP + EVENTS_A_BATCH * len(batches)
        if events > EVENT_BUDGET and not work.is_done:
            context.continue_as_new(dump(work))
            return None
    return {"waves": work.sequence}


def _batches(work: ShardWork) -> list[int]:
    if work.retrying is not None:
        return work.retrying.batches
    return list(range(work.batch, work.wave_end))


def _wait(context: Any, work: ShardWork) -> Steps:
    """Wait out the back-off before a retry round."""
    if work.retrying is None:
        return
    seeds = (work.run_id, work.attempt, work.shard, work.partition, work.batch)
    delay = backoff_seconds(work.retry, work.retrying.retry_round, *seeds)
    delay = max(delay, work.retrying.retry_after or 0.0)
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=delay))


def _call(context: Any, work: ShardWork, batch: int) -> Any:
    ref = BatchRef(
        run_id=work.run_id,
        attempt=work.attempt,
        partition=work.partition,
        batch=batch,
        retry_round=work.retrying.retry_round if work.retrying else 0,
    )
    activity = names.PROCESS_BATCH if work.stage == "process" else names.COMPENSATE_BATCH
    return context.call_activity_with_retry(activity, infrastructure(), dump(ref))


def _after_round(work: ShardWork, batches: list[int], ended: list[Attempt]) -> ShardWork:
    """Add up a round, and see which batches want another."""
    results = [_result(one, work.partition, b) for b, one in zip(batches, ended, strict=True)]
    again = [b for b, r in zip(batches, results, strict=True) if r.retryable]
    retrying = None
    if again:
        asked = [r.retry_after for r in results if r.retry_after is not None]
        done = work.retrying.retry_round if work.retrying else 0
        retrying = Retrying(
            batches=again, retry_round=done + 1, retry_after=max(asked, default=None)
        )
    lost = sum(one.failure is not None for one in ended)
    tally = _add(work.tally, results, lost, is_retry=work.retrying is not None)
    return work.model_copy(update={"tally": tally, "retrying": retrying})


def _result(ended: Attempt, partition: int, batch: int) -> BatchResult:
    """Read a result; of a batch lost for good only the reason is known, its items stay pending."""
    if ended.failure is None:
        return BatchResult.model_validate(ended.result)
    reason = ErrorGroup(
        type=LOST_BATCH,
        message=shortened(ended.failure, MAX_REASON_BYTES),
        count=1,
        example_item=f"partition {partition}, batch {batch}",
    )
    return BatchResult(errors=[reason])


def _add(tally: WaveTally, results: list[BatchResult], lost: int, *, is_retry: bool) -> WaveTally:
    tried = sum(r.succeeded + r.failed + r.retryable for r in results)
    return WaveTally(
        succeeded=tally.succeeded + sum(r.succeeded for r in results),
        failed=tally.failed + sum(r.failed for r in results),
        retries=tally.retries + (tried if is_retry else 0),
        lost_batches=tally.lost_batches + lost,
        errors=_most_frequent([*tally.errors, *(e for r in results for e in r.errors)]),
    )


def _most_frequent(groups: list[ErrorGroup]) -> list[ErrorGroup]:
    merged: dict[tuple[str, str], ErrorGroup] = {}
    for group in groups:
        key = (group.type, group.message)
        seen = merged.get(key)
        count = group.count + (seen.count if seen else 0)
        merged[key] = (seen or group).model_copy(update={"count": count})
    return sorted(merged.values(), key=lambda group: -group.count)[:MAX_KINDS]


def _report(context: Any, work: ShardWork) -> Generator[Any, Any, WaveOrder]:
    report = WaveReport(
        # Numbers of their own, for each shard's reports are counted once.
        shard=work.shard if work.stage == "process" else work.shards + work.shard,
        sequence=work.sequence + 1,
        tally=work.tally,
        partitions_done=int(work.wave_end == work.batches_here),
        stage=work.stage,
        at=timestamp(context.current_utc_datetime),
    )
    governor = df.EntityId(names.GOVERNOR, work.governor)
    order = yield context.call_entity(governor, "report", dump(report))
    return WaveOrder.model_validate(order)


def _next_wave(work: ShardWork, order: WaveOrder) -> ShardWork:
    is_through = work.wave_end == work.batches_here
    return work.model_copy(
        update={
            "sequence": work.sequence + 1,
            "width": order.width,
            "tally": WaveTally(),
            "partition": work.partition + work.shards if is_through else work.partition,
            "batch": 0 if is_through else work.wave_end,
        }
    )
