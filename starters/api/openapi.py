"""The OpenAPI document of the HTTP API, made from the table of endpoints and their models.

Source: https://spec.openapis.org/oas/v3.1.0
"""

import json
import re
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import azure.functions as func
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from fanout.durable.app import Blueprint
from fanout.models.answers import Problem
from fanout.naming.instance_ids import RUN_ID_PATTERN
from starters.api import endpoints
from starters.api.endpoints import Argument, Endpoint
from starters.api.problems import MEDIA_TYPE
from starters.api.shell import answer, serve

bp = Blueprint()
Json = dict[str, Any]

JSON = "application/json"
KEY = "function_key"
SIGN_IN = "entra_token"
# The version of this API, not of the app: it changes when callers have to change.
API_VERSION = "1"
_PARAMETER = re.compile(r"\{(\*?)(\w+)\}")
_ROUTE_SCHEMAS: dict[str, Json] = {
    "run_id": {"type": "string", "pattern": RUN_ID_PATTERN},
    "name": {"type": "string", "minLength": 1},
}
_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "Something in the request is wrong; `errors` names the fields.",
    HTTPStatus.UNAUTHORIZED: "The call has no key, or no sign-in.",
    HTTPStatus.FORBIDDEN: "Whoever signed in has not the role that this takes.",
    HTTPStatus.NOT_FOUND: "There is nothing of this name.",
    HTTPStatus.CONFLICT: "The state of the run forbids it.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is longer than this app accepts.",
    HTTPStatus.TOO_MANY_REQUESTS: "This caller calls too often; `Retry-After` says when to go on.",
    HTTPStatus.SERVICE_UNAVAILABLE: "What the app needs does not answer, or too many calls wait.",
}


@serve(bp, endpoints.GET_OPENAPI)
async def get_openapi(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Describe this API."""
    return answer(document())


@lru_cache(maxsize=1)
def document() -> Json:
    """Make the document."""
    paths: dict[str, Json] = {}
    for endpoint in endpoints.ALL:
        path = "/api/" + endpoint.route.replace("{*", "{")
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fanout",
            "version": API_VERSION,
            "summary": "Runs one function over every item of a large job, durably.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _schemes()},
    }


def _operation(endpoint: Endpoint) -> Json:
    operation: Json = {
        "operationId": endpoint.function,
        "summary": endpoint.summary,
        "parameters": [*_route_parameters(endpoint), *map(_parameter, endpoint.arguments)],
        "responses": {**_answers(endpoint), **_refusals(endpoint)},
        "security": [],
    }
    if endpoint.role is not None:
        operation["security"] = [{KEY: []}, {SIGN_IN: [endpoint.role.claim]}]
        operation["description"] = (
            f"Where callers sign in, it takes the role `{endpoint.role.claim}`."
        )
    if endpoint.body is not None:
        content = {JSON: {"schema": _ref(endpoint.body)}}
        operation["requestBody"] = {"required": endpoint.needs_body, "content": content}
    return operation


def _route_parameters(endpoint: Endpoint) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _ROUTE_SCHEMAS[name],
            **({"description": "May have slashes."} if rest else {}),
        }
        for rest, name in _PARAMETER.findall(endpoint.route)
    ]


def _parameter(argument: Argument) -> Json:
    return {
        "name": argument.name,
        "in": argument.place,
        "required": False,
        "description": argument.description,
        "schema": argument.schema,
    }


def _answers(endpoint: Endpoint) -> Json:
    answers = {}
    for status, models in endpoint.answers.items():
        content: Json = {}
        if endpoint.is_file:
            content = {"*/*": {"schema": {}}}
        elif models:
            refs = [_ref(model) for model in models]
            content = {JSON: {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}}}
        elif status is not HTTPStatus.NO_CONTENT:
            content = {JSON: {"schema": {"type": "object"}}}
        answers[str(status.value)] = {
            "description": status.phrase,
            **({"content": content} if content else {}),
        }
    return answers


def _refusals(endpoint: Endpoint) -> Json:
    content = {MEDIA_TYPE: {"schema": _ref(Problem)}}
    refusals = {}
    for status in sorted(refusals_of(endpoint)):
        refusals[str(status.value)] = {"description": _REFUSALS[status], "content": content}
    return refusals


def refusals_of(endpoint: Endpoint) -> set[HTTPStatus]:
    """Every status of a problem that an endpoint may answer with."""
    if endpoint.role is None:
        return set()
    statuses = {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
        *endpoint.refusals,
    }
    if endpoint.arguments or endpoint.body:
        statuses.add(HTTPStatus.BAD_REQUEST)
    if endpoint.body:
        statuses.add(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if "{run_id}" in endpoint.route:
        statuses.add(HTTPStatus.NOT_FOUND)
    return statuses


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _schemas() -> Json:
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
    for endpoint in endpoints.ALL:
        if endpoint.body is not None:
            models.append((endpoint.body, "validation"))
        for answers in endpoint.answers.values():
            models += [(model, "serialization") for model in answers]
    _, schemas = models_json_schema(
        list(dict.fromkeys(models)), ref_template="#/components/schemas/{model}"
    )
    # What pydantic cannot write as JSON (a default that is a model) must not get into an answer.
    return dict(json.loads(json.dumps(schemas["$defs"])))


def _schemes() -> Json:
    return {
        KEY: {
            "type": "apiKey",
            "in": "header",
            "name": "x-functions-key",
            "description": "A function key, where callers do not sign in.",
        },
        SIGN_IN: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token of Entra ID with an app role, where callers sign in.",
        },
    }
