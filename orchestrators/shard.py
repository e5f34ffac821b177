"""The orchestrator `shard`: every S-th partition of a run, one wave of batches after the other.

1. report the wave before to the governor, which answers whether to go on, when, and how wide
2. fan out over the batches of the wave
3. if items want another round, wait out the back-off, ask the governor, and fan out over their
   batches again
4. continue as new before the history gets long, carrying only the position
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from fanout import names
from fanout.leave import MAX_NAP_SECONDS
from fanout.models.wave import (
    BatchRef,
    Retrying,
    ShardWork,
    Wave,
    WaveOrder,
    WaveReport,
    WaveTally,
)
from fanout.payloads import dump
from fanout.policies import backoff_seconds
from orchestrators.attempts import attempt_all
from orchestrators.clock import moment, now, timestamp
from orchestrators.retries import infrastructure
from orchestrators.tallies import added, result_of

bp = df.Blueprint()
Steps = Generator[Any, Any, Any]
Working = Generator[Any, Any, ShardWork]

# Events a history may reach before it is left behind, counted as below.
EVENT_BUDGET = 500
EVENTS_A_BATCH = 3
FIRST_NAP_SECONDS = 5.0
EVENTS_A_STEP = 10


@bp.orchestration_trigger(context_name="context", orchestration=names.SHARD)
def shard(context: df.DurableOrchestrationContext) -> Steps:
    """Work off the partitions of one shard; returns how many waves it took."""
    work = ShardWork.model_validate(context.get_input())
    events = 0
    while events < EVENT_BUDGET:
        is_due = yield from _backed_off(context, work)
        order = yield from _asked(context, work, is_due=is_due)
        events += EVENTS_A_STEP
        if order.action == "stop":
            if work.wave is None:
                return {"waves": work.sequence}
            work = _after_wave(work, is_complete=False)
            continue
        yield from _sleep(context, order.wait_seconds)
        if order.action == "go" and is_due:
            work = work if work.wave is not None else _in_wave(work, order)
            batches = _batches(work)
            work = yield from _fanned_out(context, work, batches)
            events += EVENTS_A_BATCH * len(batches)
    context.continue_as_new(dump(work))
    return None


def _backed_off(context: Any, work: ShardWork) -> Generator[Any, Any, bool]:
    """Wait out the back-off before a retry round; tell whether it is over.

    A long one is waited out in naps, so that whoever cancels or suspends the run is heard.
    """
    if work.retrying is None:
        return True
    until = moment(work.retrying.until)
    left = (until - now(context)).total_seconds()
    waited = (now(context) - moment(work.retrying.since)).total_seconds()
    yield from _sleep(context, min(left, max(FIRST_NAP_SECONDS, waited / 2), MAX_NAP_SECONDS))
    return now(context) >= until


def _sleep(context: Any, seconds: float) -> Steps:
    if seconds > 0:
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))


def _asked(context: Any, work: ShardWork, *, is_due: bool) -> Generator[Any, Any, WaveOrder]:
    """Report the last wave, or tell of the next round, and hear how to go on."""
    report = WaveReport(
        shard=work.key,
        sequence=work.sequence,
        tally=WaveTally() if work.wave else work.tally,
        partitions_done=work.partitions_done,
        is_done=work.is_done,
        left=0 if work.is_done else work.batches_here - work.batch,
        again=work.retrying.items if work.retrying else 0,
        is_due=is_due,
        stage=work.stage,
        at=timestamp(context.current_utc_datetime),
    )
    governor = df.EntityId(names.GOVERNOR, work.governor)
    order = yield context.call_entity(governor, "report", dump(report))
    return WaveOrder.model_validate(order)


def _in_wave(work: ShardWork, order: WaveOrder) -> ShardWork:
    wave = Wave(end=min(work.batch + order.cuts, work.batches_here), span=order.span)
    return work.model_copy(update={"wave": wave, "tally": WaveTally(), "partitions_done": 0})


def _after_wave(work: ShardWork, *, is_complete: bool) -> ShardWork:
    """Move on to the next wave; one that was given up leaves items pending."""
    end = work.wave.end if work.wave else work.batch
    is_through = end == work.batches_here
    return work.model_copy(
        update={
            "sequence": work.sequence + 1,
            "wave": None,
            "retrying": None,
            "partitions_done": int(is_through and is_complete),
            "partition": work.partition + work.shards if is_through else work.partition,
            "batch": 0 if is_through else end,
        }
    )


def _batches(work: ShardWork) -> list[BatchRef]:
    """The batches of the wave, or in a later round those that have items to try again."""
    if work.wave is None:
        return []
    end, span = work.wave.end, work.wave.span
    firsts = work.retrying.batches if work.retrying else range(work.batch, end, span)
    return [
        BatchRef(
            run_id=work.run_id,
            attempt=work.attempt,
            claim=work.claim,
            partition=work.partition,
            batch=first,
            span=min(span, end - first),
            retry_round=work.retrying.retry_round if work.retrying else 0,
        )
        for first in firsts
    ]


def _fanned_out(context: Any, work: ShardWork, batches: list[BatchRef]) -> Working:
    """Carry out a round, and see which batches want another."""
    activity = names.PROCESS_BATCH if work.stage == "process" else names.COMPENSATE_BATCH
    calls = [
        context.call_activity_with_retry(activity, infrastructure(), dump(batch))
        for batch in batches
    ]
    ended = yield from attempt_all(context, calls)
    results = [result_of(one, batch) for one, batch in zip(ended, batches, strict=True)]
    lost = sum(one.failure is not None for one in ended)
    tally = added(work.tally, results, lost, is_retry=work.retrying is not None)
    again = [b.batch for b, r in zip(batches, results, strict=True) if r.retryable]
    if not again:
        return _after_wave(work.model_copy(update={"tally": tally}), is_complete=lost == 0)
    retrying = Retrying(
        batches=again,
        items=sum(result.retryable for result in results),
        retry_round=(work.retrying.retry_round if work.retrying else 0) + 1,
        since=timestamp(context.current_utc_datetime),
        until="",
    )
    asked = max((r.retry_after for r in results if r.retry_after is not None), default=0.0)
    return work.model_copy(
        update={"tally": tally, "retrying": _until(context, work, retrying, asked)}
    )


def _until(context: Any, work: ShardWork, retrying: Retrying, asked: float) -> Retrying:
    """Say when the round may begin: after the back-off, or as long as the other side asked for."""
    seeds = (work.run_id, work.attempt, work.shard, work.partition, work.batch)
    delay = max(backoff_seconds(work.retry, retrying.retry_round, *seeds), asked)
    until = context.current_utc_datetime + timedelta(seconds=delay)
    return retrying.model_copy(update={"until": timestamp(until)})
