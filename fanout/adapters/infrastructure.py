"""Telling errors of infrastructure from those of a service's business, in one place.

Storage that refuses a key, is too busy or cannot be reached says nothing about an item: whatever
asked for it is asked again, for as long as activities are. That a blob is not there, or that a row
has changed meanwhile, is an answer.

Source: https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2
"""

import http.client
import re
import socket
from http import HTTPStatus
from typing import Any

import requests
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusError
from urllib3.exceptions import HTTPError

from fanout.errors import UnavailableError

_REFUSALS = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
# Of these it depends on the service's word for what is wrong.
_CONFLICTS = (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)
# Words that are an answer: what there is, and that it is not what was asked for.
_ANSWERS = frozenset(
    {
        "BlobAlreadyExists",
        "ConditionNotMet",
        "EntityAlreadyExists",
        "InvalidBlobType",
        "LeaseAlreadyPresent",
        "TargetConditionNotMet",
        "UpdateConditionNotSatisfied",
    }
)
# What holds blobs and rows is gone, and not one of them.
_NO_HOLDER = frozenset(
    {"AccountNotFound", "ContainerNotFound", "QueueNotFound", "ShareNotFound", "TableNotFound"}
)
_CODE = re.compile(r'(?:"code":\s*"|<Code>|Code:|ErrorCode:)\s*(\w+)')
_LOST_CONNECTIONS = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    http.client.IncompleteRead,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    HTTPError,
)


def is_infrastructure(error: BaseException) -> bool:
    """Tell whether what failed is not the work itself, but what it stands on.

    Args:
        error: What was raised. Its class decides and, of an answer, status and code; `isinstance`
            would run code of whoever made the class.
    """
    kind = type(error)
    if issubclass(kind, BaseExceptionGroup):
        return all(_is_member_of_it(member) for member in _members(error))
    return _is_member_of_it(error)


def _members(group: Any) -> tuple[BaseException, ...]:
    # The attribute as Python keeps it: a class of its own may make another of it.
    members: tuple[BaseException, ...] = BaseExceptionGroup.exceptions.__get__(group)
    return members


def _is_member_of_it(error: BaseException) -> bool:
    """Tell it of one error; a group within a group, which may go on without end, is the work's."""
    kind = type(error)
    if issubclass(kind, HttpResponseError):
        return _is_refusal(error)
    if issubclass(kind, ServiceBusError):
        return not issubclass(kind, MessageSizeExceededError)
    return issubclass(kind, (UnavailableError, AzureError, *_LOST_CONNECTIONS))


def _is_refusal(error: Any) -> bool:
    """Tell whether a service has answered that it does not serve; half an answer is none."""
    status = getattr(error, "status_code", None)
    if status == HTTPStatus.NOT_FOUND or issubclass(type(error), ResourceNotFoundError):
        return error_code(error) in _NO_HOLDER
    if not isinstance(status, int) or status < HTTPStatus.BAD_REQUEST:
        return True
    if status in _CONFLICTS:
        return error_code(error) not in _ANSWERS
    return status in _REFUSALS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def error_code(error: HttpResponseError) -> str:
    """The service's word for what is wrong; the SDK reads it of some errors, and not of others."""
    code = getattr(error, "error_code", None)
    if code is not None:
        return str(getattr(code, "value", code))
    match = _CODE.search(str(error))
    return match[1] if match else ""
