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
from fanout.governor.timeline import noted
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
class Leave:
    """An answer to a shard, and the rows as they are then."""

    order: ShardOrder
    shard: ShardState
    pace: PaceState


def decide(
    state: GovernorState,
    asked: ShardAsk,
    *,
    is_probe: bool = False,
    postponed: float | None = None,
) -> Leave:
    """Count what a shard has done, and say how it is to go on.

    Args:
        state: The rows of the attempt.
        asked: By the shard.
        is_probe: Whether only one batch may begin, to find out if the downstream is up again.
        postponed: For how many seconds something else keeps it from beginning, if it does.
    """
    if not asked.is_due:
        postponed = 0.0
    key = asked.work.key
    before = state.shards.get(key, ShardState())
    shard = _observed(before, asked)
    pace = _current(state)
    is_round = asked.work.retrying is not None
    if not is_round:
        pace = _refunded(state, pace, before.held, asked)
        shard = shard.model_copy(update={"held": None})
    go = ShardOrder(action="go", is_probe=is_probe)
    leave = Leave(go, shard, pace)
    if postponed is not None:
        wait = _wait(min(postponed, MAX_NAP_SECONDS))
        leave = Leave(wait, shard, pace)
    leave = _answered(state.with_shard(key, shard), leave, asked)
    return _written_down(state, before, leave, asked)


def _written_down(state: GovernorState, before: ShardState, leave: Leave, asked: ShardAsk) -> Leave:
    """Have the shard's row say what it asked, what it was answered, and what it did until then."""
    work, order = asked.work, leave.order
    update: dict[str, object] = {
        "call": work.call,
        "work": work,
        "order": order,
        "updated_at": asked.at,
    }
    if order.action == "stop":
        update |= {"reason": order.reason, "held": None}
    if state.run.started_at is not None:
        done_before = before.work.partitions_done if before.work else 0
        done = work.partitions_done - done_before if _tells_of_wave(before, asked) else None
        update["timeline"] = noted(
            before.timeline, state.run.started_at, asked, order, partitions=done
        )
    return Leave(order, leave.shard.model_copy(update=update), leave.pace)


def _tells_of_wave(before: ShardState, asked: ShardAsk) -> bool:
    return asked.work.wave is None and asked.work.sequence > before.sequence


def _observed(before: ShardState, asked: ShardAsk) -> ShardState:
    """Take note of a wave's failures, and learn from it how long an item takes."""
    if not _tells_of_wave(before, asked):
        return before
    tally = asked.work.tally
    update: dict[str, object] = {"errors": merge_errors(before.errors, tally.errors)}
    if tally.tried > tally.untimed:
        seen = tally.work_ms / (tally.tried - tally.untimed)
        known = before.item_ms
        update["item_ms"] = seen if known is None else (known + seen) / 2
    # `work` too, so that the counts of all rows have this wave.
    return before.model_copy(update={**update, "work": asked.work})


def _answered(state: GovernorState, leave: Leave, asked: ShardAsk) -> Leave:
    reason = _stop_reason(state, asked)
    if reason is not None:
        return Leave(ShardOrder(action="stop", reason=reason), leave.shard, leave.pace)
    suspended_at = state.control.suspended_at
    if suspended_at is not None:
        return Leave(_wait(_nap(suspended_at, asked.at)), leave.shard, leave.pace)
    if leave.order.action == "wait":
        return leave
    retrying = asked.work.retrying
    if retrying is not None:
        return _paced(state, leave, asked, retrying.items, leave.shard.held)
    return _granted(state, leave, asked)


def _stop_reason(state: GovernorState, asked: ShardAsk) -> StopReason | None:
    if asked.work.is_done:
        return "done"
    if asked.work.stage == "compensate":
        return None
    if state.control.is_cancelled:
        return "cancelled"
    return "exceeded" if state.has_exceeded else None


def _refunded(
    state: GovernorState, pace: PaceState, held: Held | None, asked: ShardAsk
) -> PaceState:
    """Charge the rate what was really tried of what the shard held."""
    rate = state.limits.items_per_second
    if held is None or rate is None or pace.free_at is None:
        return pace
    too_few = (asked.work.tally.tried - held.items) / rate
    return pace.model_copy(update={"free_at": _text(_time(pace.free_at, too_few))})


