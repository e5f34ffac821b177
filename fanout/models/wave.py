"""What orchestrators and activities tell each other: references and counts, no data.

Orchestrators see these as plain JSON; each stays under 4 KiB (`fanout.payloads.dump`). New fields
get defaults, so that messages in running histories still load.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fanout.ids import BatchName, Stage, attempt_instance, shard_row
from fanout.models.limits import Limits
from fanout.models.request import OnExceeded, RetryPolicy, Tolerance
from fanout.models.status import ErrorGroup, ItemCounts, RunOutcome
from fanout.redaction import Redacted


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Verdict(_Message):
    """What was decided when the shards were through, and the parts do not tell.

    Attributes:
        tolerance: The tolerance in force; it may have been changed while the run went on.
        compensates: Whether what succeeded is to be undone.
    """

    is_cancelled: bool = False
    tolerance: Tolerance = Tolerance()
    compensates: bool = False


class RunRef(_Message):
    """Input of `run` and of the activities around it: which attempt of which run.

    Attributes:
        claim: What tells this run from an earlier one of the same id that was deleted.
        trace: The W3C `traceparent` of the span that started it, where anybody listens.
        max_runs: How many runs the app carries out at once; 0 is any number.
        is_resumed: Whether its orchestration had failed, and goes on from where it was.
        scanned: Whether the ranges of the source have been scanned (`begin`).
        verdict: What was decided when the shards were through (`lay_out`, `finalize`).
    """

    run_id: str
    attempt: int = 1
    claim: str = ""
    trace: str | None = None
    max_runs: int = 0
    is_resumed: bool = False
    scanned: bool = False
    verdict: Verdict = Verdict()


class Work(_Message):
    """The batches of one generation, as orchestrators share them out.

    Attributes:
        batches: Cuts of the source; a batch takes one, or up to `max_span`.
        shards: Sub-orchestrations that share the partitions.
        batch_items: Items of a cut, on average.
        max_span: How many cuts one activity may take; 1 where the request set the batches.
        succeeded: Items that an earlier attempt settled, and `failed` and the rest likewise: they
            are not tried again.
    """

    items: int = 0
    batches: int = 0
    partitions: int = 0
    batches_per_partition: int = 1
    shards: int = 0
    batch_items: float = 1
    max_span: int = 1
    succeeded: int = 0
    failed: int = 0
    compensated: int = 0
    compensation_failed: int = 0

    @property
    def undone(self) -> int:
        """Items that an earlier attempt compensated, or tried to."""
        return self.compensated + self.compensation_failed


class QueuedRun(RunRef):
    """Input of `queued_run` and `find_earlier_runs`: a run of a schedule that awaits its turn.

    Attributes:
        poll_seconds: How long to wait before asking again.
    """

    schedule: str
    poll_seconds: float = 15


class PlanResult(_Message):
    """What is planned: the counts, and the policies that orchestrators follow.

    Attributes:
        downstream: The service that the items call, if any.
        downstream_rate: Items a second that it takes from all runs together; None is any number.
        is_saga: Whether an item takes several steps, each an activity.
        scans: Ranges of the source to be scanned before it can be planned; 0 once it is.
        refusal: Why the source cannot be run over (it is gone, or changed), else None.
    """

    workload: str
    work: Work = Work()
    limits: Limits = Limits()
    retry: RetryPolicy = RetryPolicy()
    on_exceeded: OnExceeded = "stop"
    downstream: str | None = None
    downstream_rate: float | None = None
    is_saga: bool = False
    scans: int = 0
    refusal: Redacted | None = None


class ScanRef(_Message):
    """Input of `scan`: which range (0-based) of the source of which run."""

    run_id: str
    claim: str = ""
    trace: str | None = None
    number: int


class BatchRef(_Message):
    """Input of `process_batch` and `compensate_batch`: whose batch, which attempt, which round.

    Attributes:
        batch: Its first cut, within the partition (0-based).
        span: How many cuts it takes.
        is_probe: Whether it finds out if the downstream is up again.
        is_repeated: Whether it may have been carried out before, and its answer got lost: the part
            that it left then is the answer.
    """

    run_id: str
    attempt: int = 1
    claim: str = ""
    trace: str | None = None
    partition: int
    batch: int
    span: int = 1
    retry_round: int = 0
    is_probe: bool = False
    is_repeated: bool = False

    @property
    def name(self) -> BatchName:
        """Whose outcomes these are."""
        return BatchName(self.partition, self.batch, self.span, self.retry_round)


class BatchResult(_Message):
    """Result of `process_batch`.

    Attributes:
        succeeded: Items that ended well in this round.
        failed: Items given up on in this round: permanent failures, or attempts used up.
        compensated: Items of a saga given up on whose steps were undone, or in
            `compensation_failed` were not all undone.
        retryable: Items that want another round.
        untried: Those of them whose turn never came, or came to nothing for no fault of theirs.
        retries: Item attempts beyond the first.
        retry_after: The longest wait that the other side asked for, in seconds.
        work_ms: How long the items took, reading and writing left out; None if nobody knows, since
            it was read from the part of an execution whose answer got lost.
        has_tripped: Whether the downstream kept failing, so that the rest was left untried.
        has_answered: Whether the downstream did what some item asked of it.
        errors: The most frequent kinds of failure given up on, at most five, messages cut short.
    """

    succeeded: int = 0
    failed: int = 0
    compensated: int = 0
    compensation_failed: int = 0
    retryable: int = 0
    untried: int = 0
    retries: int = 0
    retry_after: float | None = None
    work_ms: float | None = 0.0
    has_tripped: bool = False
    has_answered: bool = False
    errors: list[ErrorGroup] = Field(default_factory=list)

    @property
    def tried(self) -> int:
        """Items that were tried in this round."""
        ended = self.succeeded + self.failed + self.compensated + self.compensation_failed
        return ended + self.retryable - self.untried


class WaveTally(_Message):
    """What the batches of one wave came to, all rounds so far.

    Attributes:
        retries: Item attempts beyond the first.
        lost_batches: Batches whose activity failed for good; nothing is known of their items.
        tried: Item attempts, all of them, and `work_ms` how long they took in their activities.
        untimed: Those of them of which nobody knows how long they took.
    """

    succeeded: int = 0
    failed: int = 0
    compensated: int = 0
    compensation_failed: int = 0
    retries: int = 0
    lost_batches: int = 0
    tried: int = 0
    untimed: int = 0
    work_ms: float = 0.0
    errors: list[ErrorGroup] = Field(default_factory=list)

    @property
    def ended(self) -> int:
        """Items that are no longer pending."""
        return self.succeeded + self.failed + self.compensated + self.compensation_failed


class ShardCounts(_Message):
    """What all finished waves of a shard came to; its fields are those of a `WaveTally`."""

    succeeded: int = 0
    failed: int = 0
    compensated: int = 0
    compensation_failed: int = 0
    retries: int = 0
    lost_batches: int = 0

    def plus(self, other: "WaveTally | ShardCounts") -> "ShardCounts":
        """These counts with those of a wave, or of another shard, added."""
        mine = self.model_dump()
        return ShardCounts(**{name: mine[name] + getattr(other, name) for name in mine})


class Retrying(_Message):
    """A wave some of whose batches wait for another round, or for a repair of this one.

    Attributes:
        batches: First cuts of those that want another round, numbers within the partition.
        broken: First cuts of those whose activity failed: they are carried out again, in the same
            round, before any other.
        items: How many items are to be tried again.
        retry_round: The round that `batches` wait for; 1 is the first retry.
        since: When the wait for it began, ISO 8601 in UTC, and `until` when it may begin.
        quiet_until: Until when the other side asked to be left alone, whatever is repaired
            meanwhile.
        breakdowns: How often in a row an activity failed.
        broken_since: Since when activities have failed in a row, ISO 8601 in UTC.
    """

    batches: list[int]
    broken: list[int] = Field(default_factory=list)
    items: int
    retry_round: int
    since: str
    until: str
    quiet_until: str | None = None
    breakdowns: int = 0
    broken_since: str | None = None


class Wave(_Message):
    """A wave that was granted.

    Attributes:
        end: The cut after its last one, within the partition.
        span: How many cuts each of its batches takes; the last one may take fewer.
    """

    end: int
    span: int = 1


class ShardWork(_Message):
    """Input of `shard`, and all it carries when it continues as new.

    Attributes:
        call: How often it has asked how to go on: a question that is asked again has its number.
        sequence: Waves this shard has finished, and `counts` what they came to.
        partition: The partition it is in; the next is `shards` further on.
        batch: First cut of the wave, within the partition.
        wave: The wave that it is in; None before one is granted.
        tally: What the wave has come to so far; when none was granted, what the last one came to,
            and `partitions_done` how many partitions all waves finished.
        stage: What is done with the batches.
        downstream: The service that the items call, if any.
        downstream_rate: Items a second that it takes from all runs together; None is any number.
        batch_items: Items of a cut, on average.
        is_saga: Whether an item takes several steps, each an activity.
        began_at: When it last began a wave or round, ISO 8601 in UTC.
        is_probe: Whether that was to find out if the downstream is up again.
        has_tripped: Whether the downstream kept failing in it, and `has_answered` whether it did
            what some item asked of it.
        is_resumed: Whether it takes up a round that another execution had begun.
    """

    run_id: str
    attempt: int = 1
    claim: str = ""
    trace: str | None = None
    call: int = 0
    shard: int
    shards: int
    batches: int
    partitions: int
    batches_per_partition: int
    retry: RetryPolicy
    sequence: int = 0
    counts: ShardCounts = ShardCounts()
    partition: int
    batch: int = 0
    wave: Wave | None = None
    tally: WaveTally = WaveTally()
    partitions_done: int = 0
    retrying: Retrying | None = None
    stage: Stage = "process"
    downstream: str | None = None
    downstream_rate: float | None = None
    batch_items: float = 1
    is_saga: bool = False
    began_at: str | None = None
    is_probe: bool = False
    has_tripped: bool = False
    has_answered: bool = False
    is_resumed: bool = False

    @classmethod
    def first(
        cls, ref: RunRef, plan: PlanResult, work: Work, shard: int, stage: Stage
    ) -> "ShardWork":
        """What a shard of a stage is to do."""
        is_process = stage == "process"
        return cls(
            run_id=ref.run_id,
            attempt=ref.attempt,
            claim=ref.claim,
            trace=ref.trace,
            shard=shard,
            shards=work.shards,
            batches=work.batches,
            partitions=work.partitions,
            batches_per_partition=work.batches_per_partition,
            retry=plan.retry,
            partition=shard,
            stage=stage,
            downstream=plan.downstream if is_process else None,
            downstream_rate=plan.downstream_rate if is_process else None,
            batch_items=work.batch_items,
            is_saga=plan.is_saga,
        )

    @property
    def instance(self) -> str:
        """The orchestration instance of the attempt, which the ids of children begin with."""
        return attempt_instance(self.run_id, self.attempt)

    @property
    def batches_here(self) -> int:
        """Cuts of the partition it is in."""
        first = self.partition * self.batches_per_partition
        return min(self.batches_per_partition, self.batches - first)

    @property
    def is_done(self) -> bool:
        """Whether no partition is left for this shard."""
        return self.partition >= self.partitions

    @property
    def left(self) -> int:
        """Cuts left in the partition, from which the next wave is taken."""
        return 0 if self.is_done else self.batches_here - self.batch

    @property
    def key(self) -> str:
        """The name of its row: shards that compensate have rows of their own."""
        return shard_row(self.shard, self.stage)

    @property
    def position(self) -> tuple[object, ...]:
        """What tells one question of a shard from another that has the same number."""
        waits = self.retrying
        round_of = (waits.retry_round, waits.batches, waits.broken) if waits else None
        return (self.sequence, self.partition, self.batch, self.wave, round_of)


class ShardAsk(_Message):
    """Input of `steer`: what a shard has done, and that it wants to know how to go on.

    Attributes:
        at: By the clock of the orchestration, ISO 8601 in UTC.
        is_due: Whether it could begin now; if not, it asks whether it is still wanted.
    """

    work: ShardWork
    at: str
    is_due: bool = True


StopReason = Literal["done", "exceeded", "cancelled", "over"]


class ShardOrder(_Message):
    """Result of `steer`: how a shard is to go on.

    Attributes:
        action: ``go``: begin the wave (or round) after `wait_seconds`; ``wait``: ask again after
            them; ``stop``: begin nothing more; ``resume``: another execution came further, and
            `work` is where it was.
        cuts: How many cuts the wave takes, and `span` how many each batch takes of them.
        is_probe: Whether only one batch may begin, to find out if the downstream is up again.
        reason: Why it is to stop.
    """

    action: Literal["go", "wait", "stop", "resume"]
    cuts: int = 0
    span: int = 1
    wait_seconds: float = 0.0
    is_probe: bool = False
    reason: StopReason | None = None
    work: ShardWork | None = None


class ShardEnd(_Message):
    """Result of `shard`: what its waves came to, and why it stopped."""

    counts: ShardCounts = ShardCounts()
    waves: int = 0
    reason: StopReason = "done"


class RunEnd(_Message):
    """Result of `finalize`, kept in the row of the run and returned by the orchestrator.

    Attributes:
        items: The counts as the part files have them, which are the last word.
        error: Why it failed, if it did.
        at: When it ended, ISO 8601 in UTC; set by the orchestrator.
        is_forced: Whether somebody ended it by force, while shards were at work.
    """

    outcome: RunOutcome
    items: ItemCounts = ItemCounts()
    error: Redacted | None = None
    at: str | None = None
    is_forced: bool = False


class BeginAsk(RunRef):
    """Input of `begin`; `at` is by the clock of the orchestration, ISO 8601 in UTC."""

    at: str


class Begun(_Message):
    """Result of `begin`: what the run is to do next.

    Attributes:
        wait_seconds: How long to wait before it is asked again; None goes on at once.
        is_cancelled: Whether it was cancelled before it began.
        plan: What is to be done, once it is known; its `scans` are to be made first.
        order: What the only shard of a small run is to do first.
        end: How it ended, if it has, and `is_told` whether all has been done about that.
    """

    wait_seconds: float | None = None
    is_cancelled: bool = False
    plan: PlanResult | None = None
    order: ShardOrder | None = None
    end: RunEnd | None = None
    is_told: bool = False


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
