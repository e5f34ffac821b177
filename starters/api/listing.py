"""Lists over HTTP: the runs, newest first, the index they are in, and the items of a run."""

import asyncio
from datetime import UTC, datetime
from typing import get_args

import azure.functions as func

from fanout.adapters.rows.index import FIRST
from fanout.adapters.rows.rows import rows
from fanout.adapters.run_files.files import run_files
from fanout.adapters.run_files.outcome_pages import MAX_PAGE, InvalidContinuationError, outcome_page
from fanout.adapters.telemetry.logs import logger
from fanout.durable.app import Blueprint
from fanout.errors import FieldProblem, InvalidRequestError
from fanout.messages.run import RunRef
from fanout.models.answers import IndexReport, RunPage
from fanout.models.numbers import read_moment
from fanout.models.outcome import ItemStatus
from fanout.models.status import RunOutcome
from fanout.naming import row_keys
from starters.api import endpoints
from starters.api.endpoints import (
    ITEMS_A_PAGE,
    MAX_PART_OF_INDEX,
    MAX_RUN_ID_CHARACTERS,
    MAX_RUNS_A_PAGE,
    PART_OF_INDEX,
    RUNS_A_PAGE,
)
from starters.api.shell import answer, origin_of, page_size, run_id_of, serve
from starters.index.pages import read_statuses
from starters.index.rebuild import rebuild_part
from starters.index.search import RunFilter, find_page
from starters.lifecycle.attempts import newest_attempt

bp = Blueprint()
log = logger("http")


@serve(bp, endpoints.LIST_RUNS)
async def list_runs(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """List runs, newest first; a page may be short, and the last has no continuation."""
    wanted, limit = _parse_filter(req), page_size(req, RUNS_A_PAGE, MAX_RUNS_A_PAGE)
    found = await asyncio.to_thread(find_page, rows(), wanted, _parse_position(req), limit)
    readings = await read_statuses(
        found.entries, run_files(), rows(), datetime.now(UTC), origin_of(req)
    )
    runs = [status for status in readings.statuses if wanted.has(status)]
    return answer(RunPage(runs=runs, unreadable=readings.unreadable, continuation=found.position))


def _parse_position(req: func.HttpRequest) -> str:
    position = str(req.params.get("continuation") or "")
    if not position:
        return FIRST
    if not row_keys.is_index_position(position):
        shown = position[:MAX_RUN_ID_CHARACTERS]
        message = f"'{shown}' is nothing that a page of this list has ended with"
        raise InvalidRequestError([FieldProblem("continuation", message)])
    return position


def _parse_filter(req: func.HttpRequest) -> RunFilter:
    outcome, since = req.params.get("outcome"), req.params.get("since")
    problems = []
    if outcome is not None and outcome not in get_args(RunOutcome):
        choices = ", ".join(get_args(RunOutcome))
        problems.append(FieldProblem("outcome", f"'{outcome}' is none of {choices}"))
    moment = None
    try:
        moment = read_moment(since) if since is not None else None
    except ValueError as error:
        problems.append(FieldProblem("since", f"'{since}' is no ISO 8601 time: {error}"))
    if problems:
        raise InvalidRequestError(problems)
    text = req.params.get("text") or ""
    return RunFilter(req.params.get("workload"), outcome, moment, text)


@serve(bp, endpoints.REBUILD_INDEX)
async def rebuild_index(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Rebuild a part of the index; whoever asks for it carries on, and runs go on meanwhile."""
    position = req.params.get("continuation") or None
    limit = page_size(req, PART_OF_INDEX, MAX_PART_OF_INDEX)
    part = await asyncio.to_thread(rebuild_part, run_files(), rows(), position, limit)
    if part.written or part.dropped:
        log.warning("index of runs: wrote %d rows, dropped %d", part.written, part.dropped)
    return answer(
        IndexReport(
            looked_at=part.looked_at,
            written=part.written,
            dropped=part.dropped,
            continuation=part.position,
        )
    )


@serve(bp, endpoints.LIST_ITEMS)
async def list_items(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """List what happened to the items of a run, in source order, also while it goes on."""
    files = run_files()
    run_id = run_id_of(req)
    attempt = await newest_attempt(run_id, None, files, rows(), must_be_readable=False)
    status = req.params.get("status")
    if status is not None and status not in get_args(ItemStatus):
        message = f"'{status}' is none of {', '.join(get_args(ItemStatus))}"
        raise InvalidRequestError([FieldProblem("status", message)])
    limit = page_size(req, ITEMS_A_PAGE, MAX_PAGE)
    if attempt.state.phase in ("queued", "planning") or not attempt.state.items.total:
        return answer({"items": [], "continuation": None})
    ref = RunRef(run_id=attempt.run_id, attempt=attempt.number)
    after = req.params.get("continuation")
    try:
        page = await asyncio.to_thread(outcome_page, files, ref, status, limit, after)
    except InvalidContinuationError as error:
        raise InvalidRequestError([FieldProblem("continuation", str(error))]) from error
    told = {"items": page.items, "continuation": page.continuation}
    return answer(told | ({"unreadable": page.unreadable} if page.unreadable else {}))
