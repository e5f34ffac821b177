"""Redrive: a further attempt of a run that is over, over its failed and pending items."""

import asyncio
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.core.exceptions import ResourceNotFoundError
from pydantic import ValidationError

from fanout.adapters.rows.open_runs import note_open
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.run_files.part_reader import has_redo
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.errors import InvalidRequestError, RunConflictError
from fanout.models.redrive import RedriveRequest
from fanout.naming import instance_ids
from starters.api import endpoints
from starters.api.problems import field_problems
from starters.api.shell import accepted, run_id_of, serves
from starters.lifecycle.attempts import Attempt, end_by_force, newest_attempt, start
from starters.lifecycle.submit import parse_document

bp = df.Blueprint()
log = logger("redrive")


@serves(bp, endpoints.REDRIVE_RUN)
async def redrive_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Begin a further attempt of a run."""
    run_id = run_id_of(req)
    asked = parse_redrive(req.get_body(), settings().max_request_bytes)
    attempt = await redrive(run_id, asked, client, run_files(), rows())
    return accepted(req, run_id, attempt=attempt)


def parse_redrive(body: bytes, max_bytes: int) -> RedriveRequest:
    """Read a RedriveRequest; no body asks for everything.

    Raises:
        RequestTooLargeError: It is longer than `max_bytes`.
        InvalidRequestError: It is no JSON object, or no RedriveRequest; every fault is named.
    """
    try:
        return RedriveRequest.model_validate(parse_document(body or b"{}", max_bytes))
    except ValidationError as invalid:
        raise InvalidRequestError(field_problems(invalid)) from invalid


async def redrive(
    run_id: str, asked: RedriveRequest, client: Any, files: RunFiles, to: Rows
) -> int:
    """Claim the next attempt of a run and start it; a claim that nobody started is started.

    Raises:
        RunNotFoundError: There is no such run.
        RunConflictError: It is running, or being redriven already, or has nothing to redo.
    """
    number = await _claimed(run_id, asked, client, files, to)
    try:
        await start(run_id, number, client, files)
    except Exception as error:  # the SDK raises Exception itself
        if not await client.get_status(instance_ids.attempt_instance(run_id, number)):
            raise
        message = f"The run '{run_id}' is being redriven already."
        raise RunConflictError(run_id, message) from error
    log.info("redrives the run as attempt %d", number)
    return number


async def _claimed(
    run_id: str, asked: RedriveRequest, client: Any, files: RunFiles, to: Rows
) -> int:
    newest = await newest_attempt(run_id, client, files, to)
    if newest.is_begun or newest.is_over:
        _insist_on_redrivable(newest)
        if newest.is_forced:  # what it has under way is to stop, and the next attempt waits for it
            await end_by_force(newest, client, files, to)
        await asyncio.to_thread(_insist_on_work, run_id, newest.number, asked, files)
        await asyncio.to_thread(note_open, to, run_id, newest.number + 1)
        if not await asyncio.to_thread(files.claim_attempt, run_id, newest.number + 1, asked):
            raise RunConflictError(run_id, f"The run '{run_id}' is being redriven already.")
        return newest.number + 1
    if newest.number == 1:
        raise RunConflictError(run_id, f"The run '{run_id}' has not begun; send its request again.")
    if await asyncio.to_thread(files.redrive_request, run_id, newest.number) != asked:
        raise RunConflictError(run_id, f"The run '{run_id}' is being redriven in another way.")
    return newest.number


def _insist_on_redrivable(attempt: Attempt) -> None:
    run_id, items = attempt.run_id, attempt.state.items
    if not attempt.is_over:
        raise RunConflictError(run_id, f"The run '{run_id}' is still running.")
    # What a saga compensated can be tried anew; what a run compensated has been taken back.
    was_compensated = attempt.request.on_exceeded == "compensate"
    if was_compensated and (items.compensated or items.compensation_failed):
        message = f"The run '{run_id}' was compensated; start a new one instead."
        raise RunConflictError(run_id, message)


def _insist_on_work(run_id: str, attempt: int, asked: RedriveRequest, files: RunFiles) -> None:
    try:
        has_work = has_redo(files, run_id, attempt, asked.error_types)
    except ResourceNotFoundError as error:
        message = f"The run '{run_id}' has no plan to redrive; start a new one."
        raise RunConflictError(run_id, message) from error
    if not has_work:
        kind = "" if asked.error_types is None else " of these types"
        message = f"The run '{run_id}' has no pending items and no failures{kind} to redrive."
        raise RunConflictError(run_id, message)
