"""What every HTTP function shares: how it answers, and how it refuses."""

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import azure.functions as func
from azure.core.exceptions import AzureError
from pydantic import BaseModel

from fanout import ids
from fanout.adapters.telemetry import logged, logger
from fanout.errors import FanoutError, FieldProblem, InvalidRequestError, RunNotFoundError
from starters.problems import answer_to, problem

log = logger("http")
RETRY_AFTER_SECONDS = "2"
Handler = Callable[..., Awaitable[func.HttpResponse]]


def answering(handler: Handler) -> Handler:
    """Turn what a handler raises into the answer that `starters.problems` has for it, and log it.

    The handler's `context` gives the log lines their ids, and the durable client its correlation.
    """

    @wraps(handler)
    async def answered(**arguments: Any) -> func.HttpResponse:
        run_id = arguments["req"].route_params.get("run_id")
        with logged(arguments["context"], run_id):
            try:
                return await handler(**arguments)
            except FanoutError as error:
                log.info("refused", exc_info=error)
                return answer_to(error)
            except AzureError as error:
                log.exception("storage does not answer")
                detail = f"Storage does not answer: {type(error).__name__}. Try again."
                return problem(HTTPStatus.SERVICE_UNAVAILABLE, "storage", detail)

    return answered


def answer(body: Any, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> func.HttpResponse:
    """Answer with JSON; header names are written with underscores."""
    text = body.model_dump_json() if isinstance(body, BaseModel) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpResponse(text, status_code=status, headers=named, mimetype="application/json")


def run_id_of(req: func.HttpRequest) -> str:
    """Read the run's id from the route."""
    run_id = str(req.route_params["run_id"])
    if not ids.is_run_id(run_id):
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
