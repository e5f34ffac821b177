"""What a batch gave back is shared out among more batches, while its wave goes on.

A batch gives back the cuts that it has not begun when an item takes its time, so that the items
behind that one need not wait for it. They have been granted, and charged to the rate, with their
wave; what is granted here is that more batches are at work.
"""

from fanout.governor.grants import Grant, stop_reason, wait_order
from fanout.governor.run_state import GovernorState, Held, ShardState
from fanout.governor.wave_size import WaveSize, date_box, size_rest
from fanout.messages.shards import Rest, ShardAsk, ShardOrder

# How long to wait where nothing can be given out: then a batch has ended, or the wave.
NAP_SECONDS = 1.0


def share_out(state: GovernorState, ask: ShardAsk, rest: Rest) -> Grant:
    """Say which batches begin with a rest; none where the shard is to stop, wait or has no room.

    What nobody takes is carried out when the round of its wave is over. That a shard is to wait
    changes no row: what it has at work is what the order before has it do, for whoever takes it up.

    Args:
        state: The rows of the attempt.
        ask: What the shard asks.
        rest: What one of its batches gave back.
    """
    shard = state.shards.get(ask.work.key, ShardState())
    order = _order(state, ask, rest)
    if order.action != "go":
        return Grant(order, shard, state.pace)
    shard, at_once = _hold_more(shard, rest, len(order.starts))
    order = order.model_copy(update={"at_once": at_once})
    update = {"call": ask.work.call, "work": ask.work, "order": order, "updated_at": ask.at}
    return Grant(order, shard.model_copy(update=update), state.pace)


def _order(state: GovernorState, ask: ShardAsk, rest: Rest) -> ShardOrder:
    if stop_reason(state, ask) is not None or state.control.suspended_at is not None:
        return wait_order(NAP_SECONDS)
    size = size_rest(state, ask, rest)
    return wait_order(NAP_SECONDS) if size is None else _begin(ask, rest, size)


def _begin(ask: ShardAsk, rest: Rest, size: WaveSize) -> ShardOrder:
    """Have batches begin; what they leave of the end of a wave is left to the next one."""
    work, end = ask.work, rest.first_cut + size.cuts
    starts = [*range(rest.first_cut, end, size.span)]
    wave_end = work.wave.end if work.wave is not None else rest.end
    cuts = (end if rest.end == wave_end else wave_end) - work.first_cut
    box = date_box(size.box, ask.at)
    return ShardOrder(action="go", cuts=cuts, span=size.span, starts=starts, box=box)


def _hold_more(shard: ShardState, rest: Rest, batches: int) -> tuple[ShardState, int]:
    """Have a shard hold as many batches as it then has at work, and tell how many that is."""
    held = shard.held or Held(batches=0, items=0)
    count = max(held.batches, rest.under_way + batches)
    return shard.model_copy(update={"held": held.model_copy(update={"batches": count})}), count
