"""How large the next wave of a shard may be: how many cuts, and how many of them make a batch."""

from math import ceil
from typing import NamedTuple

from fanout.governor.run_state import GovernorState
from fanout.messages.batches import TimeBox
from fanout.messages.shards import Rest, ShardAsk, ShardWork

MAX_WIDTH = 100
TARGET_BATCH_MS = 10_000
# A batch of less work is mostly overhead: better few of these than the whole width at work.
LEAST_BATCH_MS = 1_000
MAX_GROWTH = 100
# A wave takes no more than so many seconds of the rate, or one batch.
PACED_WAVE_SECONDS = 5


# So long the first batch of a run works before others begin, unless it is done by then.
SCOUT_SECONDS = 0.2
# A quicker batch has no rest that is worth another one.
LEAST_BOX_MS = 500
# What is given back is shared out in batches of so much work at least.
LEAST_REST_MS = 250
# A batch that goes on for so much longer than expected gives back what it has not begun.
MAX_DELAY = 2
# So does one that is at an item for so much longer than usual, and for a second at least.
MAX_ITEM_DELAY = 8
LEAST_STUCK_SECONDS = 1.0


class WaveSize(NamedTuple):
    """A wave.

    Attributes:
        cuts: How many cuts it takes.
        span: How many of them make a batch; the last batch may have fewer.
        items: How many items that is, on average.
        box: The time box of its batches.
    """

    cuts: int
    span: int
    items: float
    box: TimeBox | None = None

    @property
    def batches(self) -> int:
        """How many batches it has."""
        return ceil(self.cuts / self.span)


def size_wave(state: GovernorState, ask: ShardAsk, *, is_probe: bool) -> WaveSize | None:
    """The next wave of a shard; None while the other shards leave it no batch."""
    work = ask.work
    cuts_left = min(1, work.left) if is_probe else work.left
    width = free_width(state, ask)
    if width < 1:
        return None
    # Larger batches are no use while they leave a part of the width idle.
    min_span = min(_span(state, LEAST_BATCH_MS), cuts_left)
    span = max(min_span, min(_span(state, TARGET_BATCH_MS), ceil(cuts_left / width)))
    cuts = min(cuts_left, width * span)
    rate = state.limits.items_per_second
    if rate is not None:
        cuts = min(cuts, max(1, int(rate * PACED_WAVE_SECONDS / work.items_per_cut)))
        span = min(span, cuts)
    item_ms = mean_item_ms(state) or 0.0
    is_quick = item_ms * work.items_per_cut * span < LEAST_BOX_MS
    box = None if is_quick else _box(item_ms, work, span)
    return WaveSize(cuts, span, cuts * work.items_per_cut, box)


def date_box(box: TimeBox | None, at: str) -> TimeBox | None:
    """A time box that is granted now."""
    return None if box is None else box.model_copy(update={"granted_at": at})


def _box(
    item_ms: float, work: ShardWork, span: int, max_delay: float = MAX_DELAY
) -> TimeBox | None:
    """The time box of batches of so many cuts; none where a batch has nothing to give back."""
    if span == 1:
        return None
    batch_ms = item_ms * work.items_per_cut * span
    stuck_seconds = max(LEAST_STUCK_SECONDS, MAX_ITEM_DELAY * item_ms / 1000)
    return TimeBox(seconds=max_delay * batch_ms / 1000, stuck_seconds=stuck_seconds)


def size_scout(state: GovernorState, ask: ShardAsk) -> WaveSize:
    """The first wave of a run whose items take nobody knows how long: one batch, in a time box."""
    cuts = min(ask.work.left, state.run.work.max_span)
    box = TimeBox(seconds=SCOUT_SECONDS, stuck_seconds=SCOUT_SECONDS) if cuts > 1 else None
    return WaveSize(cuts, cuts, cuts * ask.work.items_per_cut, box)


def size_rest(state: GovernorState, ask: ShardAsk, rest: Rest) -> WaveSize | None:
    """How a rest is shared out; None while the other batches leave no room for one more.

    Args:
        state: The rows of the attempt.
        ask: What the shard asks.
        rest: What one of its batches gave back.
    """
    width = free_width(state, ask) - rest.under_way
    if width < 1:
        return None
    left = rest.end - rest.first_cut
    span = min(left, max(ceil(left / width), _span(state, LEAST_REST_MS)))
    # Only the end of a wave can be left to the next one.
    if ask.work.wave is not None and rest.end == ask.work.wave.end:
        longest_ms = max(rest.item_ms, mean_item_ms(state) or 0.0)
        span = min(span, _span_of(state, longest_ms, TARGET_BATCH_MS))
    cuts = min(left, width * span)
    items, item_ms = cuts * ask.work.items_per_cut, mean_item_ms(state)
    if item_ms is not None:
        return WaveSize(cuts, span, items, _box(item_ms, ask.work, span))
    # The batch that gives it back tells how long an item takes at least: it has not ended.
    return WaveSize(cuts, span, items, _box(rest.item_ms, ask.work, span, MAX_ITEM_DELAY))


def free_width(state: GovernorState, ask: ShardAsk) -> int:
    """The shard's share of the batches in flight, as far as the others have left it free."""
    limit, shards = state.limits.batches_in_flight, state.shards_of(ask.work)
    going = [key for key, shard in shards.items() if shard.reason is None]
    rank = going.index(ask.work.key) if ask.work.key in going else 0
    count = max(1, len(going))
    share = limit // count + (rank < limit % count)
    others = (shard for key, shard in shards.items() if key != ask.work.key)
    free = limit - sum(shard.held.batches for shard in others if shard.held is not None)
    return min(share, free, MAX_WIDTH)


def _span(state: GovernorState, batch_ms: float) -> int:
    """How many cuts make a batch of so much work."""
    item_ms = mean_item_ms(state)
    return 1 if item_ms is None else _span_of(state, item_ms, batch_ms)


def _span_of(state: GovernorState, item_ms: float, batch_ms: float) -> int:
    work = state.run.work
    if work.max_span == 1:
        return 1
    largest = max(shard.span for shard in state.shards.values())
    span = batch_ms / max(item_ms * work.items_per_cut, 1e-6)
    return int(max(1, min(span, work.max_span, MAX_GROWTH * largest)))


def mean_item_ms(state: GovernorState) -> float | None:
    """How long an item takes, on average over the shards; None before anything is known."""
    item_times = [shard.item_ms for shard in state.shards.values() if shard.item_ms is not None]
    return sum(item_times) / len(item_times) if item_times else None
