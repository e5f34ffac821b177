"""What passes between an orchestrator and the activity that processes a batch."""

from pydantic import Field

from fanout.messages.base import Message
from fanout.messages.run import RunRef
from fanout.models.status import ErrorGroup
from fanout.naming.blob_paths import BatchName


class BatchRef(RunRef):
    """A batch in one round: input of `compensate_batch` and of what runs the sagas of a batch.

    Attributes:
        first_cut: Within the partition, 0-based.
        span: How many cuts it takes.
        is_repeated: Whether it may have been carried out before, and its answer got lost: the part
            that it left then is the answer.
    """

    partition: int
    first_cut: int
    span: int = 1
    retry_round: int = 0
    is_repeated: bool = False

    @property
    def name(self) -> BatchName:
        """Whose outcomes these are."""
        return BatchName(self.partition, self.first_cut, self.span, self.retry_round)


class TimeBox(Message):
    """When a batch gives back the cuts that it has not begun, so that others take them.

    Attributes:
        seconds: After so long, unless the rest is little.
        stuck_seconds: After so long at one item.
        granted_at: When the shard asked for its wave, ISO 8601 in UTC: a turn of an orchestration
            that is taken again says the same. None where nobody knows.
    """

    seconds: float
    stuck_seconds: float
    granted_at: str | None = None


class ProcessAsk(BatchRef):
    """Input of `process_batch`.

    Attributes:
        is_probe: Whether it finds out if the downstream is up again.
        box: When it gives back what it has not begun; None has it do all its cuts.
        instance: The orchestration that is told of that by an event; empty where none listens.
        event: The name of that event.
    """

    is_probe: bool = False
    box: TimeBox | None = None
    instance: str = ""
    event: str = ""


class BatchResult(Message):
    """Result of `process_batch` and `compensate_batch`, and of the sagas of a batch.

    Attributes:
        succeeded: Items that ended well in this round.
        failed: Items given up on in this round: permanent failures, or no try left.
        compensated: Items of a saga given up on, whose steps were undone.
        compensation_failed: Items of a saga given up on, whose steps were not all undone.
        retryable: Items that want another round.
        untried: Items that want another round because nobody tried them, or tried them in vain for
            no fault of theirs.
        retries: Tries of items beyond the first.
        retry_after: The longest wait that the other side asked for, in seconds.
        work_ms: How long the items took, reading and writing left out; None if nobody knows, since
            it was read from the part of an execution whose answer got lost.
        has_tripped: Whether the downstream kept failing, so that the rest was left untried.
        has_answered: Whether the downstream did what some item asked of it.
        errors: The most frequent kinds of failure given up on, at most five, messages cut short.
        cuts: How many cuts it took, from its first; None is all.
    """

    cuts: int | None = None
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


class WaveTally(Message):
    """What the batches of one wave came to, all rounds so far.

    Attributes:
        retries: Tries of items beyond the first.
        lost_batches: Batches whose activity failed for good; nothing is known of their items.
        tried: Tries of items.
        untimed: Tries of which nobody knows how long they took.
        work_ms: How long the other tries took in their activities.
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
