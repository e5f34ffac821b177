"""The orchestrator `queued_run`: holds a run of a schedule back until the earlier ones have ended.

1. ask which earlier runs of the schedule have not ended (activity)
2. while there are any, wait and ask again; continue as new now and then
3. carry the run out as a sub-orchestration, under the run's own id
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from fanout import names
from fanout.models.wave import QueuedRun, RunRef
from fanout.payloads import dump
from orchestrators.retries import infrastructure

bp = df.Blueprint()
MAX_POLLS = 40


@bp.orchestration_trigger(context_name="context", orchestration=names.QUEUED_RUN)
def queued_run(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Carry out a run when it is its turn; returns how it ended as a `RunEnd`."""
    queued = QueuedRun.model_validate(context.get_input())
    for _ in range(MAX_POLLS):
        is_waiting = yield context.call_activity_with_retry(
            names.FIND_EARLIER_RUNS, infrastructure(), dump(queued)
        )
        if not is_waiting:
            ref = dump(RunRef(**queued.model_dump(include=set(RunRef.model_fields))))
            return (yield context.call_sub_orchestrator(names.RUN, ref, queued.run_id))
        pause = timedelta(seconds=queued.poll_seconds)
        yield context.create_timer(context.current_utc_datetime + pause)
    context.continue_as_new(dump(queued))
    return None
