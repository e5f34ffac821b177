"""The orchestrator `fan_in`: from the part files of a run to its results, range by range.

The batches are divided into ranges before it begins.

1. write the result files of each range (activities, a wave of them at a time)
2. merge the partials of the ranges in a tree, neighbours first, until one is left (activities)
3. finalize: render, and list every file (activity)
4. continue as new before the history gets long, carrying only the position
"""

from collections.abc import Generator
from typing import Any

from fanout.durable.app import Blueprint, orchestrator
from fanout.durable.orchestration import continue_as_new
from fanout.messages.fan_in import FanInWork, FinalizeAsk, MergeRef, RangeRef
from fanout.messages.payloads import dump
from fanout.messages.tickets import answer_as_child
from fanout.naming import functions
from orchestrators.accounts import open_account, usage_of
from orchestrators.calling import call_all_patiently, call_patiently
from orchestrators.calls import Activity
from orchestrators.tasks import TaskResult

bp = Blueprint()
Steps = Generator[Any, Any, Any]

# A call is tried five times at most: each try is scheduled and ends, a timer is between two, and at
# worst each of these events has a turn of its own. Even then no history passes the budget.
EVENTS_A_CALL = 36
EVENT_BUDGET = 950


class FanInError(Exception):
    """An activity of the fan-in failed for good; the message has its reason."""


@orchestrator(bp, functions.FAN_IN)
def fan_in(context: Any, given: Any) -> Steps:
    """Write the results of a run; returns how it ended as a `RunEnd`."""
    work = FanInWork.model_validate(given)
    open_account(context, work.usage)
    events = EVENTS_A_CALL  # for `finalize`
    while wave := work.wave:
        events += EVENTS_A_CALL * len(wave)
        if events > EVENT_BUDGET:
            continue_as_new(context, dump(work.model_copy(update={"usage": usage_of(context)})))
            return None
        calls = [_wave_call(context, work, number) for number in wave]
        # All are waited for: one that is left behind could write over the files of a redrive.
        for result in (yield from call_all_patiently(context, calls)):
            _insist_on_success(result)
        work = work.after_wave
    end = yield from _finalize(context, work)
    return answer_as_child(context.instance_id, end, usage_of(context))


def _wave_call(context: Any, work: FanInWork, number: int) -> Activity:
    """The call for one range, or for one partial of the merge tree."""
    if work.level == 0:
        return Activity(context, functions.WRITE_RESULTS, work.message(RangeRef, number=number))
    below = work.width_of(work.level - 1)
    merge = work.message(MergeRef, level=work.level, number=number, below=below)
    return Activity(context, functions.MERGE_PARTIALS, merge)


def _finalize(context: Any, work: FanInWork) -> Steps:
    ask = work.message(
        FinalizeAsk,
        verdict=work.verdict,
        ranges=work.width_of(0),
        level=work.top,
        used_before=work.used_before.plus(usage_of(context)),
    )
    result = yield from call_patiently(context, Activity(context, functions.FINALIZE, ask))
    _insist_on_success(result)
    return result.value


def _insist_on_success(result: TaskResult) -> None:
    if result.failure is not None:
        raise FanInError(result.failure)
