"""Working off the partitions of a shard, one wave of batches after the other.

1. report the wave before, and ask how to go on: whether, when, and how wide (activity `steer`)
2. fan out over the batches of the wave
3. repeat those whose activity failed; if items want another round, wait out the back-off, ask, and
   fan out over their batches again

Where a shard runs is not its concern: a small run works off its only one itself, without a child.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from fanout.governor.grants import MAX_NAP_SECONDS
from fanout.messages.batches import BatchRef, BatchResult, WaveTally
from fanout.messages.shards import (
    Retrying,
    ShardAsk,
    ShardEnd,
    ShardOrder,
    ShardWork,
    StopReason,
    Wave,
)
from fanout.naming import functions
from fanout.naming.instance_ids import saga_batch_instance
from fanout.policies import backoff_seconds
from orchestrators.attempts import PATIENCE, Attempt, attempt_all, insist, sleep
from orchestrators.calls import Activity, Call, Child
from orchestrators.clock import moment, now, timestamp
from orchestrators.tallies import added, result_of

Steps = Generator[Any, Any, Any]
Working = Generator[Any, Any, ShardWork]

# Events a history may reach before it is left behind, counted as below.
EVENT_BUDGET = 500
EVENTS_A_BATCH = 3
EVENTS_A_STEP = 10
FIRST_NAP_SECONDS = 5.0
# How often an activity is tried in a row when infrastructure, not an item, fails: here, and not by
# the SDK's retry options, whose events would multiply those of a wide wave.
MAX_BREAKDOWNS = 5
FIRST_REPAIR_SECONDS = 2.0
MAX_REPAIR_SECONDS = 30.0


class ShardError(Exception):
    """Nobody could say how the shard is to go on; the message has the reason."""


def work_off(
    context: Any, work: ShardWork, order: ShardOrder | None = None, *, asks_at_end: bool = True
) -> Generator[Any, Any, tuple[ShardWork, ShardEnd | None]]:
    """Carry out waves until there are none, or the history has grown.

    Args:
        context: Of the orchestration.
        work: Where the shard is.
        order: The answer to its question, if it has asked already.
        asks_at_end: Whether it reports its last wave; if not, `work` has that for the caller to do.

    Returns:
        Where it is, and what all came to; None of that if it is to go on in a new history.

    Raises:
        ShardError: Nobody could say how to go on.
    """
    events = 0
    while events < EVENT_BUDGET:
        if order is None:
            work, order = yield from _answered(context, work)
        events += EVENTS_A_STEP
        if order.action == "stop" and work.wave is None:
            return work, _end(work, order.reason or "done")
        if order.action == "stop":
            work = _after_wave(_told(work), is_complete=False)
        elif order.action == "wait":
            yield from sleep(context, order.wait_seconds)
            work = _told(work)
        else:
            yield from sleep(context, order.wait_seconds)
            work = _begun(context, work, order)
            batches = _batches(work)
            work = yield from _fanned_out(context, work, batches)
            events += EVENTS_A_BATCH * len(batches)
        order = None
        if work.is_done and work.wave is None and not asks_at_end:
            return work, _end(work, "done")
    return work, None


def _answered(context: Any, work: ShardWork) -> Generator[Any, Any, tuple[ShardWork, ShardOrder]]:
    """Ask how to go on; where another execution came further, go on from there."""
    is_due = yield from _backed_off(context, work)
    work = work.model_copy(update={"call": work.call + 1})
    order = yield from _asked(context, work, is_due=is_due)
    while order.action == "resume" and order.work is not None:
        work = order.work.model_copy(update={"is_resumed": True})
        order = yield from _asked(context, work, is_due=True)
    return work, order


def _end(work: ShardWork, reason: StopReason) -> ShardEnd:
    return ShardEnd(counts=work.counts, waves=work.sequence, reason=reason)


def ask_of(context: Any, work: ShardWork, *, is_due: bool = True) -> ShardAsk:
    """What a shard asks; why items failed is told when the wave is finished, all in one."""
    told = work
    if work.wave is not None:
        told = work.model_copy(update={"tally": work.tally.model_copy(update={"errors": []})})
    at = timestamp(context.current_utc_datetime)
    return ShardAsk(work=told, at=at, is_due=is_due)


def _asked(context: Any, work: ShardWork, *, is_due: bool) -> Generator[Any, Any, ShardOrder]:
    message = ask_of(context, work, is_due=is_due)
    ended = yield from insist(context, Activity(context, functions.STEER, message, once=True))
    if ended.failure is not None:
        raise ShardError(ended.failure)
    return ShardOrder.model_validate(ended.result)


def _backed_off(context: Any, work: ShardWork) -> Generator[Any, Any, bool]:
    """Wait out the back-off before a retry round; tell whether it is over.

    A long one is waited out in naps, so that whoever cancels or suspends the run is heard.
    """
    if work.retrying is None:
        return True
    until = moment(work.retrying.until)
    left = (until - now(context)).total_seconds()
    waited = (now(context) - moment(work.retrying.since)).total_seconds()
    yield from sleep(context, min(left, max(FIRST_NAP_SECONDS, waited / 2), MAX_NAP_SECONDS))
    return now(context) >= until


def _told(work: ShardWork) -> ShardWork:
    """The work once there is an answer, which knows what the downstream did in the last round."""
    told = {"is_probe": False, "has_tripped": False, "has_answered": False, "is_resumed": False}
    return work.model_copy(update=told)


def _begun(context: Any, work: ShardWork, order: ShardOrder) -> ShardWork:
    """The work when a wave or round of it begins."""
    is_resumed = work.is_resumed or order.is_repeated
    update: dict[str, object] = {
        "is_probe": order.is_probe,
        "is_resumed": is_resumed,
        "began_at": timestamp(context.current_utc_datetime),
    }
    if work.wave is None:
        end = min(work.batch + order.cuts, work.batches_here)
        update |= {"wave": Wave(end=end, span=order.span), "tally": WaveTally()}
    return _told(work).model_copy(update=update)


def _after_wave(work: ShardWork, *, is_complete: bool) -> ShardWork:
    """Move on to the next wave; one that was given up leaves items pending."""
    end = work.wave.end if work.wave else work.batch
    is_through = end == work.batches_here
    return work.model_copy(
        update={
            "sequence": work.sequence + 1,
            "counts": work.counts.plus(work.tally),
            "wave": None,
            "retrying": None,
            "partitions_done": work.partitions_done + int(is_through and is_complete),
            "partition": work.partition + work.shards if is_through else work.partition,
            "batch": 0 if is_through else end,
        }
    )


def _batches(work: ShardWork) -> list[BatchRef]:
    """The batches of the wave; of a later round those that have items to try again.

    Those whose activity failed come first, once more in the round in which it did.
    """
    if work.wave is None:
        return []
    waits, end, span = work.retrying, work.wave.end, work.wave.span
    firsts, retry_round = list(range(work.batch, end, span)), 0
    if waits is not None:
        firsts = waits.broken or waits.batches
        retry_round = waits.retry_round - bool(waits.broken)
    return [
        BatchRef(
            run_id=work.run_id,
            attempt=work.attempt,
            claim=work.claim,
            trace=work.trace,
            partition=work.partition,
            batch=first,
            span=min(span, end - first),
            retry_round=retry_round,
            is_probe=work.is_probe,
            is_repeated=work.is_resumed or bool(waits and waits.broken),
        )
        for first in (firsts[:1] if work.is_probe else firsts)
    ]


def _call(context: Any, work: ShardWork, batch: BatchRef) -> Call:
    if work.stage == "compensate":
        return Activity(context, functions.COMPENSATE_BATCH, batch, once=True)
    if work.is_saga:
        instance = saga_batch_instance(work.instance, batch.name)
        return Child(context, functions.SAGA_BATCH, batch, instance)
    return Activity(context, functions.PROCESS_BATCH, batch, once=True)


def _fanned_out(context: Any, work: ShardWork, batches: list[BatchRef]) -> Working:
    """Carry out a round, and see which batches want another."""
    ended = yield from attempt_all(context, [_call(context, work, batch) for batch in batches])
    broken = [b.batch for b, one in zip(batches, ended, strict=True) if one.failure is not None]
    waits = work.retrying
    is_last_try = bool(broken) and _is_last_try(context, waits, ended)
    results = [
        result_of(one, batch, is_lost=is_last_try)
        for one, batch in zip(ended, batches, strict=True)
    ]
    lost = len(broken) if is_last_try else 0
    work = work.model_copy(
        update={
            "tally": added(work.tally, results, lost),
            "has_tripped": is_down(results),
            "has_answered": any(result.has_answered for result in results),
            "is_resumed": False,
        }
    )
    again, items = _wanted(waits, batches, results)
    still_broken = [] if is_last_try else broken
    # A probe leaves the other batches of its round as they are.
    if waits is not None and waits.broken and len(batches) < len(waits.broken):
        still_broken += waits.broken[len(batches) :]
    if not again and not still_broken:
        return _after_wave(work, is_complete=work.tally.lost_batches == 0)
    known_round = batches[0].retry_round
    retrying = Retrying(
        batches=sorted(again),
        broken=sorted(still_broken),
        items=max(items, len(again), len(still_broken)),
        retry_round=known_round + 1,
        since=timestamp(context.current_utc_datetime),
        until="",
        quiet_until=_quiet_until(context, waits, results),
        breakdowns=_breakdowns(waits, ended) if broken else 0,
        broken_since=_broken_since(context, waits) if broken else None,
    )
    until = now(context) + timedelta(seconds=_delay(context, work, retrying, results))
    return work.model_copy(
        update={"retrying": retrying.model_copy(update={"until": until.isoformat()})}
    )


def _wanted(
    waits: Retrying | None, batches: list[BatchRef], results: list[BatchResult]
) -> tuple[list[int], int]:
    """The batches that want another round, and how many items of theirs."""
    again = [b.batch for b, r in zip(batches, results, strict=True) if r.retryable]
    items = sum(result.retryable for result in results)
    if waits is None:
        return again, items
    if waits.broken:  # a repair: those that waited for the next round still do
        return [*again, *waits.batches], items + waits.items
    if len(batches) < len(waits.batches):  # a probe
        again += waits.batches[len(batches) :]
        items += waits.items - sum(r.tried + r.untried for r in results)
    return again, items


def _is_last_try(context: Any, waits: Retrying | None, ended: list[Attempt]) -> bool:
    """Tell whether batches whose activity failed are given up; one nobody tried is not soon."""
    if all(one.is_unserved for one in ended if one.failure is not None):
        return now(context) - moment(_broken_since(context, waits)) >= PATIENCE
    return _breakdowns(waits, ended) >= MAX_BREAKDOWNS


def _breakdowns(waits: Retrying | None, ended: list[Attempt]) -> int:
    failed = any(one.failure is not None and not one.is_unserved for one in ended)
    return (waits.breakdowns if waits else 0) + failed


def _broken_since(context: Any, waits: Retrying | None) -> str:
    known = waits.broken_since if waits else None
    return known or now(context).isoformat()


def is_down(results: list[BatchResult]) -> bool:
    """Tell whether the downstream kept failing for most of some batches."""
    tripped = sum(result.has_tripped for result in results)
    return tripped > 0 and 2 * tripped >= len(results)


def _quiet_until(context: Any, waits: Retrying | None, results: list[BatchResult]) -> str | None:
    """Until when the other side asked to be left alone, now or before the repairs of this round."""
    asked = max((r.retry_after for r in results if r.retry_after is not None), default=0.0)
    known = waits.quiet_until if waits is not None and waits.broken else None
    if not asked:
        return known
    until = now(context) + timedelta(seconds=asked)
    return until.isoformat() if known is None else max(until, moment(known)).isoformat()


def _delay(context: Any, work: ShardWork, retrying: Retrying, results: list[BatchResult]) -> float:
    """Say how long to wait for a round: the back-off, or as long as the other side asked for.

    With the downstream down there is no back-off: the breaker says when. After an activity failed
    the wait is as long as infrastructure may need to come back.
    """
    quiet = 0.0
    if retrying.quiet_until is not None:
        quiet = max(0.0, (moment(retrying.quiet_until) - now(context)).total_seconds())
    if retrying.broken:
        repair = FIRST_REPAIR_SECONDS * 2.0 ** max(0, retrying.breakdowns - 1)
        return max(quiet, min(MAX_REPAIR_SECONDS, repair))
    if is_down(results):
        return 0.0
    seeds = (work.run_id, work.attempt, work.shard, work.partition, work.batch)
    # To the microsecond: cut short to milliseconds, a wait would be too short, and like others.
    return backoff_seconds(work.retry, retrying.retry_round, *seeds, at_least_seconds=quiet)
