"""What passes when an attempt of a run ends."""

from pydantic import Field

from fanout.messages.base import Message
from fanout.messages.fan_in import Layout
from fanout.messages.run import RunEnd, SpendingRef, Verdict
from fanout.messages.shards import ShardAsk, ShardCounts, StopReason
from fanout.models.status import ItemCounts, RunStatus


class SettleAsk(SpendingRef):
    """Input of `settle`: what the shards came to, as the orchestrator's own history has it.

    Attributes:
        counts: Of all shards together.
        reasons: Why they stopped.
        failure: Why a shard is not among them.
        last: What the only shard of a small run did last, which no row knows of yet.
        at: By the clock of the orchestration, ISO 8601 in UTC.
    """

    counts: ShardCounts = ShardCounts()
    reasons: list[StopReason] = Field(default_factory=list)
    failure: str | None = None
    last: ShardAsk | None = None
    at: str


class SettleResult(Message):
    """Result of `settle`: how the run goes on when its shards are through.

    Attributes:
        layout: How the fan-in is laid out; None where there is something to compensate first.
        end: How the run ended, where that is known, written down and announced already.
    """

    verdict: Verdict
    layout: Layout | None = None
    end: RunEnd | None = None


class FinishAsk(SpendingRef):
    """Input of `finish`: how an attempt of a run ended, as its orchestration has it."""

    end: RunEnd


class FinishResult(Message):
    """Result of `finish`: the end as the row of the run has it."""

    end: RunEnd


class RunFacts(Message):
    """What the rows of an attempt say that has ended.

    Attributes:
        items: The counts at its end.
        settled: The counts that earlier attempts had settled at its beginning.
        retries: Tries of items beyond the first.
        started_at: ISO 8601 in UTC; None if it never began.
        claimed_at: When the run was claimed, ISO 8601 in UTC; None if the rows do not know.
        status: As lists show it, without what the index knows of the run itself; None while it has
            not ended.
    """

    items: ItemCounts = ItemCounts()
    settled: ItemCounts = ItemCounts()
    retries: int = 0
    started_at: str | None = None
    claimed_at: str | None = None
    status: RunStatus | None = None


class EndedRun(FinishAsk):
    """An attempt that has ended, as the rows have it: what is announced to others.

    Attributes:
        is_announced: Whether everybody has been told, or nobody is to be.
    """

    facts: RunFacts = RunFacts()
    is_announced: bool = False
