"""Health over HTTP: whether what the app depends on answers.

Everything is asked at once, and nothing is waited for longer than `MAX_SECONDS`: who asks for the
health of an app wants to know now, above all when something hangs.
"""

import asyncio
from collections.abc import Awaitable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import azure.functions as func
from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError

from fanout.adapters.blob import ANSWER_SECONDS
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.telemetry.logs import logger
from fanout.durable import client as durable
from fanout.durable.app import Blueprint
from starters.api import endpoints
from starters.api.shell import RETRY_AFTER_SECONDS, answer, serve
from starters.circuits import record_circuits
from starters.single_flight import SingleFlight

bp = Blueprint()
log = logger("http")
MAX_SECONDS = ANSWER_SECONDS
CIRCUITS_SECONDS = 1.0
UP = "up"
_TIMEOUTS = (TimeoutError, ServiceRequestTimeoutError, ServiceResponseTimeoutError)


@serve(bp, endpoints.GET_HEALTH)
async def get_health(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Tell whether what the app depends on answers."""
    return await check_health(client, run_files(), rows(), _calls())


async def check_health(
    client: Any, files: RunFiles, rows: Rows, calls: SingleFlight
) -> func.HttpResponse:
    """Ask each dependency; 503 if any is down.

    Args:
        client: The durable client.
        files: Where runs are kept.
        rows: Their rows.
        calls: The calls to storage that are under way.
    """
    blobs, (tables, circuits), durable = await asyncio.gather(
        _state(
            "blobs", calls.call("blobs", lambda: files.store.ping(files.container), MAX_SECONDS)
        ),
        _ask_tables(rows, calls),
        _state("the durable host", _ask_durable(client)),
    )
    is_up = blobs == tables == durable == UP
    body = {
        "status": "up" if is_up else "down",
        "dependencies": {"storage": _storage_state(blobs, tables), "durable": durable},
        "circuits": circuits,
    }
    if is_up:
        return answer(body)
    return answer(body, HTTPStatus.SERVICE_UNAVAILABLE, Retry_After=RETRY_AFTER_SECONDS)


@lru_cache(maxsize=1)
def _calls() -> SingleFlight:
    return SingleFlight()


async def _ask_durable(client: Any) -> None:
    async with asyncio.timeout(MAX_SECONDS):
        await durable.read_status(client, "health-probe")


async def _ask_tables(rows: Rows, calls: SingleFlight) -> tuple[str, dict[str, Any]]:
    """Ask for the tables, and if they answer for the circuits in them.

    Circuits are asked for as work is, for minutes where storage goes away; nobody waits for that.
    """
    state = await _state("tables", calls.call("tables", rows.ping, MAX_SECONDS))
    if state != UP:
        return state, {}
    try:
        asked = calls.call("circuits", lambda: record_circuits(rows), CIRCUITS_SECONDS)
        return state, await asked
    except Exception:
        log.warning("circuits: no good answer", exc_info=True)
        return state, {}


async def _state(name: str, question: Awaitable[None]) -> str:
    try:
        await question
    except Exception as error:  # the SDK of Durable raises Exception itself
        log.warning("%s: no good answer", name, exc_info=error)
        return f"down: {describe_fault(error, MAX_SECONDS)}"
    return UP


def _storage_state(blobs: str, tables: str) -> str:
    if blobs == UP and tables != UP:
        return tables.replace("down: ", "down: tables: ", 1)
    return blobs


def describe_fault(error: Exception, max_seconds: float) -> str:
    """Why a dependency is down, for anybody: without addresses, which the text of an error has."""
    if isinstance(error, _TIMEOUTS):
        return f"no answer within {max_seconds:g} s"
    kind = type(error).__name__
    status = getattr(error, "status_code", None)
    if status is not None:
        return f"{kind} (it answered {status})"
    cause = _system_error(error)
    return kind if cause is None else f"{kind} ({cause})"


def _system_error(error: BaseException) -> str | None:
    """What the system says of a connection; libraries wrap it in one error after another."""
    wrapped: list[Any] = [error]
    for inner in wrapped:
        if isinstance(inner, OSError) and inner.errno is not None and inner.strerror:
            return inner.strerror
        names = ("inner_exception", "reason", "__cause__", "__context__")
        more = (*inner.args, *(getattr(inner, name, None) for name in names))
        wrapped += (e for e in more if isinstance(e, BaseException) and e not in wrapped)
    return None
