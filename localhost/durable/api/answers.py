"""Answers of the durable HTTP API: JSON always, because the SDK's client parses every body."""

import json
import traceback
from http import HTTPStatus
from typing import Any

from aiohttp import web

from localhost.durable.errors import (
    DurableError,
    InstanceExistsError,
    InstanceFinishedError,
    InstanceNotFoundError,
    InvalidOperationError,
    StorageRefusalError,
    UnknownFunctionError,
    UnstorableError,
    WrongStateError,
)

ARGUMENT_FAULT = "One or more of the arguments submitted is incorrect"
OTHER_FAULT = "Something went wrong while processing your request"
_STATUSES: dict[type[DurableError], HTTPStatus] = {
    InstanceNotFoundError: HTTPStatus.NOT_FOUND,
    InstanceFinishedError: HTTPStatus.GONE,
    InstanceExistsError: HTTPStatus.CONFLICT,
    UnknownFunctionError: HTTPStatus.BAD_REQUEST,
    UnstorableError: HTTPStatus.BAD_REQUEST,
    StorageRefusalError: HTTPStatus.INTERNAL_SERVER_ERROR,
    WrongStateError: HTTPStatus.PRECONDITION_FAILED,
    InvalidOperationError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
_WITHOUT_BODY = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_MESSAGE_ONLY = (InstanceExistsError, UnknownFunctionError, UnstorableError)
INVALID_JSON = "Invalid JSON content"
# What .NET would have raised, where an app or a person may look for it.
_TYPES: dict[type[Exception], str] = {
    InstanceExistsError: "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException",
    StorageRefusalError: "DurableTask.AzureStorage.Storage.DurableTaskStorageException",
    InvalidOperationError: "System.InvalidOperationException",
    InstanceNotFoundError: "System.ArgumentException",
}


class BadRequestError(Exception):
    """The body is no JSON; the message is the `ExceptionMessage` of the answer."""


def json_answer(
    body: Any, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> web.Response:
    """Answer with JSON."""
    return web.Response(
        text=json.dumps(body),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )


def empty_answer(status: HTTPStatus) -> web.Response:
    """Answer without a body, which the SDK's client reads as None."""
    return web.Response(status=status)


def error_answer(error: Exception) -> web.Response:
    """Answer as the extension does when something is raised."""
    if isinstance(error, BadRequestError):
        return exception_answer(error, HTTPStatus.BAD_REQUEST, INVALID_JSON)
    status = _STATUSES.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)  # type: ignore[arg-type]
    if status in _WITHOUT_BODY:
        return empty_answer(status)
    if isinstance(error, WrongStateError):
        return json_answer(str(error), status)
    if isinstance(error, _MESSAGE_ONLY):
        return json_answer({"Message": str(error)}, status)
    return exception_answer(error, status, OTHER_FAULT)


def exception_answer(error: Exception, status: HTTPStatus, message: str) -> web.Response:
    """Answer with all that is known of an exception."""
    kind = "Newtonsoft.Json.JsonReaderException"
    if isinstance(error, ValueError):
        kind = "System.ArgumentException"
    elif not isinstance(error, BadRequestError):
        kind = _TYPES.get(type(error), type(error).__name__)
    body = {
        "Message": message,
        "ExceptionMessage": str(error),
        "ExceptionType": kind,
        "StackTrace": "".join(traceback.format_exception(error)),
    }
    return json_answer(body, status)
