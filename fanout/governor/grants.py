"""What a shard may begin, and when: the grants of a run.

A shard asks after each wave and before each round. It holds what it is granted until it asks again.
Its share follows from the rows of all shards, and only its own row and that of the pace change; so
shards never wait for each other. The shares of a limit add up to it, whatever each shard has seen
of others that finished meanwhile.
"""

from dataclasses import dataclass

from fanout.governor import pace
from fanout.governor.counts import merge_errors
from fanout.governor.run_state import GovernorState, Held, PaceState, ShardState
from fanout.governor.timeline import note_ask
from fanout.governor.wave_size import WaveSize, date_box, size_scout, size_wave
from fanout.messages.shards import ShardAsk, ShardOrder, StopReason
from fanout.naming.moments import seconds_between

# Nothing waits longer than this before it asks again: cancel, resume and new limits are heard then.
MAX_NAP_SECONDS = 30.0
STARVED_SECONDS = 5.0


@dataclass(frozen=True)
class Grant:
    """The answer to what a shard asks, and the rows as they are after it."""

    order: ShardOrder
    shard: ShardState
    pace: PaceState


def decide(
    state: GovernorState,
    ask: ShardAsk,
    *,
    is_probe: bool = False,
    postponed: float | None = None,
) -> Grant:
    """Count what a shard has done, and say how it is to go on.

    Args:
        state: The rows of the attempt.
        ask: What the shard has done, and that it asks how to go on.
        is_probe: Whether only one batch may begin, to find out if the downstream is up again.
        postponed: For how many seconds something else keeps it from beginning, if it does.
    """
    if not ask.is_due:
        postponed = 0.0
    before = state.shards.get(ask.work.key, ShardState())
    shard, run_pace = _observe_wave(before, ask), pace.current_pace(state)
    if ask.work.retrying is None:
        run_pace = _correct_charge(state, run_pace, before.held, ask)
        shard = shard.model_copy(update={"held": None})
    order = ShardOrder(action="go", is_probe=is_probe)
    if postponed is not None:
        order = wait_order(min(postponed, MAX_NAP_SECONDS))
    grant = Grant(order, shard, run_pace)
    grant = _answer(state.with_shard(ask.work.key, shard), grant, ask)
    return _record_answer(state, before, grant, ask)


def decide_scout(state: GovernorState, ask: ShardAsk) -> Grant:
    """Grant the first batch of a run, as the answer to the first question of its first shard."""
    before, run_pace = state.shards.get(ask.work.key, ShardState()), pace.current_pace(state)
    grant = Grant(ShardOrder(action="go"), before, run_pace)
    reason = stop_reason(state, ask)
    if reason is not None or state.control.suspended_at is not None:
        return decide(state, ask)
    return _record_answer(state, before, _hold(state, grant, ask, size_scout(state, ask)), ask)


def _record_answer(state: GovernorState, before: ShardState, grant: Grant, ask: ShardAsk) -> Grant:
    """Have the shard's row say what it asked, what it was answered, and what it did until then."""
    work, order = ask.work, grant.order
    update: dict[str, object] = {
        "call": work.call,
        "work": work,
        "order": order,
        "updated_at": ask.at,
    }
    if order.action == "stop":
        update |= {"reason": order.reason, "held": None}
    if state.run.started_at is not None:
        finished_before = before.work.partitions_done if before.work else 0
        finished = work.partitions_done - finished_before if _tells_of_wave(before, ask) else None
        update["timeline"] = note_ask(
            before.timeline, state.run.started_at, ask, order, partitions=finished
        )
    return Grant(order, grant.shard.model_copy(update=update), grant.pace)


def _tells_of_wave(before: ShardState, ask: ShardAsk) -> bool:
    return ask.work.wave is None and ask.work.sequence > before.sequence


