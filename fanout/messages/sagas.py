"""What sagas pass between orchestrators and activities: references and counts, no data.

Steps are known by their number in the plan, which is the order in which the workload lists them.
"""

from typing import Any, Literal

from pydantic import Field

from fanout.messages.base import Message
from fanout.messages.batches import BatchRef, BatchResult
from fanout.models.outcome import ErrorInfo
from fanout.models.request import RetryPolicy

Mode = Literal["do", "undo"]
# A try of a step among those of a batch: index of the item, number of the step, mode, which try.
StepKey = tuple[int, int, Mode, int]
SagaStatus = Literal["succeeded", "failed", "compensated", "compensation_failed"]
MAX_STEPS = 10
MAX_NAME_CHARACTERS = 30
# Outputs travel through histories, all of an item's in one message.
MAX_OUTPUT_BYTES = 200


class StepPlan(Message):
    """A step as orchestrators see it.

    Attributes:
        after: Numbers of the steps that must be done before it.
        has_undo: Whether it can be undone.
    """

    name: str
    after: list[int] = Field(default_factory=list)
    has_undo: bool = False
    retry: RetryPolicy = RetryPolicy()


class SagaStart(Message):
    """A saga to begin.

    Attributes:
        index: Of the item, in the source.
        take: Which take of the saga it is.
    """

    index: int
    take: int = 1


class RunSagasResult(Message):
    """Result of `run_sagas`.

    Attributes:
        result: What the batch came to; None if some of its sagas have not ended.
        steps: Of those.
        sagas: Those, each of which goes on by itself.
    """

    result: BatchResult | None = None
    steps: list[StepPlan] = Field(default_factory=list)
    sagas: list[SagaStart] = Field(default_factory=list)


class SagaWork(Message):
    """Input of `saga`: one item of a batch.

    Attributes:
        saga: Which take of it. A saga that has ended is never taken up again; a redrive begins the
            next take, whose operations have keys of their own. Only where something could not be
            undone, it goes on with that in the same take.
        may_undo: Whether that may be so: it asks `find_undo` first.
    """

    batch: BatchRef
    steps: list[StepPlan]
    saga: SagaStart
    may_undo: bool = False


class StepCall(Message):
    """Input of `saga_step`: one try of one step, or of its undoing.

    Attributes:
        step: Its number in the plan.
        try_number: 1 is the first.
        outputs: Of the steps that are done, by name; for an undo, that of its own step.
        is_doubtful: For an undo: nobody knows whether the step was done.
    """

    batch: BatchRef
    saga: SagaStart
    step: int
    mode: Mode = "do"
    try_number: int = 1
    outputs: dict[str, Any] = Field(default_factory=dict)
    is_doubtful: bool = False

    @property
    def key(self) -> StepKey:
        """Which try it is."""
        return self.saga.index, self.step, self.mode, self.try_number


class StepResult(Message):
    """Result of `saga_step`.

    Attributes:
        error: Why it failed, its texts cut short; None if it is done.
        ended_ms: When it ended, by the clock of whoever did it: milliseconds since 1970.
        is_over: Whether the attempt of the run has ended, so that nothing was done.
        is_outage: Whether it failed because infrastructure did: that was no try of its own.
    """

    output: Any = None
    error: ErrorInfo | None = None
    ended_ms: int = 0
    is_over: bool = False
    is_outage: bool = False


class KeptStep(Message):
    """What one try of a step came to, as a row keeps it.

    Attributes:
        claim: Of the run that made it; another run of the same id has another.
    """

    claim: str = ""
    result: StepResult | None = None

    def result_for(self, claim: str) -> StepResult | None:
        """What it came to in the run that has this claim; None if that has not tried it."""
        return self.result if self.claim == claim else None


class StepNote(Message):
    """What one try of a step came to, in the log of a batch.

    Attributes:
        index: Of the item.
    """

    index: int
    step: int
    mode: Mode = "do"
    try_number: int = 1
    result: StepResult

    @property
    def key(self) -> StepKey:
        """Which try it was."""
        return self.index, self.step, self.mode, self.try_number


class SagaWave(Message):
    """An entry in the log of a batch of sagas: one wave of steps, of any of its sagas.

    Attributes:
        at_ms: When it ended, by the clock of whoever wrote it: milliseconds since 1970.
        notes: What its steps came to.
        is_last: Whether nothing may follow: the sagas that have not ended go on by themselves.
    """

    at_ms: int = 0
    notes: list[StepNote] = Field(default_factory=list)
    is_last: bool = False


