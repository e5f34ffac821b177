"""What an orchestrator asks of the SDK 1.x.

There a task is scheduled when it is yielded, has one parent at most, and tells of its failure by a
result that is an exception.
"""

from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import azure.durable_functions as df


def adapt(function: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """An orchestrator as the SDK wants it: it takes the context alone, which has the input."""

    @wraps(function)
    def run(context: Any) -> Any:
        return function(context, context.get_input())

    return run


def now(context: Any) -> datetime:
    """The time of the orchestration, aware: that of its history, the same in every replay."""
    time: datetime = context.current_utc_datetime
    return time.replace(tzinfo=UTC)


def call_activity(context: Any, name: str, message: Any) -> Any:
    """Call an activity, once."""
    return context.call_activity(name, message)


def call_activity_with_retry(
    context: Any, name: str, message: Any, interval_ms: int, max_tries: int
) -> Any:
    """Call an activity, and let the SDK call it again after an interval when it fails."""
    options = df.RetryOptions(interval_ms, max_tries)
    return context.call_activity_with_retry(name, options, message)


def call_child(context: Any, name: str, message: Any, instance: str) -> Any:
    """Start a sub-orchestration under an id of its own."""
    return context.call_sub_orchestrator(name, message, instance)


def start_timer(context: Any, seconds: float) -> Any:
    """Start a timer."""
    return context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))


def wait_for_event(context: Any, name: str) -> Any:
    """Wait for an event; the SDK gives one that came early to every later wait of its name."""
    return context.wait_for_external_event(name)


def cancel_timer(timer: Any) -> None:
    """Have nobody wait for a timer that has not fired."""
    timer.cancel()


def cancel_event(event: Any) -> None:
    """Wait for an event no more: nothing is to be done, for each wait of its name is told of it."""


def all_of(context: Any, tasks: list[Any]) -> Any:
    """A task that gives all results, or raises as soon as one has failed."""
    return context.task_all(tasks)


def any_of(context: Any, tasks: list[Any]) -> Any:
    """A task that ends with the first of them."""
    return context.task_any(tasks)


def await_all_or_failure(context: Any, tasks: list[Any]) -> Generator[Any, Any, None]:
    """Wait until all have ended, or one has failed; which, they say themselves."""
    try:
        yield context.task_all(tasks)
    except Exception:  # noqa: BLE001  the SDK raises Exception itself for a failed task
        return


def release(context: Any, tasks: list[Any]) -> None:
    """Let tasks that go on be part of what was yielded no more.

    With a failure among them, the SDK has "all" end twice: the second time, at the last of them,
    breaks the orchestration, unless they have become those of another by then.
    """
    context.task_all(tasks)


def continue_as_new(context: Any, message: Any) -> None:
    """Go on in a new history; the orchestrator returns then."""
    context.continue_as_new(message)


def is_completed(task: Any) -> bool:
    """Whether a task has ended, well or badly."""
    return bool(task.is_completed)


def failure_of(task: Any) -> Exception | None:
    """What a task that has ended failed by."""
    return task.result if isinstance(task.result, Exception) else None


def value_of(task: Any) -> Any:
    """What a task that has ended well gave."""
    return task.result


def failure_text(failure: Exception) -> str:
    """The extension's reason, without the serialised .NET exception that the SDK appends to it."""
    return str(failure).partition(" \n ")[0] or type(failure).__name__
