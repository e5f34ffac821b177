"""What a shard may begin, and when: width of waves, size of batches and pace, over all shards.

A shard asks after each wave and before each round. What it is granted is held until it asks again.
It computes its share from the rows of all and changes none but its own and that of the pace, so
shards never wait for each other; shares of the same limit add up to it whatever each has seen of
shards that have finished meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from fanout.governor.run_state import GovernorState, Held, PaceState, ShardState, merge_errors
from fanout.governor.timeline import note_ask
from fanout.messages.shards import ShardAsk, ShardOrder, StopReason

MAX_WIDTH = 100
TARGET_BATCH_MS = 10_000
# A batch of less work is mostly overhead: better few of these than the whole width at work.
LEAST_BATCH_MS = 1_000
MAX_GROWTH = 100
# Nothing waits longer than this before it asks again: cancel, resume and new limits are heard then.
MAX_NAP_SECONDS = 30.0
STARVED_SECONDS = 5.0
# A wave takes no more than so many seconds of the rate, or one batch.
PACED_WAVE_SECONDS = 5


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
    key = ask.work.key
    before = state.shards.get(key, ShardState())
    shard = _observe_wave(before, ask)
    pace = _current_pace(state)
    is_round = ask.work.retrying is not None
    if not is_round:
        pace = _refund_rate(state, pace, before.held, ask)
        shard = shard.model_copy(update={"held": None})
    go = ShardOrder(action="go", is_probe=is_probe)
    grant = Grant(go, shard, pace)
    if postponed is not None:
        wait = _wait_order(min(postponed, MAX_NAP_SECONDS))
        grant = Grant(wait, shard, pace)
    grant = _answer(state.with_shard(key, shard), grant, ask)
    return _record_answer(state, before, grant, ask)


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
    reason = _stop_reason(state, ask)
    if reason is not None:
        return Grant(ShardOrder(action="stop", reason=reason), grant.shard, grant.pace)
    suspended_at = state.control.suspended_at
    if suspended_at is not None:
        return Grant(_wait_order(_nap(suspended_at, ask.at)), grant.shard, grant.pace)
    if grant.order.action == "wait":
        return grant
    retrying = ask.work.retrying
    if retrying is not None:
        return _charge_rate(state, grant, ask, retrying.items, grant.shard.held)
    return _grant_wave(state, grant, ask)


def _stop_reason(state: GovernorState, ask: ShardAsk) -> StopReason | None:
    if ask.work.is_done:
        return "done"
    if ask.work.stage == "compensate":
        return None
    if state.control.is_cancelled:
        return "cancelled"
    return "exceeded" if state.has_exceeded else None


def _refund_rate(
    state: GovernorState, pace: PaceState, held: Held | None, ask: ShardAsk
) -> PaceState:
    """Charge the rate what was really tried of what the shard held."""
    rate = state.limits.items_per_second
    if held is None or rate is None or pace.free_at is None:
        return pace
    too_few = (ask.work.tally.tried - held.items) / rate
    return pace.model_copy(update={"free_at": _text(_time(pace.free_at, too_few))})


def _grant_wave(state: GovernorState, grant: Grant, ask: ShardAsk) -> Grant:
    work, is_probe = ask.work, grant.order.is_probe
    cuts_left = min(1, work.left) if is_probe else work.left
    width = _width(state, ask)
    if width < 1:
        return Grant(_wait_order(STARVED_SECONDS), grant.shard, grant.pace)
    # Larger batches are no use while they leave a part of the width idle.
    min_span = min(_span(state, LEAST_BATCH_MS), cuts_left)
    span = max(min_span, min(_span(state, TARGET_BATCH_MS), ceil(cuts_left / width)))
    cuts = min(cuts_left, width * span)
    rate = state.limits.items_per_second
    if rate is not None:
        cuts = min(cuts, max(1, int(rate * PACED_WAVE_SECONDS / work.batch_items)))
        span = min(span, cuts)
    items = cuts * work.batch_items
    order = grant.order.model_copy(update={"cuts": cuts, "span": span})
    held = Held(batches=ceil(cuts / span), items=0)
    shard = grant.shard.model_copy(update={"span": max(span, grant.shard.span)})
    return _charge_rate(state, Grant(order, shard, grant.pace), ask, items, held)


def _width(state: GovernorState, ask: ShardAsk) -> int:
    """The shard's share of the batches at once, as far as the others have left it free."""
    limit, shards = state.limits.batches, state.shards_of(ask.work)
    going = [key for key, shard in shards.items() if shard.reason is None]
    rank = going.index(ask.work.key) if ask.work.key in going else 0
    count = max(1, len(going))
    share = limit // count + (rank < limit % count)
    others = (shard for key, shard in shards.items() if key != ask.work.key)
    free = limit - sum(shard.held.batches for shard in others if shard.held is not None)
    return min(share, free, MAX_WIDTH)


def _span(state: GovernorState, batch_ms: float) -> int:
    """How many cuts make a batch of so much work."""
    item_times = [shard.item_ms for shard in state.shards.values() if shard.item_ms is not None]
    work = state.run.work
    if not item_times or work.max_span == 1:
        return 1
    item_ms = sum(item_times) / len(item_times)
    largest = max(shard.span for shard in state.shards.values())
    span = batch_ms / max(item_ms * work.batch_items, 1e-6)
    return int(max(1, min(span, work.max_span, MAX_GROWTH * largest)))


def _charge_rate(
    state: GovernorState, grant: Grant, ask: ShardAsk, items: float, held: Held | None
) -> Grant:
    """Charge the rate with some items; they begin when those before have had their time."""
    order, pace = grant.order, grant.pace
    rate = state.limits.items_per_second
    if rate is not None:
        now = datetime.fromisoformat(ask.at)
        begins = max(now, _time(pace.free_at)) if pace.free_at is not None else now
        seconds = (begins - now).total_seconds()
        if seconds > MAX_NAP_SECONDS:
            return Grant(_wait_order(MAX_NAP_SECONDS), grant.shard, pace)
        free_at = _text(begins + timedelta(seconds=items / rate))
        pace = pace.model_copy(update={"free_at": free_at})
        order = order.model_copy(update={"wait_seconds": seconds})
    if held is not None:
        held = held.model_copy(update={"items": held.items + items})
    return Grant(order, grant.shard.model_copy(update={"held": held}), pace)


def _current_pace(state: GovernorState) -> PaceState:
    """The pace; a wait that an earlier rate had set is not served to its end."""
    changes = state.control.changes
    return state.pace if state.pace.changes == changes else PaceState(changes=changes)


def _nap(since: str, now: str) -> float:
    """A second at first, then half as long as it has lasted: soon heard, yet cheap."""
    lasted = (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()
    return min(MAX_NAP_SECONDS, max(1.0, lasted / 2))


def _wait_order(seconds: float) -> ShardOrder:
    return ShardOrder(action="wait", wait_seconds=seconds)


def _time(text: str, seconds: float = 0.0) -> datetime:
    return datetime.fromisoformat(text) + timedelta(seconds=seconds)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
