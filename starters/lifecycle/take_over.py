"""Taking over a run whose own orchestration has failed, for no fault of the run.

An orchestration fails if its worker dies in the middle of a turn: Durable retries activities, but
not orchestrations. A child is started again by its parent. A run has no parent, so the watchdog
starts it again under its own id, and it goes on from its rows.
"""

import asyncio
import secrets
from datetime import datetime
from typing import Any

from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.logs import logger
from fanout.adapters.telemetry.otel import record_metric
from fanout.governor import run_rules
from fanout.governor.run_state import GovernorState, RunState
from fanout.messages.payloads import MAX_ERROR_BYTES, shorten
from fanout.messages.run import RunEnd
from fanout.models.status import TakeOver
from starters.lifecycle.attempts import Attempt
from starters.lifecycle.start import AttemptStart, start_attempt

log = logger("take_over")
# A run is given up after so many take-overs in a row without the end of a single item.
MAX_WITHOUT_PROGRESS = 10
MAX_TAKE_OVERS = 100
MAX_REASON_BYTES = 200


async def take_over(
    attempt: Attempt, client: Any, files: RunFiles, rows: Rows, now: datetime
) -> None:
    """Start the orchestration of an attempt again; an attempt that gets nowhere has failed.

    Args:
        attempt: Its orchestration has failed.
        client: The durable client.
        files: Where runs are kept.
        rows: Their rows.
        now: The time, aware.
    """
    claim = await asyncio.to_thread(files.claim_of, attempt.run_id)
    output = attempt.durable.output if attempt.durable is not None else None
    reason = "it failed" if output is None else str(output)
    entry = TakeOver(
        id=secrets.token_hex(8), at=now.isoformat(), reason=shorten(reason, MAX_REASON_BYTES)
    )
    run = await asyncio.to_thread(_note_take_over, attempt, entry, claim, rows)
    action = "takes up a run" if run.end is None else "ends a run"
    log.warning(
        "%s whose orchestration failed (%d times): %s",
        action,
        len(run.take_overs),
        reason,
        extra={"run_id": attempt.run_id},
    )
    asked = AttemptStart(attempt.run_id, attempt.number, attempt.owner, is_resumed=True)
    await start_attempt(asked, client, files)
    # A start that fails is repeated at the next look; that of a run that is over tells its end.
    if run.end is None:
        record_metric(metrics.TAKE_OVERS, 1)


def _note_take_over(attempt: Attempt, entry: TakeOver, claim: str, rows: Rows) -> RunState:
    def rule(state: GovernorState) -> tuple[GovernorState, RunState]:
        run = state.run.model_copy(update={"claim": state.run.claim or claim})
        if run.end is None and entry.id not in {earlier.id for earlier in run.take_overs}:
            run = _add_take_over(run, entry, state)
        return state.model_copy(update={"run": run}), run

    return change_attempt(rows, attempt.run_id, attempt.number, rule)


def _add_take_over(run: RunState, entry: TakeOver, state: GovernorState) -> RunState:
    entry = entry.model_copy(update={"ended": state.items.total - state.items.pending})
    take_overs = [*run.take_overs, entry]
    run = run.model_copy(update={"take_overs": take_overs, "updated_at": entry.at})
    last = take_overs[-MAX_WITHOUT_PROGRESS:]
    is_stuck = len(last) == MAX_WITHOUT_PROGRESS and last[0].ended == entry.ended
    if not is_stuck and len(take_overs) < MAX_TAKE_OVERS:
        return run
    error = f"its orchestration failed {len(take_overs)} times: {entry.reason}"
    failed = RunEnd(
        outcome="failed",
        items=state.items,
        error=shorten(error, MAX_ERROR_BYTES),
        at=entry.at,
    )
    return run_rules.finish(run, failed)
