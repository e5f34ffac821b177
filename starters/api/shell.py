"""What all HTTP functions share: how they answer, and how they refuse."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import lru_cache, wraps
from http import HTTPStatus
from inspect import signature
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import azure.functions as func

from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.patience import current_patience, limit_patience, limit_waiting
from fanout.adapters.rows.rows import RowContentionError
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.durable.app import Blueprint, client_input
from fanout.errors import FanoutError, FieldProblem, InvalidRequestError, RunNotFoundError
from fanout.naming import instance_ids
from starters.api.admittance import caller_id, refusal
from starters.api.endpoints import Endpoint
from starters.api.json_bodies import write_json
from starters.api.lanes import RETRY_SECONDS, CrowdedError, Lanes
from starters.api.problems import answer_to, problem
from starters.failures import find_failure, is_fault

log = logger("http")
RETRY_AFTER_SECONDS = "2"
# Callers and proxies wait for half a minute, and not for minutes as activities do for storage.
MAX_ANSWER_SECONDS = 25.0
# Less, so that no thread goes on when the caller has had an answer. Who may take longer because
# there is much to do waits for no longer either.
MAX_STORAGE_SECONDS = 22.0
_DIGITS = re.compile(r"[0-9]{1,9}")
_MAX_SHOWN_CHARACTERS = 100
Handler = Callable[..., Awaitable[func.HttpResponse]]
# No cache keeps an answer, no browser guesses another type for it, and nothing in it is run.
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def serve(bp: Blueprint, endpoint: Endpoint) -> Callable[[Handler], Any]:
    """Register a handler as the function of an endpoint.

    A handler takes `req`, the HTTP request, and `context`, its invocation; if it has a parameter
    `client`, it gets the durable client. Whether a call needs a key is a setting of the app, unless
    the endpoint is open to anybody.
    """
    is_open = endpoint.role is None
    level = {"auth_level": func.AuthLevel.ANONYMOUS} if is_open else {}

    def register(handler: Handler) -> Any:
        function: Any = wrap_handler(endpoint)(handler)
        if "client" in signature(handler).parameters:
            function = client_input(bp)(function)
        function = bp.function_name(endpoint.function)(function)
        return bp.route(route=endpoint.route, methods=[endpoint.method], **level)(function)

    return register


def wrap_handler(endpoint: Endpoint) -> Callable[[Handler], Handler]:
    """Let in who may call, and turn what the handler raises into an answer.

    The log lines of a call have the ids of its `context`.
    """

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        async def handle(**arguments: Any) -> func.HttpResponse:
            req = arguments["req"]
            with bind_invocation(arguments["context"], req.route_params.get("run_id")):
                response = refusal(endpoint, req) or await _answer_in_time(
                    endpoint, handler, arguments
                )
            for name, value in SAFE_HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle

    return wrap


async def _answer_in_time(
    endpoint: Endpoint, handler: Handler, arguments: dict[str, Any]
) -> func.HttpResponse:
    """Answer in time, whatever the handler waits for or raises, its turn as well."""
    responses: list[func.HttpResponse] = []

    async def call() -> None:
        limit = limit_waiting if endpoint.is_long else limit_patience
        with limit(MAX_STORAGE_SECONDS):
            responses.append(await _call_in_turn(endpoint, handler, arguments))

    failure = await find_failure(call())
    return responses[0] if failure is None else _refusal(failure)


async def _call_in_turn(
    endpoint: Endpoint, handler: Handler, arguments: dict[str, Any]
) -> func.HttpResponse:
    """Call a handler once it is its turn."""
    req = arguments["req"]
    insist_on_lengths(endpoint, req)
    run_id = str(req.route_params.get("run_id", ""))
    begun = monotonic()
    async with asyncio.timeout(MAX_ANSWER_SECONDS) as limit:
        place = lanes().place(endpoint.function, run_id, caller_id(req), req.get_body())
        async with place:
            if endpoint.is_long:
                limit.reschedule(None)
                current_patience().spend(monotonic() - begun)
            return await handler(**arguments)


@lru_cache(maxsize=1)
def lanes() -> Lanes:
    """The lanes of this process."""
    return Lanes()


def _refusal(failure: BaseException) -> func.HttpResponse:
    if isinstance(failure, CrowdedError):
        response = problem(HTTPStatus.SERVICE_UNAVAILABLE, "crowded", str(failure))
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    if isinstance(failure, FanoutError) and not is_infrastructure(failure):
        log.info("refused", exc_info=failure)
        return answer_to(failure)
    log.error("no good answer", exc_info=failure)
    kind = type(failure).__name__
    if is_fault(failure):
        detail = f"The app is at fault ({kind}); its log says more."
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)
    response = _unavailable(failure)
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def _unavailable(failure: BaseException) -> func.HttpResponse:
    kind = type(failure).__name__
    if is_infrastructure(failure) or isinstance(failure, RowContentionError):
        detail = f"Storage does not answer: {kind}. Try again."
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "storage", detail)
    detail = f"What the app needs does not answer: {kind}. Try again; it may have been done."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail)


def answer(body: Any, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> func.HttpResponse:
    """Answer with JSON; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = write_json(body)
    return func.HttpResponse(data, status_code=status, headers=named, mimetype="application/json")


