"""The orchestrator `shard`: every S-th partition of a run, one wave of batches after the other.

1. report the wave before to the governor, which answers whether to go on, when, and how wide;
   where the items call a downstream, its breaker is asked first, and its rate limiter at last
2. fan out over the batches of the wave
3. if items want another round, wait out the back-off, ask the governor, and fan out over their
   batches again
4. continue as new before the history gets long, carrying only the position
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import azure.durable_functions as df

from fanout import names
from fanout.breaker import CircuitOrder
from fanout.ids import saga_batch_instance
from fanout.leave import MAX_NAP_SECONDS
from fanout.models.wave import (
    BatchRef,
    BatchResult,
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
from orchestrators.circuits import circuit_order, is_down, tell_circuit
from orchestrators.clock import moment, now, timestamp
from orchestrators.pace import booked
from orchestrators.tallies import added, result_of

bp = df.Blueprint()
Steps = Generator[Any, Any, Any]
Working = Generator[Any, Any, ShardWork]

# Events a history may reach before it is left behind, counted as below.
EVENT_BUDGET = 500
EVENTS_A_BATCH = 3
FIRST_NAP_SECONDS = 5.0
# How often an activity is tried in a row when infrastructure, not an item, fails: here, and not by
# the SDK's retry options, whose events would multiply those of a wide wave.
MAX_BREAKDOWNS = 5
FIRST_REPAIR_SECONDS = 2.0
EVENTS_A_STEP = 10


@bp.orchestration_trigger(context_name="context", orchestration=names.SHARD)
def shard(context: df.DurableOrchestrationContext) -> Steps:
    """Work off the partitions of one shard; returns how many waves it took."""
    work = ShardWork.model_validate(context.get_input())
    events = 0
    while events < EVENT_BUDGET:
        leave = yield from _leave(context, work)
        events += EVENTS_A_STEP
        if leave.action == "stop":
            if work.wave is None:
                return {"waves": work.sequence}
            work = _after_wave(work, is_complete=False)
            continue
        yield from _sleep(context, leave.wait_seconds)
        if leave.action == "go":
            work = work if work.wave is not None else _in_wave(work, leave.order)
            work = work.model_copy(update={"began_at": timestamp(context.current_utc_datetime)})
            batches = _batches(work, is_probe=leave.is_probe)
            work = yield from _fanned_out(context, work, batches)
            events += EVENTS_A_BATCH * len(batches)
    context.continue_as_new(dump(work))
    return None


@dataclass(frozen=True)
class _Leave:
    """What the governor and the breaker together allow.

    Attributes:
        is_probe: Whether only one batch may begin, to find out if the downstream is up again.
    """

    order: WaveOrder
    action: Literal["go", "wait", "stop"]
    wait_seconds: float
    is_probe: bool = False


def _leave(context: Any, work: ShardWork) -> Generator[Any, Any, _Leave]:
    """Wait out a back-off, then ask the breaker and the governor what may begin."""
    is_due = yield from _backed_off(context, work)
    circuit = CircuitOrder()
    if is_due and not work.is_done:
        circuit = yield from circuit_order(context, work)
    may_begin = is_due and circuit.action != "wait"
    is_probe = circuit.action == "probe"
    order = yield from _asked(context, work, may_begin=may_begin, is_probe=is_probe)
    if is_probe and order.action != "go":
        yield from tell_circuit(context, work, [])
    if order.action == "go" and not may_begin:
        return _Leave(order, "wait", min(circuit.wait_seconds, MAX_NAP_SECONDS))
    wait_seconds = order.wait_seconds
    if order.action == "go":
        booking = yield from booked(context, work, order, is_probe=is_probe)
        wait_seconds = max(wait_seconds, booking.wait_seconds)
        if not booking.is_booked:
            if is_probe:
                yield from tell_circuit(context, work, [])
            return _Leave(order, "wait", wait_seconds)
    return _Leave(order, order.action, wait_seconds, is_probe)


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


def _asked(
    context: Any, work: ShardWork, *, may_begin: bool, is_probe: bool
) -> Generator[Any, Any, WaveOrder]:
    """Report the last wave, or tell of the next round, and hear how to go on."""
    left = 0 if work.is_done else work.batches_here - work.batch
    report = WaveReport(
        shard=work.key,
        sequence=work.sequence,
        tally=WaveTally() if work.wave else work.tally,
        partitions_done=work.partitions_done,
        is_done=work.is_done,
        left=min(1, left) if is_probe else left,
        again=work.retrying.items if work.retrying else 0,
        may_begin=may_begin,
        stage=work.stage,
        at=timestamp(context.current_utc_datetime),
        began_at=work.began_at,
        idle_since=work.retrying.since if work.retrying else None,
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


def _batches(work: ShardWork, *, is_probe: bool) -> list[BatchRef]:
    """The batches of the wave, or in a later round those that have items to try again."""
    if work.wave is None:
        return []
    end, span = work.wave.end, work.wave.span
    firsts = list(work.retrying.batches if work.retrying else range(work.batch, end, span))
    return [
        BatchRef(
            run_id=work.run_id,
            attempt=work.attempt,
            claim=work.claim,
            trace=work.trace,
            partition=work.partition,
            batch=first,
            span=min(span, end - first),
            retry_round=work.retrying.retry_round if work.retrying else 0,
            is_probe=is_probe,
        )
        for first in (firsts[:1] if is_probe else firsts)
    ]


def _begun(context: Any, work: ShardWork, batch: BatchRef) -> Any:
    if work.stage == "compensate":
        return context.call_activity(names.COMPENSATE_BATCH, dump(batch))
    if work.is_saga:
        instance = saga_batch_instance(work.governor, batch.name)
        return context.call_sub_orchestrator(names.SAGA_BATCH, dump(batch), instance)
    return context.call_activity(names.PROCESS_BATCH, dump(batch))


def _fanned_out(context: Any, work: ShardWork, batches: list[BatchRef]) -> Working:
    """Carry out a round, and see which batches want another."""
    ended = yield from attempt_all(context, [_begun(context, work, batch) for batch in batches])
    breakdowns = (work.retrying.breakdowns if work.retrying else 0) + 1
    is_last_try = breakdowns >= MAX_BREAKDOWNS
    results = [
        result_of(one, batch, is_lost=is_last_try)
        for one, batch in zip(ended, batches, strict=True)
    ]
    yield from tell_circuit(context, work, results)
    broken = [b.batch for b, one in zip(batches, ended, strict=True) if one.failure is not None]
    lost = len(broken) if is_last_try else 0
    work = work.model_copy(update={"tally": added(work.tally, results, lost)})
    again = [b.batch for b, r in zip(batches, results, strict=True) if r.retryable]
    again = sorted(again if is_last_try else [*again, *broken])
    items = sum(result.retryable for result in results)
    # A probe leaves the other batches of its round as they are.
    if work.retrying is not None and len(batches) < len(work.retrying.batches):
        again += work.retrying.batches[len(batches) :]
        items += work.retrying.items - sum(r.tried + r.untried for r in results)
    if not again:
        return _after_wave(work, is_complete=lost == 0)
    retrying = Retrying(
        batches=again,
        items=max(items, len(again)),
        retry_round=(work.retrying.retry_round if work.retrying else 0) + 1,
        since=timestamp(context.current_utc_datetime),
        until="",
        breakdowns=breakdowns if broken else 0,
    )
    until = (now(context) + timedelta(seconds=_delay(work, retrying, results))).isoformat()
    return work.model_copy(update={"retrying": retrying.model_copy(update={"until": until})})


def _delay(work: ShardWork, retrying: Retrying, results: list[BatchResult]) -> float:
    """Say how long to wait for a round: the back-off, or as long as the other side asked for.

    With the downstream down there is no back-off: the breaker says when. After an activity failed
    the wait is as long as infrastructure may need to come back.
    """
    if is_down(results) and not retrying.breakdowns:
        return 0.0
    asked = max((r.retry_after for r in results if r.retry_after is not None), default=0.0)
    if retrying.breakdowns:
        asked = max(asked, FIRST_REPAIR_SECONDS * 2.0 ** (retrying.breakdowns - 1))
    seeds = (work.run_id, work.attempt, work.shard, work.partition, work.batch)
    # To the microsecond: cut short to milliseconds, a wait would be too short, and like others.
    return backoff_seconds(work.retry, retrying.retry_round, *seeds, at_least_seconds=asked)
