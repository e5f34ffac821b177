"""Ending an attempt whose orchestration was terminated: in its rows, and with its children."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.open_runs import close
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry.logs import logger
from fanout.durable import client as durable
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState
from fanout.governor.run_status import final_status
from fanout.messages.run import RunEnd
from starters.lifecycle.attempts import Attempt, children_of
from starters.lifecycle.durable_status import forced_end, is_unfinished
from starters.lifecycle.turns import leave_place

log = logger("runs")


async def end_by_force(attempt: Attempt, client: Any, files: RunFiles, rows: Rows) -> None:
    """Write into the rows that an attempt was ended by force, and end its children.

    Shards are told to stop when they ask next; batches stop at their next item.
    """
    claim = await asyncio.to_thread(files.claim_of, attempt.run_id)
    end = forced_end(attempt.durable, datetime.now(UTC))
    state = await asyncio.to_thread(_write_end, attempt, end, claim, rows)
    await leave_place(attempt, client, rows)
    log.warning("was ended by force: %s", end.error, extra={"run_id": attempt.run_id})
    for child in children_of(attempt.run_id, attempt.number, attempt.state):
        if await is_unfinished(child, client):
            await durable.terminate(client, child, "the run was ended by force")
    status = final_status(state)
    if status is not None:
        await asyncio.to_thread(close, rows, attempt.run_id, attempt.number, None, status)


def _write_end(attempt: Attempt, end: RunEnd, claim: str, rows: Rows) -> GovernorState:
    def rule(state: GovernorState) -> tuple[GovernorState, GovernorState]:
        run = state.run.model_copy(update={"claim": state.run.claim or claim})
        run = run_rules.finish(run, end).model_copy(update={"is_announced": True})
        state = state.model_copy(update={"run": run})
        return state, state

    return change_attempt(rows, attempt.run_id, attempt.number, rule)
