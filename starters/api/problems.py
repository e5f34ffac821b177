"""Errors as answers: problem JSON (RFC 9457)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import azure.functions as func

from fanout.errors import (
    DamagedFileError,
    FanoutError,
    FieldProblem,
    InvalidRequestError,
    RunConflictError,
    RunNotFoundError,
    UnreadableDocumentError,
)
from starters.api.json_bodies import write_json
from starters.lifecycle.parse import RequestTooLargeError

MEDIA_TYPE = "application/problem+json"


def problem(
    status: HTTPStatus, kind: str, detail: str, errors: Sequence[FieldProblem] = ()
) -> func.HttpResponse:
    """Make an answer that names a problem.

    Args:
        status: The HTTP status.
        kind: The short name of the problem; the last part of its `type` URI.
        detail: What happened, for a person.
        errors: The fields that are wrong.

    Source: https://www.rfc-editor.org/rfc/rfc9457
    """
    body: dict[str, Any] = {
        "type": f"urn:fanout:problem:{kind}",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    if errors:
        body["errors"] = [{"field": e.field, "message": e.message} for e in errors]
    return func.HttpResponse(write_json(body), status_code=status, mimetype=MEDIA_TYPE)


_PROBLEMS: dict[type[FanoutError], tuple[HTTPStatus, str]] = {
    RequestTooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large"),
    RunNotFoundError: (HTTPStatus.NOT_FOUND, "run-not-found"),
    UnreadableDocumentError: (HTTPStatus.CONFLICT, "unreadable"),
    RunConflictError: (HTTPStatus.CONFLICT, "run-conflict"),
    DamagedFileError: (HTTPStatus.CONFLICT, "damaged-file"),
}


def answer_to(error: FanoutError) -> func.HttpResponse:
    """Translate an error that Fanout raised for a request."""
    if isinstance(error, InvalidRequestError):
        detail = "The request names something that cannot be done; nothing was started."
        return problem(HTTPStatus.BAD_REQUEST, "invalid-request", detail, error.problems)
    known = (_PROBLEMS[kind] for kind in type(error).__mro__ if kind in _PROBLEMS)
    status, name = next(known, (HTTPStatus.INTERNAL_SERVER_ERROR, "internal"))
    return problem(status, name, str(error))
