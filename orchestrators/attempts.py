"""Yielding tasks without losing what the others came to, and starting again what fails in passing.

`task_all` in SDK 1.x raises at the first child that fails and gives nothing of the rest
(https://github.com/Azure/azure-functions-durable-python/issues/428). Each child is then looked at:
those that are complete answer at once, the others are waited for.

An orchestration whose turn meets no worker, because that has just died, fails: the extension takes
it for one whose code has changed. It is started again under its own id, which puts an end to
whatever its earlier execution has left behind.

An answer that is another's (`fanout.messages.tickets`) is none: the call is made again.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fanout.messages.tickets import NotItsAnswer, opened
from fanout.naming.functions import NOT_HERE
from orchestrators.calls import Call
from orchestrators.clock import now

# What the host says when a worker is gone, or is not there yet.
NO_WORKER = "initialized language workers"
_DEAD_WORKER = ("Non-Deterministic workflow detected", "language worker")
# For so long what fails in passing is tried again; a roll-out may take some minutes.
PATIENCE = timedelta(minutes=10)
FIRST_REST_SECONDS = 2.0
MAX_REST_SECONDS = 30.0
# How early a timer may fire; a wait that was cut short goes on with so much to spare.
TIMER_GRAIN_SECONDS = 1.0
# How often a call is made again, at once, that got the answer of another.
MAX_MISTAKEN = 20
MISTAKEN = "the answer was that of another call"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a task came to: its result, or the text of its failure."""

    result: Any = None
    failure: str | None = None

    @property
    def is_passing(self) -> bool:
        """Whether the reason passes: a worker died, or a newer app is being rolled out."""
        return self.failure is not None and any(
            text in self.failure for text in (*_DEAD_WORKER, *NOT_HERE, MISTAKEN)
        )

    @property
    def is_unserved(self) -> bool:
        """Whether it failed since nobody was there who could have tried it."""
        return self.failure is not None and any(
            text in self.failure for text in (NO_WORKER, *NOT_HERE, MISTAKEN)
        )

    @property
    def is_mistaken(self) -> bool:
        """Whether the answer was that of another call."""
        return self.failure == MISTAKEN

    def to(self, call: Call) -> "Attempt":
        """What it says as the answer to a call."""
        if self.failure is not None:
            return self
        said = opened(self.result, call.ticket)
        return Attempt(failure=MISTAKEN) if isinstance(said, NotItsAnswer) else Attempt(said)


Waiting = Generator[Any, Any, Attempt]
AllWaiting = Generator[Any, Any, list[Attempt]]


def attempt(task: Any) -> Waiting:
    """Yield one task and return what it came to."""
    try:
        return Attempt((yield task))
    except Exception as failure:  # noqa: BLE001  the SDK raises Exception itself for a failed task
        return Attempt(failure=_reason(failure))


def _reason(failure: Exception) -> str:
    """The extension's reason, without the serialised .NET exception that the SDK appends to it."""
    return str(failure).partition(" \n ")[0] or type(failure).__name__


def sleep(context: Any, seconds: float) -> Generator[Any, Any, None]:
    """Wait so long, or up to a second longer; never less, whenever the timer fires.

    The queues of Azure Storage hide a message for whole seconds, so the engine may fire a timer
    almost a second early. What comes may also be the answer, or failure, of what had its number.
    """
    until, margin = now(context) + timedelta(seconds=seconds), 0.0
    while (left := (until - now(context)).total_seconds()) > 0:
        fires = context.current_utc_datetime + timedelta(seconds=left + margin)
        yield from attempt(context.create_timer(fires))
        margin = TIMER_GRAIN_SECONDS


def attempt_all(context: Any, calls: Sequence[Call]) -> AllWaiting:
    """Make calls together and return what each came to, in order."""
    ended: dict[int, Attempt] = {}
    unanswered = list(range(len(calls)))
    for _ in range(MAX_MISTAKEN):
        found = yield from _each(context, [calls[number]() for number in unanswered])
        ended |= {n: one.to(calls[n]) for n, one in zip(unanswered, found, strict=True)}
        unanswered = [number for number in unanswered if ended[number].is_mistaken]
        if not unanswered:
            break
    return [ended[number] for number in range(len(calls))]


def _each(context: Any, tasks: list[Any]) -> AllWaiting:
    if not tasks:
        return []
    together = yield from attempt(context.task_all(tasks))
    if together.failure is None:
        return [Attempt(result) for result in together.result]
    ended = []
    for task in tasks:
        ended.append((yield from attempt(task)))
    return ended


def persist(context: Any, call: Call) -> Waiting:
    """Make a call, and again as long as it fails in passing."""
    ended = yield from persist_all(context, [call])
    return ended[0]


def insist(context: Any, call: Call) -> Waiting:
    """Make a call, and again for `PATIENCE` whatever it fails for.

    For what only storage can fail, and without which nothing goes on.
    """
    since, rest = now(context), FIRST_REST_SECONDS
    while True:
        (ended,) = yield from attempt_all(context, [call])
        if ended.failure is None or now(context) - since >= PATIENCE:
            return ended
        yield from sleep(context, rest)
        rest = min(2 * rest, MAX_REST_SECONDS)


def persist_all(context: Any, calls: Sequence[Call]) -> AllWaiting:
    """Make all calls together; those that fail in passing are made again.

    One is made again while the others go on, but not before a rest, and not for ever: when nothing
    has come of any for `PATIENCE`, failures are final. In which order they are made again depends
    on the order of answers; what an answer is to, it says itself.
    """
    tasks = {number: call() for number, call in enumerate(calls)}
    ended: dict[int, Attempt] = {}
    rest, failing_since = FIRST_REST_SECONDS, None
    while tasks:
        yield from attempt(context.task_all(list(tasks.values())))
        done = {n: _outcome(task).to(calls[n]) for n, task in tasks.items() if task.is_completed}
        if any(one.failure is None for one in done.values()):
            rest, failing_since = FIRST_REST_SECONDS, None
        failing_since = _since(context, failing_since, done)
        is_patient = failing_since is None or now(context) - failing_since < PATIENCE
        again = [n for n, one in done.items() if one.is_passing and is_patient]
        ended |= {n: one for n, one in done.items() if n not in again}
        tasks = {n: task for n, task in tasks.items() if n not in done}
        if any(not done[n].is_mistaken for n in again):
            yield from sleep(context, rest)
            rest = min(2 * rest, MAX_REST_SECONDS)
        tasks |= {n: calls[n]() for n in again}
    return [ended[number] for number in range(len(calls))]


def _outcome(task: Any) -> Attempt:
    if isinstance(task.result, Exception):
        return Attempt(failure=_reason(task.result))
    return Attempt(task.result)


def _since(context: Any, known: datetime | None, done: dict[int, Attempt]) -> datetime | None:
    if known is None and any(one.is_passing for one in done.values()):
        return now(context)
    return known
