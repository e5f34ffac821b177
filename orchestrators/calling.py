"""Making calls, and making those again that fail in passing.

An orchestration whose turn meets no worker, because that has just died, fails: the extension takes
it for one whose code has changed. It is started again under its own id, which puts an end to
whatever its earlier execution has left behind.

An answer that is another's (`fanout.messages.tickets`) is none: the call is made again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fanout.durable import orchestration as durable
from fanout.policies import FIRST_REST_SECONDS, MAX_REST_SECONDS, PATIENCE
from orchestrators.calls import Call
from orchestrators.clock import now
from orchestrators.sleep import sleep
from orchestrators.tasks import AllWaiting, TaskResult, Waiting, await_all, result_of

# How often a call is made again, at once, that got the answer of another.
MAX_MISTAKEN = 20


def call_all(context: Any, calls: Sequence[Call]) -> AllWaiting:
    """Make calls together, each once, and return what each came to, in order."""
    results: dict[int, TaskResult] = {}
    unanswered = list(range(len(calls)))
    for _ in range(MAX_MISTAKEN):
        latest = yield from await_all(context, [calls[number]() for number in unanswered])
        for number, result in zip(unanswered, latest, strict=True):
            results[number] = result.as_answer_to(calls[number])
        unanswered = [number for number in unanswered if results[number].is_mistaken]
        if not unanswered:
            break
    return [results[number] for number in range(len(calls))]


def call_patiently(context: Any, call: Call) -> Waiting:
    """Make a call, and again as long as it fails in passing."""
    (result,) = yield from call_all_patiently(context, [call])
    return result


def call_insistently(context: Any, call: Call) -> Waiting:
    """Make a call, and again for `PATIENCE` whatever it fails for.

    For what only storage can fail, and without which nothing goes on.
    """
    since, rest = now(context), FIRST_REST_SECONDS
    while True:
        (result,) = yield from call_all(context, [call])
        if result.failure is None or now(context) - since >= PATIENCE:
            return result
        yield from sleep(context, rest)
        rest = min(2 * rest, MAX_REST_SECONDS)


def call_all_patiently(context: Any, calls: Sequence[Call]) -> AllWaiting:
    """Make all calls together; those that fail in passing are made again.

    One is made again while the others go on, but not before a rest, and not for ever: when nothing
    has come of any for `PATIENCE`, failures are final. In which order they are made again depends
    on the order of answers; what an answer is to, it says itself.
    """
    tasks = {number: call() for number, call in enumerate(calls)}
    results: dict[int, TaskResult] = {}
    rest, failing_since = FIRST_REST_SECONDS, None
    while tasks:
        yield from durable.await_all_or_failure(context, list(tasks.values()))
        latest = {
            number: result_of(task).as_answer_to(calls[number])
            for number, task in tasks.items()
            if durable.is_completed(task)
        }
        if any(result.failure is None for result in latest.values()):
            rest, failing_since = FIRST_REST_SECONDS, None
        failing_since = _failing_since(context, failing_since, latest)
        is_patient = failing_since is None or now(context) - failing_since < PATIENCE
        again = [n for n, result in latest.items() if result.is_transient and is_patient]
        results |= {n: result for n, result in latest.items() if n not in again}
        tasks = {n: task for n, task in tasks.items() if n not in latest}
        if any(not latest[n].is_mistaken for n in again):
            yield from sleep(context, rest)
            rest = min(2 * rest, MAX_REST_SECONDS)
        tasks |= {n: calls[n]() for n in again}
    return [results[number] for number in range(len(calls))]


def _failing_since(
    context: Any, since: datetime | None, latest: dict[int, TaskResult]
) -> datetime | None:
    if since is None and any(result.is_transient for result in latest.values()):
        return now(context)
    return since
