"""Requests about durable entities."""

from http import HTTPStatus

from aiohttp import web

from localhost.durable import views
from localhost.durable.answers import answer, empty
from localhost.durable.contract import DurableService
from localhost.durable.instance_api import PAGE, TOKEN_HEADER
from localhost.durable.requests import entity_input, flag, json_text, seconds

EMPTY_KEY = "$"


def _key(parts: list[str]) -> str:
    return "" if parts[2] == EMPTY_KEY else parts[2]


async def read(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Give the state of an entity."""
    record = await service.get_entity(parts[1], _key(parts))
    if record is None or record.state_text is None:
        return empty(HTTPStatus.NOT_FOUND)
    return answer(views.parsed(record.state_text))


async def signal(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Queue an operation."""
    operation = request.query.get("op", "")
    text = entity_input(request, await json_text(request))
    await service.signal_entity(parts[1], _key(parts), operation, text)
    return empty(HTTPStatus.ACCEPTED)


async def delete(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Ask an entity to delete itself."""
    await service.signal_entity(parts[1], _key(parts), "delete", None)
    return empty(HTTPStatus.ACCEPTED)


async def list_entities(
    service: DurableService, request: web.Request, parts: list[str]
) -> web.Response:
    """List entities, a page at a time."""
    top = seconds(request.query, "top")
    records, token = await service.query_entities(
        parts[1] if len(parts) > 1 else None,
        top=max(1, int(top)) if top else PAGE,
        after=request.headers.get(TOKEN_HEADER) or None,
    )
    fetch_state = flag(request.query, "fetchState")
    body = [views.entity(record, fetch_state=fetch_state) for record in records]
    return answer(body, headers={TOKEN_HEADER: token} if token else None)
