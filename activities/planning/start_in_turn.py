"""The activity `start_in_turn`: starts a run of a schedule once the earlier ones have ended."""

import asyncio
from typing import Any

import azure.functions as func

from activities.accounting import account_activity
from fanout.adapters.rows.open_runs import unfinished_runs
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.telemetry.spans import trace_activity
from fanout.durable import client as durable
from fanout.durable.app import Blueprint, client_input
from fanout.messages.payloads import dump
from fanout.messages.run import RunInput, StartInTurnAsk
from fanout.messages.tickets import answer_ask
from fanout.naming import functions, instance_ids

bp = Blueprint()


@bp.activity_trigger(input_name="ask", activity=functions.START_IN_TURN)
@client_input(bp)
async def start_in_turn(ask: dict, client: Any, context: func.Context) -> dict:
    """Start a run, or tell that it must wait; shell around `start_if_first`."""
    with trace_activity(context, ask), account_activity(ask) as account:
        is_started = await start_if_first(StartInTurnAsk.model_validate(ask), client, rows())
        return answer_ask(ask, is_started, account.activity)


async def start_if_first(ask: StartInTurnAsk, client: Any, rows: Rows) -> bool:
    """Start a run unless one of its schedule that was due before it has not ended; tell whether."""
    # Ids differ in their due times only, which sort as text.
    unfinished = await asyncio.to_thread(unfinished_runs, rows, ask.schedule)
    if any(run_id < ask.run_id for run_id in unfinished):
        return False
    if not await durable.read_status(client, ask.run_id):
        run = ask.message(
            RunInput, max_runs=ask.max_runs, owner=ask.owner, claimed_at=ask.claimed_at
        )
        await durable.start(
            client, functions.RUN, instance_ids.attempt_instance(ask.run_id, 1), dump(run)
        )
    return True
