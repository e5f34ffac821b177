"""Taking up a run whose own orchestration has failed, for no fault of the run.

A turn that meets no worker fails its orchestration: Durable tries activities again, and no
orchestrations. Children are started again by their parents; a run has none, so the watchdog starts
it again, under its own id. It goes on from its rows.
"""

import asyncio
import secrets
from datetime import datetime
from typing import Any

from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry.logs import logger
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.payloads import shortened
from fanout.messages.run import RunEnd
from fanout.models.status import TakeOver
from starters.lifecycle.attempts import Attempt, start

log = logger("take_over")
# After so many of them in a row in which no item ended, there is something wrong with the run.
MAX_WITHOUT_PROGRESS = 10
MAX_TAKE_OVERS = 100
MAX_REASON_BYTES = 200
MAX_ERROR_BYTES = 1000


async def take_over(
    attempt: Attempt, client: Any, files: RunFiles, rows: Rows, now: datetime
) -> None:
    """Begin the orchestration of an attempt anew; one that gets nowhere is ended as failed.

    Args:
        attempt: Its orchestration has failed.
        client: The durable client.
        files: Where runs are kept.
        rows: Their rows.
        now: The time, aware.
    """
    claim = await asyncio.to_thread(files.claim_of, attempt.run_id)
    reason = str(attempt.durable.output) if attempt.durable.output is not None else "it failed"
    one = TakeOver(
        id=secrets.token_hex(8), at=now.isoformat(), reason=shortened(reason, MAX_REASON_BYTES)
    )
    run = await asyncio.to_thread(_noted, attempt, one, claim, rows)
    what = "takes up a run" if run.end is None else "ends a run"
    log.warning(
        "%s whose orchestration failed (%d times): %s",
        what,
        len(run.take_overs),
        reason,
        extra={"run_id": attempt.run_id},
    )
    await start(attempt.run_id, attempt.number, client, files, is_resumed=True)


def _noted(attempt: Attempt, one: TakeOver, claim: str, rows: Rows) -> RunState:
    def rule(state: GovernorState) -> tuple[GovernorState, RunState]:
        run = state.run.model_copy(update={"claim": state.run.claim or claim})
        if run.end is None and one.id not in {known.id for known in run.take_overs}:
            run = _with(run, one, state)
        return state.model_copy(update={"run": run}), run

    return change_attempt(rows, attempt.run_id, attempt.number, rule)


def _with(run: RunState, one: TakeOver, state: GovernorState) -> RunState:
    one = one.model_copy(update={"ended": state.items.total - state.items.pending})
    known = [*run.take_overs, one]
    run = run.model_copy(update={"take_overs": known, "updated_at": one.at})
    last = known[-MAX_WITHOUT_PROGRESS:]
    is_stuck = len(last) == MAX_WITHOUT_PROGRESS and last[0].ended == one.ended
    if not is_stuck and len(known) < MAX_TAKE_OVERS:
        return run
    error = f"its orchestration failed {len(known)} times: {one.reason}"
    failed = RunEnd(
        outcome="failed",
        items=state.items,
        error=shortened(error, MAX_ERROR_BYTES),
        at=one.at,
    )
    return run_rules.finish(run, failed)
