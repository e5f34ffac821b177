"""The orchestrator `queued_run`: holds a run of a schedule back until the earlier ones have ended.

1. ask whether it is its turn, and if so start it (activity)
2. while it is not, wait and ask again; continue as new now and then
"""

from collections.abc import Generator
from typing import Any

from fanout.durable.app import Blueprint, orchestrator
from fanout.durable.orchestration import continue_as_new
from fanout.messages.payloads import dump
from fanout.messages.run import QueuedRun, StartInTurnAsk
from fanout.naming import functions
from orchestrators.calling import call_patiently
from orchestrators.calls import Activity
from orchestrators.sleep import sleep

bp = Blueprint()
MAX_POLLS = 40


class QueueError(Exception):
    """Nobody could say whether it is the run's turn; the message has the reason."""


@orchestrator(bp, functions.QUEUED_RUN)
def queued_run(context: Any, given: Any) -> Generator[Any, Any, None]:
    """Start a run when it is its turn."""
    queued = QueuedRun.model_validate(given)
    ask = queued.message(
        StartInTurnAsk,
        max_runs=queued.max_runs,
        owner=queued.owner,
        claimed_at=queued.claimed_at,
        schedule=queued.schedule,
    )
    for _ in range(MAX_POLLS):
        result = yield from call_patiently(context, Activity(context, functions.START_IN_TURN, ask))
        if result.failure is not None:
            raise QueueError(result.failure)
        is_started = result.value
        if is_started:
            return
        yield from sleep(context, queued.poll_seconds)
    continue_as_new(context, dump(queued))
