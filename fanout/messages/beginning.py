"""What passes when an attempt of a run begins."""

from fanout.messages.base import Message
from fanout.messages.batches import BatchResult
from fanout.messages.ending import SettleResult
from fanout.messages.planning import PlanResult
from fanout.messages.run import RunEnd, RunInput, SpendingRef
from fanout.messages.shards import ShardOrder


class BeginAsk(RunInput, SpendingRef):
    """Input of `begin`.

    Attributes:
        at: By the clock of the orchestration, ISO 8601 in UTC.
    """

    at: str


class BeginResult(Message):
    """Result of `begin`: what the run is to do next.

    Attributes:
        wait_seconds: How long to wait before it asks again; None goes on at once.
        is_cancelled: Whether it was cancelled before it began, and cannot be planned.
        plan: What is to be done, once it is known; its `scans` are to be made first.
        order: What the first shard is to do first, if it is known.
        scout: What the first batch came to, if `begin` has carried it out by that order.
        next_order: What the first shard is to do after that, if it is known.
        settled: How the run goes on where that batch was all.
        end: How it ended, if it has.
    """

    wait_seconds: float | None = None
    is_cancelled: bool = False
    plan: PlanResult | None = None
    order: ShardOrder | None = None
    scout: BatchResult | None = None
    next_order: ShardOrder | None = None
    settled: SettleResult | None = None
    end: RunEnd | None = None
