"""Yielding tasks without losing what the others came to.

`task_all` in SDK 1.x raises at the first child that fails and gives nothing of the rest
(https://github.com/Azure/azure-functions-durable-python/issues/428). Each child is then yielded
again: those that are complete answer at once, the others are waited for.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a task came to: its result, or the text of its failure."""

    result: Any = None
    failure: str | None = None


Waiting = Generator[Any, Any, Attempt]


def attempt(task: Any) -> Waiting:
    """Yield one task and return what it came to."""
    try:
        return Attempt((yield task))
    except Exception as failure:  # noqa: BLE001  the SDK raises Exception itself for a failed task
        return Attempt(failure=_reason(failure))


def _reason(failure: Exception) -> str:
    """The extension's reason, without the serialised .NET exception that the SDK appends to it."""
    return str(failure).partition(" \n ")[0] or type(failure).__name__


def attempt_all(context: Any, tasks: list[Any]) -> Generator[Any, Any, list[Attempt]]:
    """Yield tasks together and return what each came to, in order."""
    if not tasks:
        return []
    together = yield from attempt(context.task_all(tasks))
    if together.failure is None:
        return [Attempt(result) for result in together.result]
    ended = []
    for task in tasks:
        ended.append((yield from attempt(task)))
    return ended
