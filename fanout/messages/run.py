"""A run and one attempt of it: who it is, how it is to go on, how it ended."""

from fanout.messages.base import Message
from fanout.models.request import Tolerance
from fanout.models.status import ItemCounts, RunOutcome
from fanout.redaction import Redacted


class Verdict(Message):
    """What was decided when the shards were through, and the parts do not tell.

    Attributes:
        tolerance: The tolerance in force; it may have been changed while the run went on.
        compensates: Whether what succeeded is to be undone.
    """

    is_cancelled: bool = False
    tolerance: Tolerance = Tolerance()
    compensates: bool = False


class RunRef(Message):
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


class QueuedRun(RunRef):
    """Input of `queued_run` and `start_in_turn`: a run of a schedule that awaits its turn.

    Attributes:
        poll_seconds: How long to wait before asking again.
    """

    schedule: str
    poll_seconds: float = 15


class RunEnd(Message):
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
