"""What orchestrators, activities and the governor tell each other: references and counts, no data.

Orchestrators see these as plain JSON; each stays under 4 KiB (`fanout.payloads.dump`). New fields
get defaults, so that messages in running histories still load.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fanout.ids import BatchName, Stage
from fanout.models.limits import Limits
from fanout.models.request import OnExceeded, RetryPolicy, Tolerance
from fanout.models.status import ErrorGroup, ItemCounts, RunOutcome
from fanout.redaction import Redacted


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Verdict(_Message):
    """What the governor knows at the end that the parts do not tell.

    Attributes:
        tolerance: The tolerance in force; it may have been changed while the run went on.
    """

    is_cancelled: bool = False
    tolerance: Tolerance = Tolerance()


class RunRef(_Message):
    """Input of `run`, `plan` and `finalize`: which attempt of which run.

    Attributes:
        claim: What tells this run from an earlier one of the same id that was deleted.
        trace: The W3C `traceparent` of the span that started it, where anybody listens.
        max_runs: How many runs the app carries out at once; 0 is any number.
        scanned: Whether the ranges of the source have been scanned (`plan`).
        verdict: Of the governor (`finalize`).
    """

    run_id: str
    attempt: int = 1
    claim: str = ""
    trace: str | None = None
    max_runs: int = 0
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
    """Result of `plan`: the counts, and the policies that orchestrators follow.

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
        work_ms: How long the items took, reading and writing left out.
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
    work_ms: float = 0.0
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
    """

    succeeded: int = 0
    failed: int = 0
    compensated: int = 0
    compensation_failed: int = 0
    retries: int = 0
    lost_batches: int = 0
    tried: int = 0
    work_ms: float = 0.0
    errors: list[ErrorGroup] = Field(default_factory=list)

    @property
    def ended(self) -> int:
        """Items that are no longer pending."""
        return self.succeeded + self.failed + self.compensated + self.compensation_failed


class Retrying(_Message):
    """A wave some of whose batches wait for another round.

    Attributes:
        batches: Their first cuts, numbers within the partition.
        items: How many items are to be tried again.
        retry_round: The round they wait for; 1 is the first retry.
        since: When the wait for it began, ISO 8601 in UTC, and `until` when it may begin.
        breakdowns: Rounds in a row in which an activity failed.
    """

    batches: list[int]
    items: int
    retry_round: int
    since: str
    until: str
    breakdowns: int = 0


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
        governor: Key of the run's governor entity.
        sequence: Waves this shard has finished.
        partition: The partition it is in; the next is `shards` further on.
        batch: First cut of the wave, within the partition.
        wave: The wave that it is in; None before the governor grants one.
        tally: What the wave has come to so far; when none was granted, what the last one came to,
            and `partitions_done` how many partitions it finished (0 or 1).
        stage: What is done with the batches.
        downstream: The service that the items call, if any.
        downstream_rate: Items a second that it takes from all runs together; None is any number.
        batch_items: Items of a cut, on average.
        is_saga: Whether an item takes several steps, each an activity.
        began_at: When it last began a wave or round, ISO 8601 in UTC.
    """

    run_id: str
    attempt: int = 1
    claim: str = ""
    trace: str | None = None
    governor: str
    shard: int
    shards: int
    batches: int
    partitions: int
    batches_per_partition: int
    retry: RetryPolicy
    sequence: int = 0
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
    def key(self) -> str:
        """How the governor tells shards apart: those that compensate count for themselves."""
        return f"{'s' if self.stage == 'process' else 'c'}{self.shard}"


class RunOpening(_Message):
    """Tells the governor that the run begins; `at` is ISO 8601 in UTC."""

    at: str
    is_queued: bool = False


class GovernorStart(_Message):
    """Tells the governor what is to be done; `at` is ISO 8601 in UTC."""

    work: Work
    limits: Limits
    on_exceeded: OnExceeded
    retry: RetryPolicy = RetryPolicy()
    stage: Stage = "process"
    at: str


class WaveReport(_Message):
    """What a shard tells the governor after a wave, and when it asks for leave to go on.

    Attributes:
        shard: Its key (`ShardWork.key`).
        sequence: Waves the shard has finished; the governor counts each once.
        partitions_done: Partitions finished by this wave (0 or 1).
        is_done: Whether the shard has no more to do.
        left: Cuts left in the partition, from which the next wave is taken.
        again: Items of the next retry round; above 0, leave is asked for this round.
        may_begin: Whether the shard could begin now; if not, it asks whether it is still wanted.
        stage: What was done; when compensating, `tally` counts items compensated as succeeded.
        began_at: When it last began what it had leave for, ISO 8601 in UTC; `idle_since` when that
            ended, if it has waited since to try items again.
    """

    shard: str
    sequence: int
    tally: WaveTally = WaveTally()
    partitions_done: int = 0
    is_done: bool = False
    left: int = 0
    again: int = 0
    may_begin: bool = True
    stage: Stage = "process"
    at: str
    began_at: str | None = None
    idle_since: str | None = None


class WaveOrder(_Message):
    """What the governor answers.

    Attributes:
        action: ``go``: begin the wave (or round) after `wait_seconds`; ``wait``: ask again after
            them; ``stop``: begin nothing more.
        cuts: How many cuts the wave takes, and `span` how many each batch takes of them.
    """

    action: Literal["go", "wait", "stop"]
    cuts: int = 0
    span: int = 1
    wait_seconds: float = 0.0


class RunEnd(_Message):
    """Result of `finalize`, told to the governor and returned by the orchestrator.

    Attributes:
        items: The counts as the part files have them, which are the last word.
        error: Why it failed, if it did.
        at: When it ended, ISO 8601 in UTC; set by the orchestrator.
    """

    outcome: RunOutcome
    items: ItemCounts = ItemCounts()
    error: Redacted | None = None
    at: str | None = None
