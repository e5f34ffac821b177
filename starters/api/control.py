"""Control of runs over HTTP: cancel, suspend, resume, new limits, delete.

What a caller asks is written into a row of the run. Shards read it when they ask for their next
wave or round.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import azure.functions as func

from fanout.adapters.rows.attempts import change_attempt
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import run_files
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.durable.app import Blueprint
from fanout.errors import FieldProblem, InvalidRequestError, RunConflictError
from fanout.governor import control_rules
from fanout.governor.run_state import ControlState, GovernorState
from fanout.models.limits import Limits, LimitsChange
from fanout.models.request import RunRequest
from fanout.naming import instance_ids
from starters.api import endpoints
from starters.api.shell import acceptance, answer, run_id_of, serve
from starters.lifecycle import deletion
from starters.lifecycle.attempts import Attempt, newest_attempt
from starters.lifecycle.parse import parse_body
from starters.lifecycle.turns import wake_once
from starters.lifecycle.validation import ROOT

bp = Blueprint()
log = logger("control")


@serve(bp, endpoints.CANCEL_RUN)
async def cancel_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Let nothing more begin; batches in flight finish, and all other items stay pending."""
    attempt = await _find_active(req, client, must_be_readable=False)

    def cancel(state: GovernorState) -> ControlState:
        insist_on_cancellable(attempt.run_id, state)
        return control_rules.cancel(state.control)

    state = await asyncio.to_thread(change_control, attempt, cancel, rows())
    if state.phase == "queued":
        instance = instance_ids.attempt_instance(attempt.run_id, attempt.number)
        await wake_once(instance, client)
    return _accept(req, attempt, "cancel")


@serve(bp, endpoints.SUSPEND_RUN)
async def suspend_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Let nothing begin until the run is resumed; batches in flight finish."""
    attempt = await _find_active(req, client, must_be_readable=False)
    at = datetime.now(UTC).isoformat()
    await asyncio.to_thread(
        change_control, attempt, lambda state: control_rules.suspend(state.control, at), rows()
    )
    return _accept(req, attempt, "suspend")


@serve(bp, endpoints.RESUME_RUN)
async def resume_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Let a suspended run go on; it hears of it within half a minute."""
    attempt = await _find_active(req, client, must_be_readable=False)
    await asyncio.to_thread(
        change_control, attempt, lambda state: control_rules.resume(state.control), rows()
    )
    return _accept(req, attempt, "resume")


@serve(bp, endpoints.CHANGE_RUN)
async def change_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Change the limits of a run that goes on; they are in force within one wave."""
    change = parse_change(req.get_body(), settings().max_request_bytes)
    attempt = await _find_active(req, client, must_be_readable=True)
    state = await asyncio.to_thread(
        change_control,
        attempt,
        lambda state: control_rules.change_limits(state.control, change),
        rows(),
    )
    limits = limits_in_force(attempt.request, state)
    log.info("changed limits to %s", limits)
    return answer({"run_id": attempt.run_id, "limits": limits.model_dump(mode="json")})


@serve(bp, endpoints.DELETE_RUN)
async def delete_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Delete a run that is over: its history, its rows, its blobs, its id."""
    files = run_files()
    run_id = run_id_of(req)
    attempt = await newest_attempt(run_id, client, files, rows(), must_be_readable=False)
    if attempt.is_active:
        message = f"The run '{attempt.run_id}' is still running; cancel it first."
        raise RunConflictError(attempt.run_id, message)
    await deletion.delete_run(attempt, client, files, rows())
    return func.HttpResponse(status_code=HTTPStatus.NO_CONTENT)


def change_control(
    attempt: Attempt, rule: Callable[[GovernorState], ControlState], rows: Rows
) -> GovernorState:
    """Write what people ask of an attempt; give its rows as they are then.

    Raises:
        RunConflictError: It has ended meanwhile, or the rule refuses.
    """

    def change(state: GovernorState) -> tuple[GovernorState, GovernorState]:
        if state.is_over:
            raise RunConflictError(attempt.run_id, f"The run '{attempt.run_id}' is over.")
        changed = state.model_copy(update={"control": rule(state)})
        return changed, changed

    return change_attempt(rows, attempt.run_id, attempt.number, change)


def insist_on_cancellable(run_id: str, state: GovernorState) -> None:
    """Refuse to cancel a run that goes on to its end in any case.

    Raises:
        RunConflictError: The run is being compensated, writes its results, or is stopping.
    """
    if state.control.is_closed:
        work = "being compensated" if state.phase == "compensating" else "writing results"
        raise RunConflictError(run_id, f"The run '{run_id}' is {work}; it goes on to its end.")
    if state.has_exceeded:
        message = f"The run '{run_id}' is stopping: it failed more items than it tolerates."
        raise RunConflictError(run_id, message)


def parse_change(body: bytes, max_bytes: int) -> LimitsChange:
    """Read a LimitsChange.

    Raises:
        RequestTooLargeError: It is longer than `max_bytes`.
        InvalidRequestError: It is no LimitsChange, or names nothing; every fault is named.
    """
    change = parse_body(LimitsChange, body, max_bytes)
    names_concurrency = change.concurrency is not None and change.concurrency.model_fields_set
    if not names_concurrency and change.tolerance is None:
        message = "it names nothing to change: 'concurrency' or 'tolerance'"
        raise InvalidRequestError([FieldProblem(ROOT, message)])
    return change


def limits_in_force(request: RunRequest, state: GovernorState) -> Limits:
    """The limits in force; those to come, while the run is being planned."""
    if state.run.plan is not None:
        return state.limits
    return state.control.change.apply_to(Limits.of(request.concurrency, request.tolerance))


async def _find_active(req: func.HttpRequest, client: Any, *, must_be_readable: bool) -> Attempt:
    attempt = await newest_attempt(
        run_id_of(req), client, run_files(), rows(), must_be_readable=must_be_readable
    )
    attempt.insist_on_active()
    return attempt


def _accept(req: func.HttpRequest, attempt: Attempt, operation: str) -> func.HttpResponse:
    log.info("asked to %s", operation)
    return acceptance(req, attempt.run_id)
