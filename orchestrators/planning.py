"""What a run waits for before its shards: its turn, the scans of a large blob, and its plan."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from fanout.durable import orchestration as durable
from fanout.messages.planning import ScanRef, ScanResult
from fanout.messages.run import RunInput
from fanout.naming import events, functions
from orchestrators.accounts import note_message
from orchestrators.calling import call_all_patiently
from orchestrators.calls import Activity
from orchestrators.scout import Beginning, call_begin, scout_event
from orchestrators.tasks import TaskResult, await_task

SCANS_AT_ONCE = 100
# Waits that one history holds, of eight events each: a small run is worked off in the same one.
WAITS_A_HISTORY = 10


@dataclass(frozen=True)
class Refusal:
    """Why there is nothing to do."""

    reason: str


def await_plan(context: Any, run: RunInput) -> Generator[Any, Any, Beginning | RunInput | Refusal]:
    """Wait for the turn of a run, and have its source planned.

    Whoever leaves a place wakes it by an event, which may be lost, or come twice, or early.

    Returns:
        What there is to do, or why there is nothing; or, where the history has grown or the run was
        woken in vain, how it goes on in a new one: the SDK would give an event that came early to
        every later wait as well.
    """
    news, is_awake = scout_event(context), False
    for _ in range(WAITS_A_HISTORY):
        beginning = yield from call_begin(context, run, news)
        if isinstance(beginning, TaskResult):
            return Refusal(str(beginning.failure))
        if beginning.result.wait_seconds is None:
            break
        if is_awake:
            return run
        is_awake = yield from _await_turn(context, beginning.result.wait_seconds)
    else:
        return run
    plan = beginning.result.plan
    if plan is None or not plan.scans:
        return beginning
    refusal = yield from _scan(context, run, plan.scans)
    return refusal or run.model_copy(update={"scanned": True})


def _await_turn(context: Any, seconds: float) -> Generator[Any, Any, bool]:
    """Wait for the event that it may be the turn of a run, for so long; tell whether it came."""
    event = durable.wait_for_event(context, events.TURN)
    timer = durable.start_timer(context, seconds)
    yield from await_task(durable.any_of(context, [event, timer]))
    note_message(context)
    has_come = durable.is_completed(event)
    if not durable.is_completed(timer):
        durable.cancel_timer(timer)
    if not has_come:
        durable.cancel_event(event)
    return has_come


def _scan(context: Any, run: RunInput, scans: int) -> Generator[Any, Any, Refusal | None]:
    """Scan all ranges of the source; gives why one could not be."""
    for first in range(0, scans, SCANS_AT_ONCE):
        numbers = range(first, min(first + SCANS_AT_ONCE, scans))
        calls = [
            Activity(context, functions.SCAN, run.message(ScanRef, number=number))
            for number in numbers
        ]
        for result in (yield from call_all_patiently(context, calls)):
            if result.failure is not None:
                return Refusal(result.failure)
            scan = ScanResult.model_validate(result.value)
            if scan.refusal is not None:
                return Refusal(scan.refusal)
    return None
