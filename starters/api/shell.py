"""What every HTTP function shares: how it answers, and how it refuses."""

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from inspect import signature
from typing import Any
from urllib.parse import urlsplit

import azure.durable_functions as df
import azure.functions as func
from azure.core.exceptions import AzureError
from pydantic import BaseModel

from fanout.adapters.rows.rows import RowContentionError
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.errors import FanoutError, FieldProblem, InvalidRequestError, RunNotFoundError
from fanout.naming import instance_ids
from starters.api.admittance import refusal
from starters.api.endpoints import Endpoint
from starters.api.problems import answer_to, problem

log = logger("http")
RETRY_AFTER_SECONDS = "2"
Handler = Callable[..., Awaitable[func.HttpResponse]]
# An answer is for who asked, as what it says it is; nothing in it is to be carried out.
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def serves(bp: df.Blueprint, endpoint: Endpoint) -> Callable[[Handler], Any]:
    """Register a handler as the function of an endpoint.

    It gets what its parameters name: the request, the `context` of its invocation, a durable
    `client`. The key it takes is the app's to say, unless the endpoint is open to anybody.
    """
    is_open = endpoint.role is None
    level = {"auth_level": func.AuthLevel.ANONYMOUS} if is_open else {}

    def register(handler: Handler) -> Any:
        made = answering(endpoint)(handler)
        if "client" in signature(handler).parameters:
            made = bp.durable_client_input(client_name="client")(made)
        made = bp.function_name(endpoint.function)(made)
        return bp.route(route=endpoint.route, methods=[endpoint.method], **level)(made)

    return register


def answering(endpoint: Endpoint) -> Callable[[Handler], Handler]:
    """Let in who may call, turn what a handler raises into an answer, and log it.

    The handler's `context` gives the log lines their ids, and the durable client its correlation.
    """

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        async def answered(**arguments: Any) -> func.HttpResponse:
            req = arguments["req"]
            with bind_invocation(arguments["context"], req.route_params.get("run_id")):
                response = refusal(endpoint, req) or await _answer(handler, arguments)
            for name, value in SAFE_HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return answered

    return wrap


async def _answer(handler: Handler, arguments: dict[str, Any]) -> func.HttpResponse:
    try:
        return await handler(**arguments)
    except FanoutError as error:
        log.info("refused", exc_info=error)
        return answer_to(error)
    except (AzureError, RowContentionError) as error:
        log.exception("storage does not answer")
        detail = f"Storage does not answer: {type(error).__name__}. Try again."
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "storage", detail)


def answer(body: Any, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> func.HttpResponse:
    """Answer with JSON; header names are written with underscores."""
    text = body.model_dump_json() if isinstance(body, BaseModel) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpResponse(text, status_code=status, headers=named, mimetype="application/json")


def run_id_of(req: func.HttpRequest) -> str:
    """Read the run's id from the route."""
    run_id = str(req.route_params["run_id"])
    if not instance_ids.is_run_id(run_id):
        raise RunNotFoundError(run_id)
    return run_id


def origin(req: func.HttpRequest) -> str:
    """The scheme and host that the caller used."""
    parts = urlsplit(req.url)
    return f"{parts.scheme}://{parts.netloc}"


def accepted(
    req: func.HttpRequest, run_id: str, status: HTTPStatus = HTTPStatus.ACCEPTED, **more: Any
) -> func.HttpResponse:
    """Answer that something was asked of a run, and where to see what comes of it."""
    base = f"{origin(req)}/api/runs/{run_id}"
    body = {"run_id": run_id, "status_url": base, "results_url": f"{base}/results", **more}
    if status == HTTPStatus.OK:
        return answer(body)
    return answer(body, status, Location=base, Retry_After=RETRY_AFTER_SECONDS)


def page_size(req: func.HttpRequest, default: int, most: int) -> int:
    """Read how many a page is to have.

    Raises:
        InvalidRequestError: It is no whole number from 1 to `most`.
    """
    text = req.params.get("limit")
    if text is None:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= most:
        message = f"'{text}' is no whole number from 1 to {most}"
        raise InvalidRequestError([FieldProblem("limit", message)])
    return int(text)
