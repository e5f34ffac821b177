"""The HTTP face of the engine: the public webhooks, and the same for the SDK's client.

Source: HttpApiHandler of the Durable extension (`docs/host-protocol.md`, 7.3).
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from localhost.durable.api import entity_requests, instance_requests
from localhost.durable.api.answers import BadRequestError, empty_answer, error_answer
from localhost.durable.api.client_binding import binding_text
from localhost.durable.errors import DurableError, InvalidOperationError
from localhost.durable.service import DurableService
from localhost.durable.storage.schema import StoreError

logger = logging.getLogger(__name__)

Handler = Callable[[DurableService, web.Request, list[str]], Awaitable[web.Response]]


async def _make_primary(
    service: DurableService, request: web.Request, parts: list[str]
) -> web.Response:
    """There is one host: it is the primary one."""
    return empty_answer(HTTPStatus.OK)


_INSTANCE_VERBS: dict[str, Handler] = {
    "terminate": instance_requests.terminate,
    "suspend": instance_requests.suspend,
    "resume": instance_requests.resume,
    "rewind": instance_requests.rewind,
    "restart": instance_requests.restart,
}
_ONE_INSTANCE: dict[str, Handler] = {
    "GET": instance_requests.status,
    "DELETE": instance_requests.purge,
}
_ALL_INSTANCES: dict[str, Handler] = {
    "GET": instance_requests.list_instances,
    "DELETE": instance_requests.purge_many,
}
_WHOLE: dict[str, dict[str, Handler]] = {
    "instances": _ALL_INSTANCES,
    "entities": {"GET": entity_requests.list_entities},
    "makeprimary": {"POST": _make_primary},
}
_ONE_ENTITY: dict[str, Handler] = {
    "GET": entity_requests.read,
    "POST": entity_requests.signal,
    "DELETE": entity_requests.delete,
}


class DurableApi:
    """Serves the durable HTTP API of one engine.

    Args:
        system_key: Tells the key that guards the webhooks, for the URLs handed out; None without
            keys.
    """

    def __init__(
        self, service: DurableService, system_key: Callable[[], str | None] = lambda: None
    ) -> None:
        self._service = service
        self._system_key = system_key
        # The names that a binding of the app gives are known as they are given out.
        self._connections = {"storage", "azurewebjobsstorage"}

    async def handle(self, request: web.Request, tail: str) -> web.StreamResponse:
        """Serve one request; `tail` is the path below the base, decoded once."""
        parts = tail.strip("/").split("/")
        handler = None if "" in parts else route(request.method, parts)
        if handler is None:
            return empty_answer(HTTPStatus.NOT_FOUND)
        refusal = self._wrong_hub_answer(request)
        if refusal is not None:
            return refusal
        try:
            return await handler(self._service, request, parts)
        except (BadRequestError, DurableError, StoreError) as error:  # the store reports its own
            return error_answer(error)
        except Exception as error:
            logger.exception("%s %s failed", request.method, request.path)
            return error_answer(error)

    def _wrong_hub_answer(self, request: web.Request) -> web.Response | None:
        """Refuse a request for another storage account or task hub; None if it is for ours."""
        connection = request.query.get("connection", "")
        if connection and connection.lower() not in self._connections:
            error = InvalidOperationError(
                f"Unable to resolve the Azure Storage connection named '{connection}'."
            )
            return error_answer(error)
        hub = request.query.get("taskHub") or self._service.hub_name
        if hub.lower() != self._service.hub_name.lower():
            return empty_answer(HTTPStatus.NOT_FOUND)
        return None

    def client_binding(
        self, *, task_hub: str, connection_name: str | None, public_origin: str, rpc_base_url: str
    ) -> str:
        """The value of a durable client binding."""
        if connection_name:
            self._connections.add(connection_name.lower())
        return binding_text(
            task_hub=task_hub,
            connection_name=connection_name,
            public_origin=public_origin,
            rpc_base_url=rpc_base_url,
            system_key=self._system_key(),
        )


def route(method: str, parts: list[str]) -> Handler | None:
    """Find who serves a method and path; None where nobody does (404, whichever was wrong)."""
    if len(parts) == 1:
        return _WHOLE.get(parts[0].lower(), {}).get(method)
    match [parts[0].lower(), *parts[1:]]:
        case ["orchestrators", _] | ["orchestrators", _, _]:
            handlers: dict[str, Handler] = {"POST": instance_requests.start}
        case ["instances", _]:
            handlers = _ONE_INSTANCE
        case ["instances", _, verb] if verb.lower() in _INSTANCE_VERBS:
            handlers = {"POST": _INSTANCE_VERBS[verb.lower()]}
        case ["instances", _, verb, _] if verb.lower() == "raiseevent":
            handlers = {"POST": instance_requests.raise_event}
        case ["entities", _]:
            handlers = {"GET": entity_requests.list_entities}
        case ["entities", _, _]:
            handlers = _ONE_ENTITY
        case _:
            handlers = {}
    return handlers.get(method)
