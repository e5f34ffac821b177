"""How large the next wave of a shard may be: how many cuts, and how many of them make a batch."""

from math import ceil
from typing import NamedTuple

from fanout.governor.run_state import GovernorState
from fanout.messages.shards import ShardAsk

MAX_WIDTH = 100
TARGET_BATCH_MS = 10_000
# A batch of less work is mostly overhead: better few of these than the whole width at work.
LEAST_BATCH_MS = 1_000
MAX_GROWTH = 100
# A wave takes no more than so many seconds of the rate, or one batch.
PACED_WAVE_SECONDS = 5


class WaveSize(NamedTuple):
    """A wave.

    Attributes:
        cuts: How many cuts it takes.
        span: How many of them make a batch; the last batch may have fewer.
        items: How many items that is, on average.
    """

    cuts: int
    span: int
    items: float

    @property
    def batches(self) -> int:
        """How many batches it has."""
        return ceil(self.cuts / self.span)


def size_wave(state: GovernorState, ask: ShardAsk, *, is_probe: bool) -> WaveSize | None:
    """The next wave of a shard; None while the other shards leave it no batch."""
    work = ask.work
    cuts_left = min(1, work.left) if is_probe else work.left
    width = _width(state, ask)
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
    return WaveSize(cuts, span, cuts * work.items_per_cut)


def _width(state: GovernorState, ask: ShardAsk) -> int:
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
    item_times = [shard.item_ms for shard in state.shards.values() if shard.item_ms is not None]
    work = state.run.work
    if not item_times or work.max_span == 1:
        return 1
    item_ms = sum(item_times) / len(item_times)
    largest = max(shard.span for shard in state.shards.values())
    span = batch_ms / max(item_ms * work.items_per_cut, 1e-6)
    return int(max(1, min(span, work.max_span, MAX_GROWTH * largest)))
