"""The activity `start_in_turn`: starts a run of a schedule once the earlier ones have ended."""

import asyncio
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from fanout.adapters.rows.open_runs import unfinished_runs
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.telemetry.spans import trace_activity
from fanout.messages.payloads import dump
from fanout.messages.run import QueuedRun, RunRef
from fanout.messages.tickets import answered
from fanout.naming import functions, instance_ids

bp = df.Blueprint()


@bp.activity_trigger(input_name="queued", activity=functions.START_IN_TURN)
@bp.durable_client_input(client_name="client")
async def start_in_turn(queued: dict, client: Any, context: func.Context) -> dict:
    """Start a run, or tell that it must wait; shell around `start_if_first`."""
    with trace_activity(context, queued):
        is_started = await start_if_first(QueuedRun.model_validate(queued), client, rows())
        return answered(queued, is_started)


async def start_if_first(queued: QueuedRun, client: Any, to: Rows) -> bool:
    """Start a run unless one of its schedule that was due before it has not ended; tell whether."""
    # Ids differ in their due times only, which sort as text.
    unfinished = await asyncio.to_thread(unfinished_runs, to, queued.schedule)
    if any(run_id < queued.run_id for run_id in unfinished):
        return False
    if not await client.get_status(queued.run_id):
        ref = RunRef(**queued.model_dump(include=set(RunRef.model_fields)))
        await client.start_new(
            functions.RUN, instance_ids.attempt_instance(queued.run_id, 1), dump(ref)
        )
    return True
