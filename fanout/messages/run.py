"""A run and one attempt of it: who it is, how it is to go on, how it ended."""

from typing import Any, TypeVar

from fanout.messages.base import Message
from fanout.messages.payloads import MAX_ERROR_BYTES, shorten
from fanout.models.request import Tolerance
from fanout.models.status import ItemCounts, RunOutcome
from fanout.models.usage import RunUsage, Usage
from fanout.redaction import Redacted

About = TypeVar("About", bound="RunRef")


class RunRef(Message):
    """Which attempt of which run a message is about; input of `plan_compensation`.

    Attributes:
        claim: What tells this run from an earlier one of the same id that was deleted.
        trace: The W3C `traceparent` of the trace span that started it, where anybody listens.
    """

    run_id: str
    attempt: int = 1
    claim: str = ""
    trace: str | None = None

    def message(self, kind: type[About], **fields: Any) -> About:
        """Make a message of some kind about this attempt."""
        return kind(
            run_id=self.run_id,
            attempt=self.attempt,
            claim=self.claim,
            trace=self.trace,
            **fields,
        )


class SpendingRef(RunRef):
    """A message about an attempt to an activity that may end it.

    Attributes:
        used_before: What the attempt had used when the activity was called, as far as its
            orchestration knows. What such a message leads to, if it is one too, has the same.
    """

    used_before: Usage = Usage()

    def message(self, kind: type[About], **fields: Any) -> About:
        """Make a message of some kind about this attempt."""
        if issubclass(kind, SpendingRef):
            fields = {"used_before": self.used_before, **fields}
        return super().message(kind, **fields)


class RunInput(RunRef):
    """Input of `run`, and all it carries when it continues as new.

    Attributes:
        max_runs: How many runs the app carries out at once; 0 is any number.
        owner: Whose it is among those that wait (`fanout.governor.owners`).
        is_resumed: Whether its orchestration had failed, and goes on from where it was.
        scanned: Whether the ranges of the source have been scanned.
        claimed_at: When the run was claimed, ISO 8601 in UTC: with its id the key in the index.
        usage: What was used before: by what started it, and before it continued as new.
    """

    max_runs: int = 0
    owner: str = ""
    is_resumed: bool = False
    scanned: bool = False
    claimed_at: str | None = None
    usage: Usage = Usage()


class StartInTurnAsk(RunRef):
    """Input of `start_in_turn`: whether it is the turn of a run of a schedule.

    Attributes:
        max_runs: As in `RunInput`.
        owner: As in `RunInput`.
        claimed_at: As in `RunInput`.
    """

    max_runs: int = 0
    owner: str = ""
    claimed_at: str | None = None
    schedule: str


class QueuedRun(StartInTurnAsk):
    """Input of `queued_run`: a run of a schedule that awaits its turn.

    Attributes:
        poll_seconds: How long to wait before asking again.
    """

    poll_seconds: float = 15


class Verdict(Message):
    """What was decided when the shards were through, and the parts do not tell.

    Attributes:
        tolerance: The tolerance in force; it may have been changed while the run went on.
        compensates: Whether what succeeded is to be undone.
        pending: How many items had no end, as the rows have it: where the parts have more, one of
            them is gone. None in verdicts of earlier versions of the app.
    """

    is_cancelled: bool = False
    tolerance: Tolerance = Tolerance()
    compensates: bool = False
    pending: int | None = None


class RunEnd(Message):
    """How a run ended: result of `finalize`, kept in the row of the run, and the run's own result.

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

    def with_reason(self, failure: str | None) -> "RunEnd":
        """This end with the failure of a shard as its reason, if it failed.

        What the parts say is the last word; a broken shard explains it, and may have lost nothing.
        """
        if failure is None or self.outcome != "failed":
            return self
        return self.model_copy(update={"error": shorten(failure, MAX_ERROR_BYTES)})


class RunSummary(RunEnd):
    """``summary.json``: how a run ended, and what its newest attempt used until that was written.

    Attributes:
        usage: Without what came after it: telemetry and events, closing its rows.
    """

    usage: RunUsage | None = None
