"""What passes when an attempt of a run has ended."""

from pydantic import BaseModel, ConfigDict

from fanout.models.status import ItemCounts
from fanout.models.wave import RunEnd, RunRef


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunFacts(_Message):
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


class Published(_Message):
    """How many messages were sent; none without a Service Bus."""

    events: int = 0
    dead_letters: int = 0


class Finished(Published):
    """Result of `finish`: the end as the row of the run has it."""

    end: RunEnd
