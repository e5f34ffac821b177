"""What shards and the activity `steer` tell each other: where a shard is, and how it goes on."""

from itertools import pairwise
from typing import Literal

from pydantic import Field

from fanout.messages.base import Message
from fanout.messages.batches import TimeBox, WaveTally
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunRef
from fanout.models.request import RetryPolicy
from fanout.models.usage import Usage
from fanout.naming.instance_ids import attempt_instance
from fanout.naming.row_keys import Stage, shard_row


class ShardCounts(Message):
    """What all finished waves of a shard came to; its fields are those of a `WaveTally`."""

    succeeded: int = 0
    failed: int = 0
    compensated: int = 0
    compensation_failed: int = 0
    retries: int = 0
    lost_batches: int = 0

    def plus(self, other: "WaveTally | ShardCounts") -> "ShardCounts":
        """These counts with those of a wave, or of another shard, added."""
        counts = self.model_dump()
        return ShardCounts(**{name: counts[name] + getattr(other, name) for name in counts})


class Retrying(Message):
    """A wave some of whose batches wait for another round, or for a repair of this one.

    Times are ISO 8601 in UTC.

    Attributes:
        first_cuts: Of the batches that want another round, numbers within the partition.
        broken: First cuts of those whose activity failed. They are carried out again in the same
            round, before any other.
        items: How many items are to be tried again.
        retry_round: The round that `first_cuts` wait for; 1 is the first retry.
        since: When the wait began.
        until: When the next round may begin.
        quiet_until: Until when the other side asked to be left alone.
        breakdowns: How often in a row an activity failed.
        broken_since: Since when activities have failed in a row.
    """

    first_cuts: list[int]
    broken: list[int] = Field(default_factory=list)
    items: int
    retry_round: int
    since: str
    until: str
    quiet_until: str | None = None
    breakdowns: int = 0
    broken_since: str | None = None


class Wave(Message):
    """A wave that was granted.

    Attributes:
        end: The cut after its last one, within the partition.
        span: How many cuts each of its batches takes; the last one may take fewer.
        starts: Where batches begin besides, of cuts that others gave back.
        at_once: How many batches may be at work at a time, since it has more than it was granted;
            None is all of them.
    """

    end: int
    span: int = 1
    starts: list[int] = Field(default_factory=list)
    at_once: int | None = None

    def spans(self, first_cut: int) -> dict[int, int]:
        """How many cuts each batch takes, by its first one, in order.

        Args:
            first_cut: Where the wave begins.
        """
        starts = {*range(first_cut, self.end, self.span), *self.starts}
        bounds = [*sorted(start for start in starts if start < self.end), self.end]
        return {start: end - start for start, end in pairwise(bounds)}


