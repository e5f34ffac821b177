"""What passes when an attempt of a run ends."""

from pydantic import Field

from fanout.messages.base import Message
from fanout.messages.fan_in import Layout
from fanout.messages.run import RunEnd, RunRef, Verdict
from fanout.messages.shards import ShardAsk, ShardCounts, StopReason
from fanout.models.status import ItemCounts


class SettleAsk(RunRef):
    """Input of `settle`: what the shards came to, as the orchestrator's own history has it.

    Attributes:
        counts: Of all shards together.
        reasons: Why they stopped.
        failure: Why a shard is not among them.
        last: What the only shard of a small run did last, which no row knows of yet.
    """

    counts: ShardCounts = ShardCounts()
    reasons: list[StopReason] = Field(default_factory=list)
    failure: str | None = None
    last: ShardAsk | None = None
    at: str


class Settled(Message):
    """Result of `settle`: how the run goes on when its shards are through.

    Attributes:
        layout: How the fan-in is laid out; None where there is something to compensate first.
    """

    verdict: Verdict
    layout: Layout | None = None


class RunFacts(Message):
    """What the rows of an attempt say that has ended.

    Attributes:
        items: The counts at its end.
        settled: The counts that earlier attempts had settled at its beginning.
        retries: Tries beyond the first.
        started_at: ISO 8601 in UTC; None if it never began.
        take_overs: How often its orchestration failed and was begun anew.
    """

    items: ItemCounts = ItemCounts()
    settled: ItemCounts = ItemCounts()
    retries: int = 0
    started_at: str | None = None
    take_overs: int = 0


class EndedRun(RunRef):
    """Input of `finish`: how an attempt of a run ended."""

    end: RunEnd
    facts: RunFacts = RunFacts()


class Published(Message):
    """How many messages were sent; none without a Service Bus."""

    events: int = 0
    dead_letters: int = 0


class Finished(Published):
    """Result of `finish`: the end as the row of the run has it."""

    end: RunEnd
