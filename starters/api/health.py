"""Health over HTTP: whether what the app depends on answers."""

import asyncio
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.core.exceptions import AzureError

from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.telemetry.logs import logger
from starters.api import endpoints
from starters.api.shell import answer, serve
from starters.circuits import record_circuits

bp = df.Blueprint()
log = logger("http")


@serve(bp, endpoints.GET_HEALTH)
async def get_health(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Tell whether what the app depends on answers."""
    return await check_health(client, run_files(), rows())


async def check_health(client: Any, files: RunFiles, rows: Rows) -> func.HttpResponse:
    """Ask each dependency; 503 if any is down."""
    states = {"storage": await _ask_storage(files), "durable": await _ask_durable(client)}
    is_up = all(state == "up" for state in states.values())
    status = HTTPStatus.OK if is_up else HTTPStatus.SERVICE_UNAVAILABLE
    circuits = await asyncio.to_thread(record_circuits, rows) if states["storage"] == "up" else {}
    body = {"status": "up" if is_up else "down", "dependencies": states, "circuits": circuits}
    return answer(body, status)


async def _ask_storage(files: RunFiles) -> str:
    try:
        await asyncio.to_thread(files.store.ping, files.container)
    except AzureError as error:
        log.warning("storage does not answer", exc_info=error)
        return f"down: {type(error).__name__}"
    return "up"


async def _ask_durable(client: Any) -> str:
    try:
        await client.get_status("health-probe")
    except Exception as error:  # the SDK raises Exception itself
        log.warning("the durable host does not answer", exc_info=error)
        return f"down: {type(error).__name__}"
    return "up"