def _granted(state: GovernorState, leave: Leave, asked: ShardAsk) -> Leave:
    work, is_probe = asked.work, leave.order.is_probe
    left = min(1, work.left) if is_probe else work.left
    width = _width(state, asked)
    if width < 1:
        return Leave(_wait(STARVED_SECONDS), leave.shard, leave.pace)
    # Larger batches are no use while they leave a part of the width idle.
    least = min(_span(state, LEAST_BATCH_MS), left)
    span = max(least, min(_span(state, TARGET_BATCH_MS), ceil(left / width)))
    cuts = min(left, width * span)
    rate = state.limits.items_per_second
    if rate is not None:
        cuts = min(cuts, max(1, int(rate * PACED_WAVE_SECONDS / work.batch_items)))
        span = min(span, cuts)
    items = cuts * work.batch_items
    granted = leave.order.model_copy(update={"cuts": cuts, "span": span})
    held = Held(batches=ceil(cuts / span), items=0)
    shard = leave.shard.model_copy(update={"span": max(span, leave.shard.span)})
    return _paced(state, Leave(granted, shard, leave.pace), asked, items, held)


def _width(state: GovernorState, asked: ShardAsk) -> int:
    """The shard's share of the batches at once, as far as the others have left it free."""
    limit, shards = state.limits.batches, state.shards_of(asked.work)
    going = [key for key, shard in shards.items() if shard.reason is None]
    rank = going.index(asked.work.key) if asked.work.key in going else 0
    count = max(1, len(going))
    share = limit // count + (rank < limit % count)
    others = (shard for key, shard in shards.items() if key != asked.work.key)
    free = limit - sum(shard.held.batches for shard in others if shard.held is not None)
    return min(share, free, MAX_WIDTH)


def _span(state: GovernorState, batch_ms: float) -> int:
    """How many cuts make a batch of so much work."""
    known = [shard.item_ms for shard in state.shards.values() if shard.item_ms is not None]
    work = state.run.work
    if not known or work.max_span == 1:
        return 1
    item_ms = sum(known) / len(known)
    largest = max(shard.span for shard in state.shards.values())
    wanted = batch_ms / max(item_ms * work.batch_items, 1e-6)
    return int(max(1, min(wanted, work.max_span, MAX_GROWTH * largest)))


def _paced(
    state: GovernorState, leave: Leave, asked: ShardAsk, items: float, held: Held | None
) -> Leave:
    """Charge the rate with some items; they begin when those before have had their time."""
    order, pace = leave.order, leave.pace
    rate = state.limits.items_per_second
    if rate is not None:
        now = datetime.fromisoformat(asked.at)
        begins = max(now, _time(pace.free_at)) if pace.free_at is not None else now
        seconds = (begins - now).total_seconds()
        if seconds > MAX_NAP_SECONDS:
            return Leave(_wait(MAX_NAP_SECONDS), leave.shard, pace)
        free_at = _text(begins + timedelta(seconds=items / rate))
        pace = pace.model_copy(update={"free_at": free_at})
        order = order.model_copy(update={"wait_seconds": seconds})
    if held is not None:
        held = held.model_copy(update={"items": held.items + items})
    return Leave(order, leave.shard.model_copy(update={"held": held}), pace)


def _current(state: GovernorState) -> PaceState:
    """The pace; a wait that an earlier rate had set is not served to its end."""
    changes = state.control.changes
    return state.pace if state.pace.changes == changes else PaceState(changes=changes)


def _nap(since: str, now: str) -> float:
    """A second at first, then half as long as it has lasted: soon heard, yet cheap."""
    lasted = (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()
    return min(MAX_NAP_SECONDS, max(1.0, lasted / 2))


def _wait(seconds: float) -> ShardOrder:
    return ShardOrder(action="wait", wait_seconds=seconds)


def _time(text: str, seconds: float = 0.0) -> datetime:
    return datetime.fromisoformat(text) + timedelta(seconds=seconds)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