def _observe_wave(before: ShardState, ask: ShardAsk) -> ShardState:
    """Take note of a wave's failures, and learn from it how long an item takes."""
    if not _tells_of_wave(before, ask):
        return before
    tally = ask.work.tally
    update: dict[str, object] = {"errors": merge_errors(before.errors, tally.errors)}
    if tally.tried > tally.untimed:
        latest = tally.work_ms / (tally.tried - tally.untimed)
        average = before.item_ms
        update["item_ms"] = latest if average is None else (average + latest) / 2
    # `work` too, so that the counts of all rows have this wave.
    return before.model_copy(update={**update, "work": ask.work})


def _answer(state: GovernorState, grant: Grant, ask: ShardAsk) -> Grant:
    reason = stop_reason(state, ask)
    if reason is not None:
        return Grant(ShardOrder(action="stop", reason=reason), grant.shard, grant.pace)
    suspended_at = state.control.suspended_at
    if suspended_at is not None:
        return Grant(wait_order(_nap(suspended_at, ask.at)), grant.shard, grant.pace)
    if grant.order.action == "wait":
        return grant
    retrying = ask.work.retrying
    if retrying is not None:
        return _charge_rate(state, grant, ask, retrying.items, grant.shard.held)
    return _grant_wave(state, grant, ask)


def stop_reason(state: GovernorState, ask: ShardAsk) -> StopReason | None:
    """Why a shard is to begin nothing more; None if it may."""
    if ask.work.is_done:
        return "done"
    if ask.work.stage == "compensate":
        return None
    if state.control.is_cancelled:
        return "cancelled"
    return "exceeded" if state.has_exceeded else None


def _correct_charge(
    state: GovernorState, run_pace: PaceState, held: Held | None, ask: ShardAsk
) -> PaceState:
    """Charge the rate what was really tried of what the shard held."""
    rate = state.limits.items_per_second
    if held is None or rate is None:
        return run_pace
    return pace.correct_charge(run_pace, ask.work.tally.tried - held.items, rate)


def _grant_wave(state: GovernorState, grant: Grant, ask: ShardAsk) -> Grant:
    wave = size_wave(state, ask, is_probe=grant.order.is_probe)
    if wave is None:
        return Grant(wait_order(STARVED_SECONDS), grant.shard, grant.pace)
    return _hold(state, grant, ask, wave)


def _hold(state: GovernorState, grant: Grant, ask: ShardAsk, wave: WaveSize) -> Grant:
    """Let a wave begin, as the rate has it."""
    update = {"cuts": wave.cuts, "span": wave.span, "box": date_box(wave.box, ask.at)}
    order = grant.order.model_copy(update=update)
    shard = grant.shard.model_copy(update={"span": max(wave.span, grant.shard.span)})
    held = Held(batches=wave.batches, items=0)
    return _charge_rate(state, Grant(order, shard, grant.pace), ask, wave.items, held)


def _charge_rate(
    state: GovernorState, grant: Grant, ask: ShardAsk, items: float, held: Held | None
) -> Grant:
    """Charge the rate with some items; they begin when those before have had their time."""
    order, run_pace = grant.order, grant.pace
    rate = state.limits.items_per_second
    if rate is not None:
        seconds = pace.wait_seconds(run_pace, ask.at)
        if seconds > MAX_NAP_SECONDS:
            return Grant(wait_order(MAX_NAP_SECONDS), grant.shard, run_pace)
        run_pace = pace.charge(run_pace, ask.at, items, rate)
        order = order.model_copy(update={"wait_seconds": seconds})
    if held is not None:
        held = held.model_copy(update={"items": held.items + items})
    return Grant(order, grant.shard.model_copy(update={"held": held}), run_pace)


def _nap(since: str, now: str) -> float:
    """A second at first, then half as long as it has lasted: soon heard, yet cheap."""
    return min(MAX_NAP_SECONDS, max(1.0, seconds_between(since, now) / 2))


def wait_order(seconds: float) -> ShardOrder:
    """Have a shard ask again, so many seconds later."""
    return ShardOrder(action="wait", wait_seconds=seconds)
