"""Redrive: a further attempt of a run that is over, over its failed and pending items.

Of a run that has begun to undo what it did, it is over what is left to be undone, and nothing is
processed any more.
"""

import asyncio
from dataclasses import replace
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from fanout.adapters.rows.attempts import has_begun_undo
from fanout.adapters.rows.open_runs import note_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.part_reader import has_redo
from fanout.adapters.run_files.results import damaged_results
from fanout.adapters.telemetry.logs import logger
from fanout.durable import client as durable
from fanout.errors import RunConflictError, UnreadableDocumentError
from fanout.governor.owners import owner_of
from fanout.models.plan import Reopening
from fanout.models.redrive import RedriveRequest
from fanout.naming import instance_ids
from starters.lifecycle.attempts import Attempt, newest_attempt
from starters.lifecycle.end_by_force import end_by_force
from starters.lifecycle.start import AttemptStart, start_attempt

log = logger("redrive")


async def redrive_run(
    run_id: str,
    request: RedriveRequest,
    client: Any,
    files: RunFiles,
    rows: Rows,
    caller: str = "",
) -> int:
    """Claim the next attempt of a run and start it; a claim that nobody started is started.

    Args:
        run_id: The run.
        request: Which items to redo, and with which limits.
        client: The durable client.
        files: Where runs are kept.
        rows: Their rows.
        caller: Who has signed in to ask for it; nothing where nobody did.

    Returns:
        The number of the attempt.

    Raises:
        RunNotFoundError: There is no such run.
        RunConflictError: It is running, or being redriven already, or has nothing to redo.
    """
    newest = await newest_attempt(run_id, client, files, rows)
    number = await _claim_next(newest, request, client, files, rows)
    try:
        asked = AttemptStart(run_id, number, owner_of(newest.request.workload, caller))
        await start_attempt(asked, client, files)
    except Exception as error:  # the SDK raises Exception itself
        if not await durable.read_status(client, instance_ids.attempt_instance(run_id, number)):
            raise
        message = f"The run '{run_id}' is being redriven already."
        raise RunConflictError(run_id, message) from error
    log.info("redrives the run as attempt %d", number)
    return number


async def _claim_next(
    newest: Attempt, request: RedriveRequest, client: Any, files: RunFiles, rows: Rows
) -> int:
    """Claim the next attempt, or find that the same redrive has claimed it; give its number."""
    run_id = newest.run_id
    if newest.is_started or newest.is_over:
        _insist_on_end(newest)
        if newest.is_forced:  # what it has under way is to stop, and the next attempt waits for it
            await end_by_force(newest, client, files, rows)
        await asyncio.to_thread(_insist_on_work, newest, request, files, rows)
        number = newest.number + 1
        entry = replace(newest.entry, attempt=number, status=None)
        await asyncio.to_thread(note_attempt, rows, entry)
        if not await asyncio.to_thread(files.claim_attempt, run_id, number, request):
            raise RunConflictError(run_id, f"The run '{run_id}' is being redriven already.")
        # If that took long, the watchdog has forgotten what was noted.
        await asyncio.to_thread(note_attempt, rows, entry)
        return number
    if newest.number == 1:
        raise RunConflictError(run_id, f"The run '{run_id}' has not begun; send its request again.")
    if await asyncio.to_thread(files.redrive_request, run_id, newest.number) != request:
        raise RunConflictError(run_id, f"The run '{run_id}' is being redriven in another way.")
    return newest.number


def _insist_on_end(attempt: Attempt) -> None:
    if not attempt.is_over:
        raise RunConflictError(attempt.run_id, f"The run '{attempt.run_id}' is still running.")


def _insist_on_work(attempt: Attempt, request: RedriveRequest, files: RunFiles, rows: Rows) -> None:
    """Refuse a redrive that would find nothing to do."""
    run_id = attempt.run_id
    undoes = has_begun_undo(rows, run_id, attempt.number)
    if _is_left_without_results(attempt, request, undoes=undoes):
        return
    reopening = Reopening(error_types=request.error_types, whole=True, undoes=undoes)
    try:
        has_work = has_redo(files, run_id, attempt.number, reopening)
    except (ResourceNotFoundError, UnreadableDocumentError) as error:
        if attempt.state.run.plan is not None:  # it is lost, and is made again
            return
        if isinstance(error, UnreadableDocumentError):
            raise
        message = f"The run '{run_id}' has no plan to redrive; start a new one."
        raise RunConflictError(run_id, message) from error
    if not has_work and not (attempt.state.items.total and _has_damaged_results(run_id, files)):
        raise RunConflictError(run_id, _describe_lack_of_work(run_id, reopening))


def _is_left_without_results(attempt: Attempt, request: RedriveRequest, *, undoes: bool) -> bool:
    """Tell whether the results alone may be to be made again: no item explains the failure."""
    end, items = attempt.state.run.end, attempt.state.items
    if end is None or end.outcome != "failed" or request.error_types is not None:
        return False
    return undoes or (items.total > 0 and items.succeeded == items.total)


def _has_damaged_results(run_id: str, files: RunFiles) -> bool:
    """Tell whether the results of a run are to be made again, because they are not as they were."""
    try:
        damage = next(damaged_results(files, run_id), None)
    except (ResourceNotFoundError, UnreadableDocumentError):
        return True
    return damage is not None


def _describe_lack_of_work(run_id: str, reopening: Reopening) -> str:
    kind = "" if reopening.error_types is None else " of these types"
    if not reopening.undoes:
        return f"The run '{run_id}' has no pending items and no failures{kind} to redrive."
    left = f"it has nothing left to undo{kind}"
    return f"The run '{run_id}' was compensated, and {left}; start a new one instead."
