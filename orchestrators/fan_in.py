"""The orchestrator `fan_in`: from the part files of a run to its results, range by range.

The batches are divided into ranges before it begins.

1. write the result files of each range (activities, a wave of them at a time)
2. merge the partials of the ranges in a tree, neighbours first, until one is left (activities)
3. finalize: render, and list every file (activity)
4. continue as new before the history gets long, carrying only the position
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
from pydantic import BaseModel

from fanout.messages.fan_in import FanInWork, FinalizeRef, MergeRef, RangeRef
from fanout.messages.payloads import dump
from fanout.messages.tickets import answered_by_child
from fanout.naming import functions
from orchestrators.attempts import Attempt, persist, persist_all
from orchestrators.calls import Activity

bp = df.Blueprint()
Steps = Generator[Any, Any, Any]

# A call has five attempts at most: each is scheduled and ends, a timer is between two of them, and
# at worst each of these events has a turn of its own. Even then no history passes the budget.
EVENTS_A_CALL = 36
EVENT_BUDGET = 950


class FanInError(Exception):
    """An activity of the fan-in failed for good; the message has its reason."""


@bp.orchestration_trigger(context_name="context", orchestration=functions.FAN_IN)
def fan_in(context: df.DurableOrchestrationContext) -> Steps:
    """Write the results of a run; returns how it ended as a `RunEnd`."""
    work = FanInWork.model_validate(context.get_input())
    spent = EVENTS_A_CALL  # for `finalize`
    while wave := work.wave:
        spent += EVENTS_A_CALL * len(wave)
        if spent > EVENT_BUDGET:
            context.continue_as_new(dump(work))
            return None
        calls = [Activity(context, *_asked(work, number)) for number in wave]
        # All are waited for: one that is left behind could write over the files of a redrive.
        _check((yield from persist_all(context, calls)))
        work = work.after_wave
    last = FinalizeRef(**work.ref.model_dump(), ranges=work.width_of(0), level=work.top)
    end = yield from _needed(context, functions.FINALIZE, last)
    return answered_by_child(context.instance_id, end)


def _asked(work: FanInWork, number: int) -> tuple[str, BaseModel]:
    """What is asked of which activity for one range, or one partial of the merge tree."""
    whose = work.ref.model_dump(include={"run_id", "attempt", "claim", "trace"})
    if work.level == 0:
        return functions.WRITE_RESULTS, RangeRef(**whose, number=number)
    below = work.width_of(work.level - 1)
    return functions.MERGE_PARTIALS, MergeRef(**whose, level=work.level, number=number, below=below)


def _needed(context: Any, activity: str, message: BaseModel) -> Steps:
    """Call an activity without which there are no results."""
    ended = yield from persist(context, Activity(context, activity, message))
    _check([ended])
    return ended.result


def _check(ended: list[Attempt]) -> None:
    for one in ended:
        if one.failure is not None:
            raise FanInError(one.failure)