class ShardWork(RunRef):
    """Input of `shard`, and all it carries when it continues as new.

    Attributes:
        call: How often it has asked how to go on. The same question again has the same number.
        shard: Its number, 0-based.
        shards: How many there are; the next partition of this one is so many further on.
        cuts: Of the whole plan.
        partitions: Of the whole plan.
        sequence: How many waves it has finished.
        counts: What these came to.
        partition: The one it is in.
        first_cut: Of the wave, within the partition.
        wave: The wave that it is in; None before one is granted.
        tally: What the wave has come to so far. Before one is granted, what the last one came to.
        partitions_done: How many partitions have all their waves finished.
        retrying: What the batches of the wave wait for; None where none waits.
        stage: What is done with the batches.
        downstream: The service that the items call, if any.
        downstream_rate: Items a second that it takes from all runs together; None is any number.
        items_per_cut: On average.
        is_saga: Whether an item takes several steps, each an activity.
        began_at: When it last began a wave or round, ISO 8601 in UTC.
        is_probe: Whether its last round was to find out if the downstream is up again.
        has_tripped: Whether the downstream kept failing in that round.
        has_answered: Whether the downstream did what some item of that round asked of it.
        is_resumed: Whether it takes up a round that another execution had begun.
        box: The time box of the batches of the wave; None has each do all its cuts.
        usage: What it had used before it continued as new.
    """

    box: TimeBox | None = None
    call: int = 0
    shard: int
    shards: int
    cuts: int
    partitions: int
    cuts_per_partition: int
    retry: RetryPolicy
    sequence: int = 0
    counts: ShardCounts = ShardCounts()
    partition: int
    first_cut: int = 0
    wave: Wave | None = None
    tally: WaveTally = WaveTally()
    partitions_done: int = 0
    retrying: Retrying | None = None
    stage: Stage = "process"
    downstream: str | None = None
    downstream_rate: float | None = None
    items_per_cut: float = 1
    is_saga: bool = False
    began_at: str | None = None
    is_probe: bool = False
    has_tripped: bool = False
    has_answered: bool = False
    is_resumed: bool = False
    usage: Usage = Usage()

    @classmethod
    def first(
        cls, ref: RunRef, plan: PlanResult, work: Work, shard: int, stage: Stage
    ) -> "ShardWork":
        """What a shard of a stage is to do."""
        is_process = stage == "process"
        return ref.message(
            cls,
            shard=shard,
            shards=work.shards,
            cuts=work.cuts,
            partitions=work.partitions,
            cuts_per_partition=work.cuts_per_partition,
            retry=plan.retry,
            partition=shard,
            stage=stage,
            downstream=plan.downstream if is_process else None,
            downstream_rate=plan.downstream_rate if is_process else None,
            items_per_cut=work.items_per_cut,
            is_saga=plan.is_saga,
        )

    @property
    def instance(self) -> str:
        """The orchestration instance of the attempt, which the ids of children begin with."""
        return attempt_instance(self.run_id, self.attempt)

    @property
    def cuts_here(self) -> int:
        """Cuts of the partition it is in."""
        first = self.partition * self.cuts_per_partition
        return min(self.cuts_per_partition, self.cuts - first)

    @property
    def is_done(self) -> bool:
        """Whether no partition is left for this shard."""
        return self.partition >= self.partitions

    @property
    def left(self) -> int:
        """Cuts left in the partition, from which the next wave is taken."""
        return 0 if self.is_done else self.cuts_here - self.first_cut

    @property
    def key(self) -> str:
        """The name of its row: shards that compensate have rows of their own."""
        return shard_row(self.shard, self.stage)

    @property
    def position(self) -> tuple[object, ...]:
        """What tells one question of a shard from another that has the same number."""
        waits = self.retrying
        round_of = (waits.retry_round, waits.first_cuts, waits.broken) if waits else None
        return (self.sequence, self.partition, self.first_cut, self.wave, round_of)


class Rest(Message):
    """Cuts that a batch of the wave gave back, since an item of it takes its time.

    Attributes:
        first_cut: The first of them, within the partition.
        end: The cut after the last of them.
        item_ms: How long an item of that batch takes at least, on average.
        under_way: How many batches of the wave are still at work, that one included.
    """

    first_cut: int
    end: int
    item_ms: float
    under_way: int


class ShardAsk(Message):
    """Input of `steer`: what a shard has done, and that it wants to know how to go on.

    Attributes:
        at: By the clock of the orchestration, ISO 8601 in UTC.
        is_due: Whether it could begin now; if not, it asks whether it is still wanted.
        rest: What is to be shared out among more batches, while the wave goes on.
    """

    work: ShardWork
    at: str
    is_due: bool = True
    rest: Rest | None = None


StopReason = Literal["done", "exceeded", "cancelled", "over"]


class ShardOrder(Message):
    """Result of `steer`: how a shard is to go on.

    Attributes:
        action: ``go``: begin the wave or round. ``wait``: ask again. ``stop``: begin nothing more.
            ``resume``: go on from where another execution was, which came further.
        cuts: How many the wave takes.
        span: How many each batch takes of them.
        starts: Where batches are to begin that share out a rest.
        at_once: How many batches may be at work at a time then.
        box: The time box of each batch; None has all its cuts done, however long that takes.
        wait_seconds: How long to wait first.
        is_probe: Whether only one batch may begin, to find out if the downstream is up again.
        reason: Why it is to stop.
        work: Where to resume.
        is_repeated: Whether it was given before, so that what it lets begin may have begun.
    """

    action: Literal["go", "wait", "stop", "resume"]
    cuts: int = 0
    span: int = 1
    starts: list[int] = Field(default_factory=list)
    at_once: int | None = None
    box: TimeBox | None = None
    wait_seconds: float = 0.0
    is_probe: bool = False
    reason: StopReason | None = None
    work: ShardWork | None = None
    is_repeated: bool = False


class ShardEnd(Message):
    """Result of `shard`: what its waves came to, and why it stopped."""

    counts: ShardCounts = ShardCounts()
    reason: StopReason = "done"