def run_id_of(req: func.HttpRequest) -> str:
    """The id of the run in the route.

    Raises:
        RunNotFoundError: No run can have this id.
    """
    run_id = str(req.route_params["run_id"])
    if not instance_ids.is_run_id(run_id):
        raise RunNotFoundError(run_id)
    return run_id


def origin_of(req: func.HttpRequest) -> str:
    """The scheme and host that the caller used; nothing where the caller's `Host` is no host.

    URLs without it are as good: they are relative to the call's. A header of an answer is ASCII.
    """
    try:
        parts = urlsplit(req.url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc.isascii() else ""


def acceptance(
    req: func.HttpRequest, run_id: str, status: HTTPStatus = HTTPStatus.ACCEPTED, **more: Any
) -> func.HttpResponse:
    """Answer that a run will do what was asked, and where its status and results are."""
    base = f"{origin_of(req)}/api/runs/{run_id}"
    body = {"run_id": run_id, "status_url": base, "results_url": f"{base}/results", **more}
    if status == HTTPStatus.OK:
        return answer(body)
    return answer(body, status, Location=base, Retry_After=RETRY_AFTER_SECONDS)


def insist_on_lengths(endpoint: Endpoint, req: func.HttpRequest) -> None:
    """Refuse a query with a text that is longer than the table of endpoints says.

    Raises:
        InvalidRequestError: Every such argument is named.
    """
    problems = []
    for argument in endpoint.arguments:
        most = argument.schema.get("maxLength")
        length = len(req.params.get(argument.name) or "") if argument.place == "query" else 0
        if most is not None and length > most:
            message = f"it has {length:,} characters; {most:,} are the most"
            problems.append(FieldProblem(argument.name, message))
    if problems:
        raise InvalidRequestError(problems)


def page_size(req: func.HttpRequest, default: int, maximum: int) -> int:
    """How many entries a page is to have.

    Raises:
        InvalidRequestError: It is no whole number from 1 to `maximum`.
    """
    text = req.params.get("limit")
    return default if text is None else whole_number("limit", text, maximum)


def whole_number(name: str, text: str, maximum: int) -> int:
    """Read a parameter of the query.

    Raises:
        InvalidRequestError: It is no whole number from 1 to `maximum`.
    """
    number = int(text) if _DIGITS.fullmatch(text) else 0
    if not 1 <= number <= maximum:
        message = f"'{text[:_MAX_SHOWN_CHARACTERS]}' is no whole number from 1 to {maximum}"
        raise InvalidRequestError([FieldProblem(name, message)])
    return number
