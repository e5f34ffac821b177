"""The host's own endpoints: `/admin/host/...` and `/admin/functions/...`."""

import asyncio
import importlib.metadata
import json
import logging
import platform
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from localhost.access.key_admin import KeyAdmin
from localhost.app import App
from localhost.execution.bindings import full_route
from localhost.execution.contract import FunctionInfo, Invocation, InvocationResult
from localhost.execution.invoke import invoke
from localhost.slow_callers import read_body

logger = logging.getLogger(__name__)

HOST_VERSION = "4.0.0"
STOP_SECONDS = 10.0
RunTimer = Callable[[FunctionInfo], Awaitable[InvocationResult]]


class Admin:
    """Answers `/admin/...`.

    Args:
        run_timer: Runs a timer function by hand.
        keys: Answers for keys.
    """

    def __init__(self, app: App, run_timer: RunTimer, keys: KeyAdmin) -> None:
        self._app = app
        self._keys = keys
        self._run_timer = run_timer
        self._started = time.monotonic()
        self._instance_id = uuid.uuid4().hex
        self._running: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request, path: str) -> web.Response:
        """Answer a request; `path` is what follows `/admin/`."""
        match path.split("/"):
            case ["host", "ping"] if request.method in ("GET", "POST"):
                return web.Response()
            case ["host", "status"] if request.method == "GET":
                return web.json_response(self._status())
            case ["host", kind, *parts]:
                return await self._keys.answer_for_host(request, kind, parts)
            case ["functions"] if request.method == "GET":
                return web.json_response([self._describe(info) for info in self._app.functions.all])
            case ["functions", name, *parts] if (info := self._find(name)) is not None:
                return await self._answer_for_function(request, info, parts)
        return web.Response(status=404)

    async def _answer_for_function(
        self, request: web.Request, info: FunctionInfo, parts: list[str]
    ) -> web.Response:
        match (request.method, parts):
            case ("GET", []):
                return web.json_response(self._describe(info))
            case ("GET", ["status"]):
                return web.json_response({})
            case (_, ["keys", *names]):
                return await self._keys.answer_for_function(request, info.name, names)
            case ("POST", []) if info in self._app.functions.callable:
                return await self._run(request, info)
        return web.Response(status=404)

    async def stop(self) -> None:
        """Let what was run by hand end within a grace period."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _find(self, name: str) -> FunctionInfo | None:
        # The callable ones first: of a disabled function they have its settings resolved.
        every = (*self._app.functions.callable, *self._app.functions.all)
        return next((info for info in every if info.name.lower() == name.lower()), None)

    def _status(self) -> dict[str, Any]:
        bundle = self._app.settings.host_json.get("extensionBundle")
        return {
            "id": f"{platform.node().lower()}-{self._app.settings.app_dir.name}",
            "state": "Running",
            "version": HOST_VERSION,
            "versionDetails": f"embedded host, azure-functions {_version('azure-functions')}",
            "platformVersion": "",
            "instanceId": self._instance_id,
            "computerName": platform.node(),
            "processUptime": round((time.monotonic() - self._started) * 1000),
            "functionAppContentEditingState": "NotAllowed",
            **({"extensionBundle": bundle} if bundle else {}),
        }

    def _describe(self, info: FunctionInfo) -> dict[str, Any]:
        origin = self._app.origin
        description: dict[str, Any] = {
            "name": info.name,
            "href": f"{origin}/admin/functions/{info.name}",
            "config": {"name": info.name, "language": "python", "bindings": info.bindings},
            "isDisabled": info.name in {one.name for one in self._app.functions.disabled},
            "language": "python",
        }
        if info.trigger_type == "httpTrigger":
            route = full_route(info, self._app.settings.route_prefix)
            description["invoke_url_template"] = f"{origin}/{route}"
        return description

    async def _run(self, request: web.Request, info: FunctionInfo) -> web.Response:
        try:
            text = _input((await read_body(request)).decode("utf-8", "replace"))
        except ValueError as error:
            return web.json_response({"message": str(error)}, status=400)
        if info.trigger_type not in ("timerTrigger", "activityTrigger"):
            return web.json_response(
                {"message": f"A function with a {info.trigger_type} cannot be run by hand."},
                status=400,
            )
        task = asyncio.create_task(self._run_by_hand(info, text))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return web.Response(status=202)

    async def _run_by_hand(self, info: FunctionInfo, text: str) -> None:
        if info.trigger_type == "timerTrigger":
            result = await self._run_timer(info)
        else:
            invocation = Invocation(str(uuid.uuid4()), info.name, text or "null")
            result = await invoke(self._app.executor, invocation)
        if result.error is not None:
            logger.error("%s, run by hand, failed: %s\n%s", info.name, result.error, result.stack)


def _input(text: str) -> str:
    try:
        value = json.loads(text.removeprefix("\ufeff"))["input"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError('The body must be JSON: {"input": "..."}.') from error
    return value if isinstance(value, str) else json.dumps(value)


def _version(distribution: str) -> str:
    return importlib.metadata.version(distribution)