class SagaTrace(Message):
    """What happened to the steps of a saga, by number.

    Attributes:
        done: In the order in which they were done.
        failed: Those given up on, the one that the saga failed for first; and those in doubt.
        undone: In the order in which they were undone.
        undo_failed: Those whose undoing was given up on.
    """

    done: list[int] = Field(default_factory=list)
    failed: list[int] = Field(default_factory=list)
    undone: list[int] = Field(default_factory=list)
    undo_failed: list[int] = Field(default_factory=list)


class SagaEnd(Message):
    """How a saga ended.

    Attributes:
        tries: Of the step that needed most.
        retries: Tries of steps beyond the first.
        outputs: Of the steps that are done, by name; of one that failed, those of the steps whose
            undoing failed.
        error: Why it failed, and if an undo failed, that too.
        cause: Why it failed, the undoing left out; None in records of earlier versions of the app.
    """

    status: SagaStatus
    trace: SagaTrace
    tries: int = 1
    retries: int = 0
    outputs: dict[str, Any] = Field(default_factory=dict)
    error: ErrorInfo | None = None
    cause: ErrorInfo | None = None


class SagaUndo(Message):
    """What is left of a saga that has failed: a redrive takes up what could not be undone.

    Attributes:
        trace: What happened to its steps before.
        cause: Why it failed.
        outputs: Of the steps that are to be undone, by name, as far as they were kept.
    """

    trace: SagaTrace
    cause: ErrorInfo
    outputs: dict[str, Any] = Field(default_factory=dict)


class FindUndoAsk(Message):
    """Input of `find_undo`: which saga of a batch."""

    batch: BatchRef
    saga: SagaStart


class FindUndoResult(Message):
    """Result of `find_undo`.

    Attributes:
        undo: What the saga is to take up; None if it begins with its first step.
        has_begun: Whether an earlier attempt may have begun it, too.
    """

    undo: SagaUndo | None = None
    has_begun: bool = False


class SagaRecord(Message):
    """Input of `record_saga`: how the saga of an item ended, and how long it took."""

    batch: BatchRef
    saga: SagaStart
    end: SagaEnd
    duration_ms: float = 0.0


class SagaItem(Message):
    """An item of a batch, as it was when the batch was opened.

    Attributes:
        take: Which take of its saga is to run.
        error: Why it has none: the item makes no sense.
        undo: What that take could not undo in an earlier attempt; None if it begins anew.
        has_begun: Whether an earlier attempt may have begun that take, and not come to its end:
            then each step may have taken effect, and is undone if the saga fails.
    """

    index: int
    item_id: str
    take: int = 1
    item: Any = None
    error: ErrorInfo | None = None
    undo: SagaUndo | None = None
    has_begun: bool = False

    @property
    def start(self) -> SagaStart:
        """Its saga."""
        return SagaStart(index=self.index, take=self.take)


class SagaBatch(Message):
    """The items of a batch that want a saga; sagas read them here, whatever the source becomes.

    Attributes:
        before: The outcomes of the batch so far, as lines.
        waves: What the batch did together, before some of its sagas went on apart.
        apart: Indices of those; None where an earlier version of the app wrote the batch, and all
            of them did.
    """

    items: list[SagaItem]
    before: str = ""
    waves: list[SagaWave] = Field(default_factory=list)
    apart: list[int] | None = None

    @property
    def with_instances(self) -> list[int]:
        """Indices of the items whose sagas have orchestrations of their own."""
        return [item.index for item in self.items] if self.apart is None else self.apart


class KeptSaga(Message):
    """How one take of an item's saga ended, and in which attempt of the run, as a blob keeps it."""

    attempt: int
    end: SagaEnd
    duration_ms: float

    @property
    def undo(self) -> SagaUndo | None:
        """What it has left to be undone; None if there is nothing."""
        cause = self.end.cause or self.end.error
        if self.end.status != "compensation_failed" or cause is None:
            return None
        return SagaUndo(trace=self._trace, cause=cause, outputs=self.end.outputs)

    @property
    def _trace(self) -> SagaTrace:
        """What happened; of records without a cause, which kept no outputs either, with doubts.

        An undo without the output of its step has to expect that the step was not done.
        """
        trace = self.end.trace
        if self.end.cause is not None:
            return trace
        doubtful = [step for step in trace.done if step in trace.undo_failed]
        done = [step for step in trace.done if step not in doubtful]
        return trace.model_copy(update={"done": done, "failed": [*trace.failed, *doubtful]})
