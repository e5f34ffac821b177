"""A saga as a pure state machine: which steps may begin, what is to be undone, and how it ended.

Steps whose dependencies are done run together. When one fails for good, nothing more begins; then
what was done is undone, one step at a time, the last to be done first. A step that was not refused
at its first try may have taken effect, whatever became of it later: it is in doubt, and is undone
as well. So is each step of a saga that an earlier attempt has begun and nobody has seen the end of.

While infrastructure is away, neither a step nor its undoing counts as tried: both wait for it, as
long as activities do. What could not be undone at all is left to a redrive, which goes on there.

Source: H. Garcia-Molina, K. Salem, "Sagas", SIGMOD 1987.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from fanout.messages.payloads import shorten
from fanout.messages.sagas import (
    Mode,
    SagaEnd,
    SagaStatus,
    SagaTrace,
    SagaUndo,
    StepPlan,
    StepResult,
)
from fanout.models.outcome import ErrorInfo
from fanout.naming.error_types import ErrorType
from fanout.policies import backoff_seconds, is_patience_over, outage_rest_seconds

# How often a step is tried again when its activity, not the step, fails.
MAX_BREAKDOWNS: dict[Mode, int] = {"do": 5, "undo": 12}
FIRST_REPAIR_SECONDS = 2.0
MAX_REPAIR_SECONDS = 120.0
MAX_MESSAGE_BYTES = 600
MAX_REASON_BYTES = 250
# How doing or undoing a step goes. One in doubt may have taken effect, or may still.
CourseStatus = Literal["waiting", "trying", "done", "failed", "doubtful"]
_OPEN: tuple[CourseStatus, ...] = ("waiting", "trying")


@dataclass(frozen=True, slots=True)
class Call:
    """A step to do or undo: its number, and which try it is."""

    step: int
    mode: Mode
    try_number: int
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The activity of a call failed, and not the step: why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Move:
    """What to do next: these calls, all together; or wait; or nothing, for the saga has ended."""

    calls: tuple[Call, ...] = ()
    until: datetime | None = None


@dataclass(slots=True)
class _Course:
    """How doing or undoing a step goes.

    Attributes:
        tries: How often it was tried, those included that met an outage.
        outages: How many of these did.
        away_since: Since when infrastructure has been away; None if it was there last.
        due: When it may be tried again; None at once.
    """

    status: CourseStatus = "waiting"
    tries: int = 0
    outages: int = 0
    away_since: datetime | None = None
    breakdowns: int = 0
    due: datetime | None = None
    error: ErrorInfo | None = None

    @property
    def own_tries(self) -> int:
        """How often it was tried while infrastructure was there; what was tried counts once."""
        return max(min(1, self.tries), self.tries - self.outages)


@dataclass(slots=True)
class _Step:
    plan: StepPlan
    do: _Course = field(default_factory=_Course)
    undo: _Course = field(default_factory=_Course)
    output: Any = None
    ended: tuple[int, int] = (0, 0)


class Saga:
    """The saga of one item; give it what its calls came to, and it says what comes next."""

    def __init__(
        self,
        steps: Sequence[StepPlan],
        *seeds: object,
        undo: SagaUndo | None = None,
        has_begun: bool = False,
    ) -> None:
        """Begin a saga, or take up what it could not undo.

        Args:
            steps: Its steps.
            seeds: They tell its waits from others'.
            undo: What an earlier attempt could not undo.
            has_begun: Whether an earlier attempt may have begun it and not come to its end.
        """
        self._steps = [_Step(plan) for plan in steps]
        self._seeds = seeds
        self._has_begun = has_begun
        self._wave = 0
        self._undone: list[int] = []
        self._cause: _Step | None = None
        if undo is not None:
            self._take_up(undo)

    def _take_up(self, undo: SagaUndo) -> None:
        """Put the steps where an earlier attempt has left them; what was undone stays so."""
        trace = undo.trace
        for order, number in enumerate([*trace.done, *trace.failed]):
            step = self._steps[number]
            is_done = number in trace.done
            is_left = number in (*trace.undone, *trace.undo_failed)
            step.do.status = "done" if is_done else "doubtful" if is_left else "failed"
            step.ended, step.output = (0, order), undo.outputs.get(step.plan.name)
        for number in trace.undone:
            self._steps[number].undo.status = "done"
        self._undone = list(trace.undone)
        self._cause = self._steps[trace.failed[0]]
        self._cause.do.error = undo.cause

    def move(self, now: datetime) -> Move:
        """Say what to do next."""
        if self._has_failed:
            return self._move_backward(now)
        return self._move_forward(now)

    @property
    def _has_failed(self) -> bool:
        return self._cause is not None

    def _move_forward(self, now: datetime) -> Move:
        waiting = [n for n, step in enumerate(self._steps) if self._may_begin(step)]
        return self._next_move(waiting, "do", now)

    def _may_begin(self, step: _Step) -> bool:
        is_open = step.do.status in _OPEN
        return is_open and all(self._steps[n].do.status == "done" for n in step.plan.after)

    def _move_backward(self, now: datetime) -> Move:
        due = [n for n in self._to_undo() if self._steps[n].undo.status in _OPEN]
        return self._next_move(due[:1], "undo", now)

    def _to_undo(self) -> list[int]:
        """The steps to undo, the last to be done first."""
        numbers = [
            n
            for n, step in enumerate(self._steps)
            if step.do.status in ("done", "doubtful") and step.plan.has_undo
        ]
        return sorted(numbers, key=lambda n: (*self._steps[n].ended, n), reverse=True)

    def _next_move(self, numbers: Iterable[int], mode: Mode, now: datetime) -> Move:
        courses = {n: self._course(n, mode) for n in numbers}
        ready = [n for n, course in courses.items() if course.due is None or course.due <= now]
        if not ready:
            return Move(until=min((c.due for c in courses.values() if c.due), default=None))
        return Move(calls=tuple(self._call(n, mode) for n in ready))

    def _call(self, number: int, mode: Mode) -> Call:
        is_doubtful = mode == "undo" and self._steps[number].do.status == "doubtful"
        return Call(number, mode, self._course(number, mode).tries + 1, is_doubtful)

    def _course(self, number: int, mode: Mode) -> _Course:
        step = self._steps[number]
        return step.do if mode == "do" else step.undo

    def outputs(self, call: Call) -> dict[str, Any]:
        """The outputs that a call may look at."""
        if call.mode == "undo":
            step = self._steps[call.step]
            return {} if step.output is None else {step.plan.name: step.output}
        return self._outputs()

    def _outputs(self) -> dict[str, Any]:
        done = (step for step in self._steps if step.do.status == "done")
        return {step.plan.name: step.output for step in done if step.output is not None}

    def note(self, now: datetime, results: Iterable[tuple[Call, StepResult | Breakdown]]) -> None:
        """Take note of what the calls of a move came to."""
        self._wave += 1
        for call, result in results:
            self._note(now, call, result)
        if self._has_failed:
            self._doubt_what_is_open()

    def _doubt_what_is_open(self) -> None:
        """What was to be tried again is left as it is, and may have taken effect.

        So may what an earlier attempt has begun, after all that it depends on.
        """
        for number, step in enumerate(self._steps):
            if step.do.status == "trying":
                step.do.status = "doubtful"
            elif self._has_begun and step.do.status == "waiting" and step.plan.has_undo:
                step.do.status = "doubtful"
                step.ended = (self._wave + self._depth(number), 0)

    def _depth(self, number: int) -> int:
        """How many steps there are on the longest way to one, that one included."""
        return 1 + max(map(self._depth, self._steps[number].plan.after), default=0)

    def _note(self, now: datetime, call: Call, result: StepResult | Breakdown) -> None:
        step, course = self._steps[call.step], self._course(call.step, call.mode)
        if isinstance(result, Breakdown):
            self._note_breakdown(now, call, result.reason)
        elif result.error is None:
            course.status, course.tries = "done", call.try_number
            if call.mode == "do":
                step.output = result.output
        elif result.is_outage:
            self._note_outage(now, call, result.error)
        else:
            self._note_error(now, call, result.error)
        ended_ms = 0 if isinstance(result, Breakdown) else result.ended_ms
        if call.mode == "do":
            step.ended = (self._wave, ended_ms)
            if self._cause is None and course.status in ("failed", "doubtful"):
                self._cause = step
        elif course.status == "done":
            self._undone.append(call.step)

    def _note_breakdown(self, now: datetime, call: Call, reason: str) -> None:
        course = self._course(call.step, call.mode)
        course.breakdowns += 1
        course.status = "trying"
        if course.breakdowns < MAX_BREAKDOWNS[call.mode]:
            seconds = FIRST_REPAIR_SECONDS * 2.0 ** (course.breakdowns - 1)
            course.due = now + timedelta(seconds=min(MAX_REPAIR_SECONDS, seconds))
            return
        course.status = "doubtful" if call.mode == "do" else "failed"
        course.error = ErrorInfo(type=ErrorType.LOST_STEP, message=reason)

    def _note_outage(self, now: datetime, call: Call, error: ErrorInfo) -> None:
        course = self._course(call.step, call.mode)
        course.tries, course.error, course.breakdowns = call.try_number, error, 0
        course.outages += 1
        course.away_since = course.away_since or now
        away = now - course.away_since
        if not is_patience_over(away):
            course.status = "trying"
            course.due = now + timedelta(seconds=outage_rest_seconds(away))
            return
        course.status = "doubtful" if call.mode == "do" else "failed"

    def _note_error(self, now: datetime, call: Call, error: ErrorInfo) -> None:
        step, course = self._steps[call.step], self._course(call.step, call.mode)
        was_tried = self._has_begun or call.try_number > 1 or course.breakdowns > 0
        course.tries, course.error, course.breakdowns = call.try_number, error, 0
        course.away_since = None
        policy, own_tries = step.plan.retry, course.own_tries
        if error.retryable and own_tries < policy.max_attempts:
            course.status = "trying"
            seeds = (*self._seeds, call.step, call.mode)
            asked_seconds = error.retry_after or 0.0
            wait = backoff_seconds(policy, own_tries, *seeds, at_least_seconds=asked_seconds)
            course.due = now + timedelta(seconds=wait)
        elif call.mode == "do" and (error.retryable or was_tried):
            course.status = "doubtful"
        else:
            course.status = "failed"

    def end(self) -> SagaEnd:
        """How it ended; to be asked when there is no move left."""
        tries = [step.do.own_tries for step in self._steps]
        return SagaEnd(
            status=self._status(),
            trace=self._trace(),
            tries=max([1, *tries]),
            retries=sum(max(0, count - 1) for count in tries),
            outputs=self._outputs_to_undo() if self._has_failed else self._outputs(),
            error=self._error(),
            cause=self._cause.do.error if self._cause is not None else None,
        )

    def _outputs_to_undo(self) -> dict[str, Any]:
        """The outputs that whoever undoes what is left may look at."""
        left = (step for step in self._steps if step.undo.status == "failed")
        return {step.plan.name: step.output for step in left if step.output is not None}

    def _status(self) -> SagaStatus:
        if not self._has_failed:
            return "succeeded"
        if any(step.undo.status == "failed" for step in self._steps):
            return "compensation_failed"
        return "compensated" if self._undone else "failed"

    def _trace(self) -> SagaTrace:
        numbers = range(len(self._steps))
        done = [n for n in numbers if self._steps[n].do.status == "done"]
        failed = [n for n in numbers if self._steps[n].do.status in ("failed", "doubtful")]
        return SagaTrace(
            done=sorted(done, key=lambda n: (*self._steps[n].ended, n)),
            failed=sorted(failed, key=self._order_of_failure),
            undone=list(self._undone),
            undo_failed=[n for n in numbers if self._steps[n].undo.status == "failed"],
        )

    def _order_of_failure(self, number: int) -> tuple[bool, tuple[int, int], int]:
        """What the saga failed for comes first; whoever takes it up undoes the last first."""
        step = self._steps[number]
        return (step is not self._cause, step.ended, number)

    def _error(self) -> ErrorInfo | None:
        if self._cause is None:
            return None
        parts = [_describe_failure(self._cause.plan.name, self._cause.do.error)]
        parts += [
            f"to undo {_describe_failure(step.plan.name, step.undo.error)}"
            for step in self._steps
            if step.undo.status == "failed"
        ]
        kind = self._cause.do.error.type if self._cause.do.error else ErrorType.LOST_STEP
        return ErrorInfo(type=kind, message=shorten("; ".join(parts), MAX_MESSAGE_BYTES))


def _describe_failure(name: str, error: ErrorInfo | None) -> str:
    return f"{name}: {shorten(error.message if error else '', MAX_REASON_BYTES)}"
