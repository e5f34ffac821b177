"""Steering runs over HTTP: cancel, suspend, resume, new limits, delete.

The governor is told; shards hear of it when they ask for their next wave or round.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from pydantic import ValidationError

from fanout.adapters.runs import run_files
from fanout.adapters.settings import settings
from fanout.adapters.telemetry import logger
from fanout.errors import FieldProblem, InvalidRequestError, RunConflictError
from fanout.models.limits import Limits, LimitsChange
from starters import endpoints
from starters.problems import ROOT, field_problems
from starters.retention import delete_run
from starters.runs import Attempt, newest_attempt
from starters.shell import accepted, answer, run_id_of, serves
from starters.submit import parse_document

bp = df.Blueprint()
log = logger("control")


@serves(bp, endpoints.CANCEL_RUN)
async def cancel_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Let nothing more begin; batches in flight finish, and the rest of the items stay pending."""
    attempt = await _begun(req, client)
    if attempt.state.phase in ("compensating", "finalizing"):
        what = "being compensated" if attempt.state.phase == "compensating" else "writing results"
        message = f"The run '{attempt.run_id}' is {what}; it goes on to its end."
        raise RunConflictError(attempt.run_id, message)
    if attempt.state.is_stopping:
        message = f"The run '{attempt.run_id}' is stopping: it failed more items than it tolerates."
        raise RunConflictError(attempt.run_id, message)
    return await _told(req, client, attempt, "cancel")


@serves(bp, endpoints.SUSPEND_RUN)
async def suspend_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Let nothing begin until the run is resumed; batches in flight finish."""
    attempt = await _begun(req, client)
    return await _told(req, client, attempt, "suspend", datetime.now(UTC).isoformat())


@serves(bp, endpoints.RESUME_RUN)
async def resume_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Let a suspended run go on; it hears of it within half a minute."""
    return await _told(req, client, await _begun(req, client), "resume")


@serves(bp, endpoints.CHANGE_RUN)
async def change_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Change the limits of a run that goes on; they are in force within one wave."""
    change = parse_change(req.get_body(), settings().max_request_bytes)
    attempt = await _begun(req, client)
    await client.signal_entity(attempt.governor, "change", change.model_dump(exclude_unset=True))
    limits = change.over(limits_of(attempt))
    log.info("changed limits to %s", limits)
    return answer({"run_id": attempt.run_id, "limits": limits.model_dump(mode="json")})


@serves(bp, endpoints.DELETE_RUN)
async def delete(req: func.HttpRequest, client: Any, context: func.Context) -> func.HttpResponse:
    """Delete a run that is over: its history, its blobs, its id."""
    files = run_files()
    attempt = await newest_attempt(run_id_of(req), client, files)
    if attempt.durable and not attempt.is_over:
        message = f"The run '{attempt.run_id}' is still running; cancel it first."
        raise RunConflictError(attempt.run_id, message)
    await delete_run(attempt.run_id, client, files)
    return func.HttpResponse(status_code=HTTPStatus.NO_CONTENT)


def parse_change(body: bytes, max_bytes: int) -> LimitsChange:
    """Read a LimitsChange.

    Raises:
        RequestTooLargeError: It is longer than `max_bytes`.
        InvalidRequestError: It is no LimitsChange, or names nothing; every fault is named.
    """
    try:
        change = LimitsChange.model_validate(parse_document(body, max_bytes))
    except ValidationError as invalid:
        raise InvalidRequestError(field_problems(invalid)) from invalid
    names_concurrency = change.concurrency is not None and change.concurrency.model_fields_set
    if not names_concurrency and change.tolerance is None:
        message = "it names nothing to change: 'concurrency' or 'tolerance'"
        raise InvalidRequestError([FieldProblem(ROOT, message)])
    return change


def limits_of(attempt: Attempt) -> Limits:
    """The limits in force: the governor's, or while the run is being planned those to come."""
    if attempt.state.phase not in ("queued", "planning"):
        return attempt.state.limits
    limits = Limits.of(attempt.request.concurrency, attempt.request.tolerance)
    for change in attempt.state.changes:
        limits = change.over(limits)
    return limits


async def _begun(req: func.HttpRequest, client: Any) -> Attempt:
    attempt = await newest_attempt(run_id_of(req), client, run_files())
    attempt.insist_on_begun()
    return attempt


async def _told(
    req: func.HttpRequest, client: Any, attempt: Attempt, operation: str, said: Any = None
) -> func.HttpResponse:
    await client.signal_entity(attempt.governor, operation, said)
    log.info("asked to %s", operation)
    return accepted(req, attempt.run_id)
