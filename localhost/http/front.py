"""The HTTP front: function routes, the Durable webhooks, the admin endpoints and the home page."""

import logging
import uuid
from typing import Protocol

from aiohttp import web

from localhost.access.auth import Gate
from localhost.app import App
from localhost.execution.bindings import full_route
from localhost.execution.contract import FunctionInfo, HttpResponseData, Invocation
from localhost.execution.invoke import invoke
from localhost.http import cors, event_grid
from localhost.http.admin import Admin
from localhost.http.messages import client_response, function_request
from localhost.http.routing import Route, Router, trigger_methods
from localhost.http.streaming import HttpStreams
from localhost.slow_callers import QuietConnections

logger = logging.getLogger(__name__)

WEBHOOKS = "runtime/webhooks/"
DURABLE = "durabletask"
PING = "admin/host/ping"  # the one admin endpoint that asks for no key
_WEBHOOK_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "OPTIONS"})
_HOME_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Your functions are running</title></head>
<body style="font-family: system-ui; margin: 4rem auto; max-width: 40rem">
<h1>Your functions are running</h1>
<p>This is the embedded Functions host, for development and tests.</p>
</body></html>
"""


class DurableHandler(Protocol):
    """The Durable endpoints, as `localhost.durable.api.handler` provides them."""

    async def handle(self, request: web.Request, tail: str) -> web.StreamResponse:
        """Answer a request; `tail` is what follows the mount point."""


class HttpFront:
    """Answers every request of the public port.

    Raises:
        RouteError: A function's route cannot be read.
    """

    def __init__(self, app: App, admin: Admin, durable: DurableHandler, gate: Gate) -> None:
        self._app = app
        self._gate = gate
        self._admin = admin
        self._durable = durable
        self._event_grid = event_grid.EventGridWebhook(app)
        if self._event_grid.has_functions:
            gate.keys.system_key(event_grid.SYSTEM_KEY)  # so that it can be looked up
        self.quiet_connections = QuietConnections()
        self._disabled = frozenset(info.name for info in app.functions.disabled)
        self.streams = HttpStreams(app.executor)
        prefix = app.settings.route_prefix
        self._router = Router(
            [
                Route(full_route(info, prefix), trigger_methods(info.trigger), info)
                for info in app.functions.callable
                if info.trigger_type == "httpTrigger"
            ]
        )

    def application(self) -> web.Application:
        """The application to serve."""
        application = web.Application(client_max_size=self._app.settings.body_limit_bytes)
        application.router.add_route("*", "/{path:(?s:.*)}", self._handle)
        application.on_response_prepare.append(self._mark)
        return application

    async def _mark(self, request: web.Request, response: web.StreamResponse) -> None:
        cors.mark(request, response, self._app.settings.cors)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        with self.quiet_connections.answering(request):
            return await self._answer(request)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0].strip("/")
        room = path.partition("/")[0].lower()
        if (answer := cors.preflight(request, self._app.settings.cors)) is not None:
            return answer
        if room == "admin":
            return await self._administer(request, path)
        if room == "runtime":
            return await self._webhook(request)
        match = self._router.match(request.method, path)
        if match is not None:
            return await self._call_function(request, *match)
        return self._home_page(request) if not path else web.Response(status=404)

    async def _administer(self, request: web.Request, path: str) -> web.StreamResponse:
        refusal = None if path.lower() == PING else self._gate.admin_refusal(request)
        if refusal is not None:
            return web.Response(status=refusal)
        return await self._admin.handle(request, path.partition("/")[2])

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        # Decoded once, and where bytes are no UTF-8 not at all, as Kestrel does it.
        path = request.path.strip("/")
        extension, _, tail = path[len(WEBHOOKS) :].partition("/")
        is_webhook = path.lower().startswith(WEBHOOKS) and extension
        if not is_webhook or request.method not in _WEBHOOK_METHODS:
            return web.Response(status=404)
        refusal = self._gate.webhook_refusal(request, extension)
        if refusal is not None:
            return web.Response(status=refusal)
        if extension.lower() == event_grid.EXTENSION and self._event_grid.has_functions:
            return await self._event_grid.handle(request)
        if extension.lower() != DURABLE:
            return web.Response(status=404)
        return await self._durable.handle(request, tail)

    def _home_page(self, request: web.Request) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=404)
        if self._app.settings.environment.get("AzureWebJobsDisableHomepage", "").lower() == "true":
            return web.Response(status=204)
        return web.Response(text=_HOME_PAGE, content_type="text/html")

    async def _call_function(
        self, request: web.Request, info: FunctionInfo, route_params: dict[str, str]
    ) -> web.StreamResponse:
        is_disabled = info.name in self._disabled
        refusal = self._gate.call_refusal(request, info, is_disabled=is_disabled)
        if refusal is not None:
            return web.Response(status=refusal)
        if info.is_streamed:
            return await self.streams.forward(request, info, route_params)
        try:
            data = await function_request(request, route_params)
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        invocation = Invocation(
            id=str(uuid.uuid4()),
            function=info.name,
            payload=data,
            trace_parent=data.headers.get("traceparent"),
        )
        result = await invoke(self._app.executor, invocation)
        if result.error is not None:
            logger.error(
                "Executed 'Functions.%s' (Failed, Id=%s): %s\n%s",
                info.name,
                invocation.id,
                result.error,
                result.stack or "",
            )
            return web.Response(status=500)
        if not isinstance(result.value, HttpResponseData):
            return web.Response(status=204)
        return self._response(info, result.value)

    def _response(self, info: FunctionInfo, data: HttpResponseData) -> web.Response:
        try:
            return client_response(data)
        except (ValueError, TypeError) as error:
            logger.error("The response of '%s' cannot be sent: %s", info.name, error)  # noqa: TRY400
            return web.Response(status=500)
