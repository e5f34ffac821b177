"""Requests about durable entities."""

import json
from http import HTTPStatus

from aiohttp import web

from localhost.durable.api import views
from localhost.durable.api.answers import BadRequestError, empty_answer, json_answer
from localhost.durable.api.instance_requests import PAGE, TOKEN_HEADER
from localhost.durable.api.parameters import JSON, body_text, flag, json_text, moment, whole_number
from localhost.durable.records import EntityFilter
from localhost.durable.service import DurableService

EMPTY_KEY = "$"


def _key(parts: list[str]) -> str:
    return "" if parts[2] == EMPTY_KEY else parts[2]


async def read(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Give the state of an entity."""
    record = await service.get_entity(parts[1], _key(parts))
    if record is None:
        return empty_answer(HTTPStatus.NOT_FOUND)
    return json_answer(views.json_value(record.state_text))


async def signal(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Queue an operation."""
    operation = request.query.get("op", "")
    text = await body_text(request)
    if not text:
        operation_input = None
    elif request.content_type == JSON:
        try:
            operation_input = json_text(text)
        except BadRequestError as error:
            message = f"Could not parse JSON content: {error}"
            return json_answer({"Message": message}, HTTPStatus.BAD_REQUEST)
    else:
        operation_input = json.dumps(text)
    await service.signal_entity(parts[1], _key(parts), operation, operation_input)
    return empty_answer(HTTPStatus.ACCEPTED)


async def delete(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Ask an entity to delete itself."""
    await service.signal_entity(parts[1], _key(parts), "delete", None)
    return empty_answer(HTTPStatus.ACCEPTED)


async def list_entities(
    service: DurableService, request: web.Request, parts: list[str]
) -> web.Response:
    """List entities, a page at a time."""
    fetch_state = flag(request.query, "fetchState")
    records, token = await service.query_entities(
        EntityFilter(
            name=parts[1] if len(parts) > 1 else None,
            operated_from=moment(request.query, "lastOperationTimeFrom"),
            operated_to=moment(request.query, "lastOperationTimeTo"),
            # Deleted ones are left out only where states are not asked for.
            with_deleted=fetch_state,
        ),
        top=whole_number(request.query, "top", PAGE),
        token=request.headers.get(TOKEN_HEADER) or None,
    )
    body = [views.entity(record, fetch_state=fetch_state) for record in records]
    return json_answer(body, headers={TOKEN_HEADER: token} if token else None)
