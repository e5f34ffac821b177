"""Working off the partitions of a shard, one wave of batches after the other.

1. report the wave before, and ask how to go on: whether, when, and how wide (activity `steer`)
2. fan out over the batches of the wave
3. repeat those whose activity failed; if items want another round, wait out the back-off, ask, and
   fan out over their batches again

Where a shard runs is not its concern: a small run works off its only one itself, without a child.
"""

from collections.abc import Generator
from typing import Any

from fanout.governor.grants import MAX_NAP_SECONDS
from fanout.governor.shard_work import (
    begin_round,
    clear_report,
    end_shard,
    end_wave,
    make_ask,
)
from fanout.messages.shards import ShardAsk, ShardEnd, ShardOrder, ShardWork
from fanout.naming import functions
from orchestrators.calling import call_insistently
from orchestrators.calls import Activity
from orchestrators.clock import moment, now, timestamp
from orchestrators.round_calls import carry_out_round
from orchestrators.rounds import add_round
from orchestrators.scout import Scout
from orchestrators.sleep import sleep

# Events a history may reach before it is left behind, counted as below.
EVENT_BUDGET = 500
EVENTS_A_BATCH = 3
EVENTS_A_STEP = 10
FIRST_NAP_SECONDS = 5.0


class ShardError(Exception):
    """Nobody could say how the shard is to go on; the message has the reason."""


def work_off(
    context: Any,
    work: ShardWork,
    order: ShardOrder | None = None,
    scout: Scout | None = None,
    *,
    asks_at_end: bool = True,
) -> Generator[Any, Any, tuple[ShardWork, ShardEnd | None]]:
    """Carry out waves until there are none, or the history has grown.

    Args:
        context: Of the orchestration.
        work: Where the shard is.
        order: The answer to its question, if it has asked already.
        scout: What carries out the first batch by that order already.
        asks_at_end: Whether it reports its last wave; if not, `work` has that for the caller to do.

    Returns:
        Where it is, and what all came to; None of that if it is to go on in a new history.

    Raises:
        ShardError: Nobody could say how to go on.
    """
    events = 0
    while events < EVENT_BUDGET:
        if order is None:
            work, order = yield from _ask(context, work)
        events += EVENTS_A_STEP
        if order.action == "stop" and work.wave is None:
            return work, end_shard(work, order.reason or "done")
        if order.action == "stop":
            work = end_wave(clear_report(work), is_complete=False)
        elif order.action == "wait":
            yield from sleep(context, order.wait_seconds)
            work = clear_report(work)
        else:
            yield from sleep(context, order.wait_seconds)
            work = begin_round(work, order, timestamp(now(context)))
            work, done = yield from carry_out_round(context, work, scout)
            work = add_round(work, done)
            events += EVENTS_A_BATCH * len(done.batches)
        order, scout = scout.next_order if scout is not None else None, None
        if order is not None:
            work = work.model_copy(update={"call": work.call + 1})
        if work.is_done and work.wave is None and not asks_at_end:
            return work, end_shard(work, "done")
    return work, None


def ask_now(context: Any, work: ShardWork, *, is_due: bool = True) -> ShardAsk:
    """What a shard asks at this time."""
    return make_ask(work, timestamp(now(context)), is_due=is_due)


def _ask(context: Any, work: ShardWork) -> Generator[Any, Any, tuple[ShardWork, ShardOrder]]:
    """Ask how to go on; where another execution came further, go on from there."""
    is_due = yield from _back_off(context, work)
    work = work.model_copy(update={"call": work.call + 1})
    order = yield from _call_steer(context, work, is_due=is_due)
    while order.action == "resume" and order.work is not None:
        work = order.work.model_copy(update={"is_resumed": True})
        order = yield from _call_steer(context, work, is_due=True)
    return work, order


def _back_off(context: Any, work: ShardWork) -> Generator[Any, Any, bool]:
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


def _call_steer(context: Any, work: ShardWork, *, is_due: bool) -> Generator[Any, Any, ShardOrder]:
    ask = ask_now(context, work, is_due=is_due)
    result = yield from call_insistently(
        context, Activity(context, functions.STEER, ask, once=True)
    )
    if result.failure is not None:
        raise ShardError(result.failure)
    return ShardOrder.model_validate(result.value)
