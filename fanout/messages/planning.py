"""What passes when a run is planned."""

from fanout.messages.base import Message
from fanout.messages.run import RunRef
from fanout.models.limits import Limits
from fanout.models.request import OnExceeded, RetryPolicy
from fanout.redaction import Redacted

# Of a refusal in a history, whatever it quotes.
MAX_REFUSAL_BYTES = 1000


class Work(Message):
    """The cuts of one generation, as orchestrators share them out.

    Attributes:
        cuts: How many there are; a batch takes one, or up to `max_span`.
        shards: Sub-orchestrations that share the partitions.
        items_per_cut: On average.
        max_span: How many cuts one activity may take; 1 where the request set the batches.
        succeeded: Items that succeeded in an earlier attempt; they are not tried again.
        failed: Items that failed in an earlier attempt and are not tried again.
        compensated: Likewise.
        compensation_failed: Likewise.
    """

    items: int = 0
    cuts: int = 0
    partitions: int = 0
    cuts_per_partition: int = 1
    shards: int = 0
    items_per_cut: float = 1
    max_span: int = 1
    succeeded: int = 0
    failed: int = 0
    compensated: int = 0
    compensation_failed: int = 0

    @property
    def undone(self) -> int:
        """Items that an earlier attempt compensated, or tried to."""
        return self.compensated + self.compensation_failed


class PlanResult(Message):
    """What is planned: the counts, and the policies that orchestrators follow.

    Attributes:
        downstream: The service that the items call, if any.
        downstream_rate: Items a second that it takes from all runs together; None is any number.
        is_saga: Whether an item takes several steps, each an activity.
        scans: Ranges of the source to be scanned before it can be planned; 0 once it is.
        refusal: Why the source cannot be run over (it is gone, or changed), else None.
        undoes: Whether the attempt processes nothing, and goes on to undo what the run had done.
    """

    work: Work = Work()
    limits: Limits = Limits()
    retry: RetryPolicy = RetryPolicy()
    on_exceeded: OnExceeded = "stop"
    downstream: str | None = None
    downstream_rate: float | None = None
    is_saga: bool = False
    scans: int = 0
    refusal: Redacted | None = None
    undoes: bool = False


class ScanRef(RunRef):
    """Input of `scan`: which range (0-based) of the source of which run."""

    number: int


class ScanResult(Message):
    """Result of `scan`.

    Attributes:
        refusal: Why the source cannot be run over; None if the range was scanned.
    """

    refusal: Redacted | None = None
