"""What an orchestrator asks of the SDK 2.x, in words of `durabletask`.

There a task is scheduled when it is made, may be part of several others, and raises when the result
of a failure is asked for. "All" ends when the last has ended, also after a failure.
"""

from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

from durabletask.task import RetryPolicy, TaskFailedError, when_all, when_any


def adapt(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An orchestrator as the SDK wants it: with two parameters it gets durabletask's context."""
    return function


def now(context: Any) -> datetime:
    """The time of the orchestration, aware: that of its history, the same in every replay."""
    time: datetime = context.current_utc_datetime
    return time.replace(tzinfo=UTC)


def call_activity(context: Any, name: str, message: Any) -> Any:
    """Call an activity, once."""
    return context.call_activity(name, input=message)


def call_activity_with_retry(
    context: Any, name: str, message: Any, interval_ms: int, max_tries: int
) -> Any:
    """Call an activity, and let the SDK call it again after an interval when it fails."""
    policy = RetryPolicy(
        first_retry_interval=timedelta(milliseconds=interval_ms), max_number_of_attempts=max_tries
    )
    return context.call_activity(name, input=message, retry_policy=policy)


def call_child(context: Any, name: str, message: Any, instance: str) -> Any:
    """Start a sub-orchestration under an id of its own."""
    return context.call_sub_orchestrator(name, input=message, instance_id=instance)


def start_timer(context: Any, seconds: float) -> Any:
    """Start a timer."""
    return context.create_timer(timedelta(seconds=seconds))


def wait_for_event(context: Any, name: str) -> Any:
    """Wait for an event; each goes to one wait of its name: the oldest that is not cancelled."""
    return context.wait_for_external_event(name)


def cancel_timer(timer: Any) -> None:
    """Have nobody wait for a timer that has not fired."""
    timer.cancel()


def cancel_event(event: Any) -> None:
    """Wait for an event no more, so that the next one goes to a later wait of its name."""
    event.cancel()


def all_of(context: Any, tasks: list[Any]) -> Any:
    """A task that gives all results, or raises once all have ended and one has failed."""
    return when_all(tasks)


def any_of(context: Any, tasks: list[Any]) -> Any:
    """A task that ends with the first of them."""
    return when_any(tasks)


def await_all_or_failure(context: Any, tasks: list[Any]) -> Generator[Any, Any, None]:
    """Wait until all have ended, or one has failed; which, they say themselves."""
    running = [task for task in tasks if not task.is_complete]
    while running and not any(task.is_failed for task in tasks):
        yield when_any(running)
        running = [task for task in running if not task.is_complete]


def release(context: Any, tasks: list[Any]) -> None:
    """Let tasks that go on be part of what was yielded no more: here they may be part of more."""


def continue_as_new(context: Any, message: Any) -> None:
    """Go on in a new history; the orchestrator returns then."""
    context.continue_as_new(message)


def is_completed(task: Any) -> bool:
    """Whether a task has ended, well or badly."""
    return bool(task.is_complete)


def failure_of(task: Any) -> Exception | None:
    """What a task that has ended failed by."""
    failure: Exception | None = task.get_exception() if task.is_failed else None
    return failure


def value_of(task: Any) -> Any:
    """What a task that has ended well gave."""
    return task.get_result()


def failure_text(failure: Exception) -> str:
    """The reason: the type of the error, without its module, and what it says."""
    if not isinstance(failure, TaskFailedError):
        return str(failure) or type(failure).__name__
    details = failure.details
    kind = details.error_type.rpartition(".")[2]
    return f"{kind}: {details.message}" if details.message else kind
