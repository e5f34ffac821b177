"""Runs over HTTP: starting one, and how it stands."""

from http import HTTPStatus
from typing import Any

import azure.functions as func

from fanout.adapters.rows.rows import rows
from fanout.adapters.run_files.files import run_files
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.durable import client as durable
from fanout.durable.app import Blueprint
from fanout.models.request import RunRequest
from fanout.threads import call_in_thread
from starters.api import endpoints
from starters.api.admittance import caller_id, signed_in_id
from starters.api.shell import acceptance, answer, lanes, origin_of, run_id_of, serve
from starters.lifecycle import start
from starters.lifecycle.check import check_request
from starters.lifecycle.claim import KEY_HEADER, add_run_id
from starters.lifecycle.dry_run import dry_run
from starters.lifecycle.parse import parse_body
from starters.lifecycle.status import read_status

bp = Blueprint()
log = logger("http")


@serve(bp, endpoints.START_RUN)
async def start_run(req: func.HttpRequest, client: Any, context: func.Context) -> func.HttpResponse:
    """Start a run, or find the one that this request started before."""
    request = parse_body(RunRequest, req.get_body(), settings().max_request_bytes)
    if request.dry_run:
        async with lanes().dry_runs.place(caller_id(req)):
            return await _answer_dry_run(request)
    request = add_run_id(request, req.headers.get(KEY_HEADER))
    run = await start.start_run(request, client, run_files(), rows(), signed_in_id(req))
    action = "accepted" if run.is_new else "found again"
    log.info("%s a run of '%s'", action, request.workload, extra={"run_id": run.run_id})
    urls = {}
    if settings().expose_durable_urls:
        urls = durable.management_urls(client, run.run_id)
    status = HTTPStatus.OK if run.is_over else HTTPStatus.ACCEPTED
    return acceptance(req, run.run_id, status, **urls)


async def _answer_dry_run(request: RunRequest) -> func.HttpResponse:
    files = run_files()
    await call_in_thread(check_request, request, files)
    return answer(await call_in_thread(dry_run, request, files))


@serve(bp, endpoints.GET_RUN)
async def get_run(req: func.HttpRequest, client: Any, context: func.Context) -> func.HttpResponse:
    """Tell how a run stands."""
    return answer(await read_status(run_id_of(req), client, run_files(), rows(), origin_of(req)))
