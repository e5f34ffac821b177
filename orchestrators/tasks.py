"""What a task came to, be it a failure.

The SDK raises where a task has failed. What is looked at later is a value instead.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from fanout.durable import orchestration as durable
from fanout.messages.tickets import ForeignAnswer, read_answer
from fanout.naming.functions import AWAY, NOT_HERE
from orchestrators.accounts import note_answer
from orchestrators.calls import Call

# What the host says when a worker is gone, or is not there yet.
NO_WORKER = "initialized language workers"
_DEAD_WORKER = ("Non-Deterministic workflow detected", "language worker")
MISTAKEN = "the answer was that of another call"


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The value that a task gave, or the text of its failure."""

    value: Any = None
    failure: str | None = None

    @property
    def is_transient(self) -> bool:
        """Whether the reason passes: a worker died, a newer app is rolled out, storage is away."""
        return self._fails_by(*_DEAD_WORKER, *NOT_HERE, AWAY, MISTAKEN)

    @property
    def is_unserved(self) -> bool:
        """Whether it failed since nobody was there who could have tried it."""
        return self._fails_by(NO_WORKER, *NOT_HERE, MISTAKEN)

    @property
    def is_mistaken(self) -> bool:
        """Whether the answer was that of another call."""
        return self.failure == MISTAKEN

    def _fails_by(self, *reasons: str) -> bool:
        failure = self.failure
        return failure is not None and any(reason in failure for reason in reasons)

    def as_answer_to(self, call: Call) -> "TaskResult":
        """What it says as the answer to a call; to be asked once, since what was used is noted."""
        note_answer(call.context, self.value)
        if self.failure is not None:
            return self
        answer = read_answer(self.value, call.ticket)
        return (
            TaskResult(failure=MISTAKEN)
            if isinstance(answer, ForeignAnswer)
            else TaskResult(answer)
        )


Waiting = Generator[Any, Any, TaskResult]
AllWaiting = Generator[Any, Any, list[TaskResult]]


def await_task(task: Any) -> Waiting:
    """Yield one task and return what it came to."""
    try:
        return TaskResult((yield task))
    except Exception as failure:  # noqa: BLE001  the SDK raises Exception itself for a failed task
        return TaskResult(failure=durable.failure_text(failure))


def await_all(context: Any, tasks: list[Any]) -> AllWaiting:
    """Yield tasks together and return what each came to, in order.

    "All" raises where one fails and gives nothing of the rest
    (https://github.com/Azure/azure-functions-durable-python/issues/428). So each is looked at then:
    those that are complete answer at once, the others are waited for.
    """
    if not tasks:
        return []
    together = yield from await_task(durable.all_of(context, tasks))
    if together.failure is None:
        return [TaskResult(value) for value in together.value]
    results = []
    for task in tasks:
        results.append((yield from await_task(task)))
    return results


def result_of(task: Any) -> TaskResult:
    """What a task came to that is complete."""
    failure = durable.failure_of(task)
    if failure is not None:
        return TaskResult(failure=durable.failure_text(failure))
    return TaskResult(durable.value_of(task))
