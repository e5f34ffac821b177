"""Redrive over HTTP: a further attempt of a run that is over."""

from typing import Any

import azure.functions as func

from fanout.adapters.rows.rows import rows
from fanout.adapters.run_files.files import run_files
from fanout.adapters.settings import settings
from fanout.durable.app import Blueprint
from fanout.models.redrive import RedriveRequest
from starters.api import endpoints
from starters.api.admittance import signed_in_id
from starters.api.shell import acceptance, run_id_of, serve
from starters.lifecycle import redrive
from starters.lifecycle.parse import parse_body

bp = Blueprint()


@serve(bp, endpoints.REDRIVE_RUN)
async def redrive_run(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Begin a further attempt of a run; no body asks for everything."""
    run_id = run_id_of(req)
    request = parse_body(RedriveRequest, req.get_body() or b"{}", settings().max_request_bytes)
    attempt = await redrive.redrive_run(
        run_id, request, client, run_files(), rows(), signed_in_id(req)
    )
    return acceptance(req, run_id, attempt=attempt)
