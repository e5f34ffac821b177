"""Answers of the durable HTTP API: JSON always, because the SDK's client parses every body."""

import json
import traceback
from http import HTTPStatus
from typing import Any

from aiohttp import web

from localhost.durable.contract import (
    DurableError,
    InstanceExistsError,
    InstanceFinishedError,
    InstanceNotFoundError,
    InvalidInstanceIdError,
    InvalidOperationError,
    UnknownFunctionError,
)

ARGUMENT_FAULT = "One or more of the arguments submitted is incorrect"
OTHER_FAULT = "Something went wrong while processing your request"
_STATUSES: dict[type[DurableError], HTTPStatus] = {
    InstanceNotFoundError: HTTPStatus.NOT_FOUND,
    InstanceFinishedError: HTTPStatus.GONE,
    InstanceExistsError: HTTPStatus.CONFLICT,
    UnknownFunctionError: HTTPStatus.BAD_REQUEST,
    InvalidInstanceIdError: HTTPStatus.BAD_REQUEST,
    InvalidOperationError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
_WITHOUT_BODY = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class BadRequestError(Exception):
    """The request is malformed; the message is the `ExceptionMessage` of the answer."""


def answer(
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


def empty(status: HTTPStatus) -> web.Response:
    """Answer without a body, which the SDK's client reads as None."""
    return web.Response(status=status)


def failure(error: Exception) -> web.Response:
    """Answer as the extension does when something is raised."""
    if isinstance(error, BadRequestError):
        return _described(error, HTTPStatus.BAD_REQUEST)
    status = _STATUSES.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)  # type: ignore[arg-type]
    return empty(status) if status in _WITHOUT_BODY else _described(error, status)


def _described(error: Exception, status: HTTPStatus) -> web.Response:
    is_argument = status is HTTPStatus.BAD_REQUEST
    body = {
        "Message": ARGUMENT_FAULT if is_argument else OTHER_FAULT,
        "ExceptionMessage": str(error),
        "ExceptionType": "System.ArgumentException" if is_argument else type(error).__name__,
        "StackTrace": "".join(traceback.format_exception(error)),
    }
    return answer(body, status)
