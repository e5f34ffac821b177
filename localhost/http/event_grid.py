"""The webhook of the Event Grid trigger: `/runtime/webhooks/EventGrid?functionName=NAME`.

Each event is one call, all at once; if any fails, the answer is 500 and the sender sends all again.
Source: HttpRequestProcessor and EventGridExtensionConfigProvider of the Event Grid extension.
"""

import asyncio
import json
import logging
import uuid
from typing import Any

from aiohttp import web

from localhost.app import App
from localhost.execution.contract import Invocation, InvocationResult
from localhost.execution.invoke import invoke
from localhost.slow_callers import read_body

logger = logging.getLogger(__name__)

TRIGGER = "eventGridTrigger"
EXTENSION = "eventgrid"
SYSTEM_KEY = "eventgrid_extension"
TYPE_HEADER = "aeg-event-type"
ORIGIN_HEADER = "WebHook-Request-Origin"
PUBLIC_ORIGIN = "eventgrid.azure.net"
ORIGINS = (
    PUBLIC_ORIGIN,
    "eventgrid.azure.us",
    "eventgrid.azure.eaglex.ic.gov",
    "eventgrid.azure.microsoft.scloud",
    "eventgrid.azure.cn",
)


class EventGridWebhook:
    """Answers what Event Grid, or whoever plays it, sends."""

    def __init__(self, app: App) -> None:
        self._executor = app.executor
        self._names = [info.name for info in app.functions.of_type(TRIGGER)]

    @property
    def has_functions(self) -> bool:
        """Whether an event triggers any function of the app."""
        return bool(self._names)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request."""
        name = _parameter(request, "functionName")
        if name not in self._names:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        if request.method == "OPTIONS":
            # How an endpoint says that it takes CloudEvents.
            origin = request.headers.get(ORIGIN_HEADER, "")
            allowed_origin = origin if origin in ORIGINS else PUBLIC_ORIGIN
            return web.Response(headers={"Webhook-Allowed-Origin": allowed_origin})
        try:
            return await self._answer(request, name)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            logger.error("an event for '%s' cannot be read: %s", name, error)  # noqa: TRY400
            return web.Response(status=500)

    async def _answer(self, request: web.Request, name: str) -> web.Response:
        match request.headers.get(TYPE_HEADER, "").lower():
            case "subscriptionvalidation":
                code = _validation_code(json.loads(await read_body(request)))
                return web.Response(text=json.dumps({"validationResponse": code}))
            case "notification":
                document = json.loads(await read_body(request))
                events = document if isinstance(document, list) else [document]
                if not all(isinstance(event, dict) for event in events):
                    raise ValueError("an event is a JSON object")
                return await self._call(name, events)
            case "unsubscribe":
                return web.Response(status=202)
        return web.Response(status=400)

    async def _call(self, name: str, events: list[dict[str, Any]]) -> web.Response:
        invocations = [Invocation(str(uuid.uuid4()), name, json.dumps(event)) for event in events]
        results = await asyncio.gather(*(invoke(self._executor, call) for call in invocations))
        failures = [result for result in results if result.error is not None]
        for failure in failures:
            _log(name, failure)
        if failures:
            return web.Response(status=500, text=f"Exception while executing function: {name}")
        return web.Response(status=202)


def _validation_code(document: Any) -> str:
    """The code of a subscription's validation; a CloudEvent has its data as JSON text."""
    if isinstance(document, list):
        return str(document[0]["data"]["validationCode"])
    data = document["data"]
    return str((json.loads(data) if isinstance(data, str) else data)["validationCode"])


def _parameter(request: web.Request, name: str) -> str:
    values = (text for key, text in request.query.items() if key.lower() == name.lower())
    return next(values, "")


def _log(name: str, result: InvocationResult) -> None:
    logger.error(
        "Executed 'Functions.%s' (Failed, Id=%s): %s\n%s",
        name,
        result.id,
        result.error,
        result.stack or "",
    )
