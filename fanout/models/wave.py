"""What orchestrators and activities tell each other: references and counts, no data.

Orchestrators see these as plain JSON; each stays under 4 KiB (`fanout.payloads.dump`). New fields
get defaults, so that messages in running histories still load.
"""

from pydantic import BaseModel, ConfigDict, Field

from fanout.ids import BatchName
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
    """Input of `queued_run` and `start_in_turn`: a run of a schedule that awaits its turn.

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
