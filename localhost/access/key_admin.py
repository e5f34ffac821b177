"""The endpoints that list, make and delete keys.

Source: KeysController of the Functions host.
"""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from localhost.access.keys import MASTER, KeyRing, Scope
from localhost.slow_callers import read_body

_HOST_SCOPES = {"keys": Scope.HOST, "functionkeys": Scope.HOST, "systemkeys": Scope.SYSTEM}


class KeyAdmin:
    """Answers `/admin/host/{keys,functionkeys,systemkeys}` and `/admin/functions/{name}/keys`.

    Args:
        on_change: Called when a key has changed, so that URLs handed out carry the new one.
    """

    def __init__(self, keys: KeyRing, on_change: Callable[[], None]) -> None:
        self._keys = keys
        self._on_change = on_change

    async def answer_for_host(
        self, request: web.Request, kind: str, parts: list[str]
    ) -> web.Response:
        """Answer for keys of the host; `kind` is the part of the path that names which."""
        scope = _HOST_SCOPES.get(kind.lower())
        return (
            web.Response(status=404) if scope is None else await self._answer(request, scope, parts)
        )

    async def answer_for_function(
        self, request: web.Request, name: str, parts: list[str]
    ) -> web.Response:
        """Answer for keys of the function of this name, which exists."""
        self._keys.function_key(name)
        return await self._answer(request, name.lower(), parts)

    async def _answer(
        self, request: web.Request, scope: Scope | str, parts: list[str]
    ) -> web.Response:
        match parts:
            case [] if request.method == "GET":
                keys = self._keys.keys_of(scope).items()
                return _link_answer(request, {"keys": [{"name": n, "value": v} for n, v in keys]})
            case [name]:
                return await self._answer_for_key(request, scope, name)
        return web.Response(status=404)

    async def _answer_for_key(
        self, request: web.Request, scope: Scope | str, name: str
    ) -> web.Response:
        if request.method == "DELETE":
            return self._delete(scope, name)
        if isinstance(scope, Scope) and name.lower() == MASTER:
            scope = Scope.MASTER
        match request.method:
            case "GET":
                return self._get(request, scope, name)
            case "POST":
                return self._put(request, scope, name, None)
            case "PUT":
                value = _value((await read_body(request)).decode("utf-8", "replace"))
                if value is not None:
                    return self._put(request, scope, name, value)
                return web.Response(text="Invalid key value", status=400)
        return web.Response(status=404)

    def _get(self, request: web.Request, scope: Scope | str, name: str) -> web.Response:
        value = self._keys.get(scope, name)
        if value is None:
            return web.Response(status=404)
        return _link_answer(request, {"name": name, "value": value})

    def _put(
        self, request: web.Request, scope: Scope | str, name: str, value: str | None
    ) -> web.Response:
        is_new = self._keys.get(scope, name) is None
        key = self._keys.put(scope, name, value)
        self._on_change()
        return _link_answer(request, {"name": name, "value": key}, status=201 if is_new else 200)

    def _delete(self, scope: Scope | str, name: str) -> web.Response:
        if name.startswith("_"):
            return web.Response(text="Invalid key name.", status=400)
        if not self._keys.delete(scope, name):
            return web.Response(status=404)
        self._on_change()
        return web.Response(status=204)


def _link_answer(request: web.Request, body: dict[str, Any], status: int = 200) -> web.Response:
    # Without the query, which may hold the caller's own key.
    link = {"rel": "self", "href": str(request.url.with_query(None))}
    return web.json_response({**body, "links": [link]}, status=status)


def _value(text: str) -> str | None:
    try:
        value = json.loads(text.removeprefix("\ufeff"))["value"]
    except (ValueError, TypeError, KeyError):
        return None
    return value if isinstance(value, str) and value else None
