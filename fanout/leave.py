"""What a shard may begin, and when: width of waves, size of batches and pace, over all shards.

A shard asks after each wave and before each retry round. What it is granted is held until it asks
again, so that all shards together never have more in flight than the run may.
"""

from datetime import datetime, timedelta
from math import ceil

from fanout.governor import GovernorState, Held, count
from fanout.models.wave import WaveOrder, WaveReport
from fanout.timeline import noted

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
_STOP = WaveOrder(action="stop")


def report(state: GovernorState, wave: WaveReport) -> tuple[GovernorState, WaveOrder]:
    """Count what a shard has done, once, and answer how it is to go on."""
    is_new = not wave.again and wave.sequence > state.sequences.get(wave.shard, 0)
    decided, order = _decided(state, wave)
    if state.started_at is None:
        return decided, order
    timeline = noted(state.timeline, state.started_at, wave, order, is_new=is_new)
    return decided.model_copy(update={"timeline": timeline}), order


def _decided(state: GovernorState, wave: WaveReport) -> tuple[GovernorState, WaveOrder]:
    is_round = wave.again > 0
    if not is_round:
        state = _released(_observed(state, wave), wave)
    if wave.is_done or _must_stop(state, wave):
        return _without(state, wave), _STOP
    if state.suspended_at is not None:
        return state, _wait(_nap(state.suspended_at, wave.at))
    if not wave.may_begin:
        return state, WaveOrder(action="go")
    if is_round:
        return _paced(state, wave, WaveOrder(action="go"), wave.again)
    return _granted(state, wave)


def _must_stop(state: GovernorState, wave: WaveReport) -> bool:
    return wave.stage == "process" and (state.is_stopping or state.is_cancelled)


def _observed(state: GovernorState, wave: WaveReport) -> GovernorState:
    """Count a wave, and learn from it how long an item takes."""
    if wave.sequence <= state.sequences.get(wave.shard, 0):
        return state
    state = count(state, wave)
    tally = wave.tally
    if not tally.tried:
        return state
    seen = tally.work_ms / tally.tried
    return state.model_copy(
        update={"item_ms": seen if state.item_ms is None else (state.item_ms + seen) / 2}
    )


def _released(state: GovernorState, wave: WaveReport) -> GovernorState:
    """Take back what the shard held; the rate is charged what was really tried."""
    held = state.held.get(wave.shard)
    if held is None:
        return state
    update: dict[str, object] = {"held": {k: v for k, v in state.held.items() if k != wave.shard}}
    rate = state.limits.items_per_second
    if rate is not None and state.free_at is not None:
        too_few = (wave.tally.tried - held.items) / rate
        update["free_at"] = _text(_time(state.free_at) + timedelta(seconds=too_few))
    return state.model_copy(update=update)


def _without(state: GovernorState, wave: WaveReport) -> GovernorState:
    held = {k: v for k, v in state.held.items() if k != wave.shard}
    done = state.done if wave.shard in state.done else [*state.done, wave.shard]
    return state.model_copy(update={"held": held, "done": done})


def _granted(state: GovernorState, wave: WaveReport) -> tuple[GovernorState, WaveOrder]:
    width = _width(state, wave.shard)
    if width < 1:
        return state, _wait(STARVED_SECONDS)
    # Larger batches are no use while they leave a part of the width idle.
    least = min(_span(state, LEAST_BATCH_MS), wave.left)
    span = max(least, min(_span(state, TARGET_BATCH_MS), ceil(wave.left / width)))
    cuts = min(wave.left, width * span)
    rate = state.limits.items_per_second
    if rate is not None:
        cuts = min(cuts, max(1, int(rate * PACED_WAVE_SECONDS / state.work.batch_items)))
        span = min(span, cuts)
    items = cuts * state.work.batch_items
    order = WaveOrder(action="go", cuts=cuts, span=span)
    state, order = _paced(state, wave, order, items)
    if order.action == "wait":
        return state, order
    held = {**state.held, wave.shard: Held(batches=ceil(cuts / span), items=items)}
    return state.model_copy(update={"held": held, "span": max(span, state.span)}), order


def _width(state: GovernorState, shard: str) -> int:
    """The shard's share of the batches at once, as far as the others have left it free."""
    limit, number = state.limits.batches, int(shard[1:])
    unfinished = max(1, state.work.shards - len(state.done))
    rank = number - sum(int(other[1:]) < number for other in state.done)
    share = limit // unfinished + (rank < limit % unfinished)
    free = limit - sum(held.batches for held in state.held.values())
    return min(share, free, MAX_WIDTH)


def _span(state: GovernorState, batch_ms: float) -> int:
    """How many cuts make a batch of so much work."""
    if state.item_ms is None or state.work.max_span == 1:
        return 1
    wanted = batch_ms / max(state.item_ms * state.work.batch_items, 1e-6)
    return int(max(1, min(wanted, state.work.max_span, MAX_GROWTH * state.span)))


def _paced(
    state: GovernorState, wave: WaveReport, order: WaveOrder, items: float
) -> tuple[GovernorState, WaveOrder]:
    """Charge the rate with some items; they begin when those before have had their time."""
    rate = state.limits.items_per_second
    if rate is None:
        return state, order
    now = _time(wave.at)
    begins = max(now, _time(state.free_at)) if state.free_at is not None else now
    seconds = (begins - now).total_seconds()
    if seconds > MAX_NAP_SECONDS:
        return state, _wait(MAX_NAP_SECONDS)
    update: dict[str, object] = {"free_at": _text(begins + timedelta(seconds=items / rate))}
    held = state.held.get(wave.shard)
    if held is not None:
        more = held.model_copy(update={"items": held.items + items})
        update["held"] = {**state.held, wave.shard: more}
    return state.model_copy(update=update), order.model_copy(update={"wait_seconds": seconds})


def _nap(since: str, now: str) -> float:
    """A second at first, then half as long as it has lasted: soon heard, yet cheap."""
    lasted = (_time(now) - _time(since)).total_seconds()
    return min(MAX_NAP_SECONDS, max(1.0, lasted / 2))


def _wait(seconds: float) -> WaveOrder:
    return WaveOrder(action="wait", wait_seconds=seconds)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
