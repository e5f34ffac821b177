"""Errors of infrastructure are told from those of business by class, status and code."""

import http.client
import socket

import pytest
import requests
import urllib3
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseTimeoutError,
)
from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    ServiceBusConnectionError,
    ServiceBusServerBusyError,
)

from fanout.adapters.infrastructure import is_infrastructure
from fanout.errors import PermanentError, TransientError, UnavailableError


def answer(
    status: int, code: str | None = None, kind: type[HttpResponseError] = HttpResponseError
) -> HttpResponseError:
    error = kind("no")
    error.status_code = status
    if code is not None:
        error.error_code = code  # type: ignore[attr-defined]  # as the SDK of storage sets it
    return error


@pytest.mark.parametrize("status", [401, 403, 407, 408, 409, 412, 425, 429, 500, 502, 503, 504])
def test_a_service_that_does_not_serve_says_nothing_of_the_work(status: int):
    assert is_infrastructure(answer(status))


@pytest.mark.parametrize("code", ["ContainerNotFound", "TableNotFound", "QueueNotFound"])
def test_what_holds_blobs_and_rows_is_infrastructure(code: str):
    assert is_infrastructure(answer(404, code, ResourceNotFoundError))


@pytest.mark.parametrize(
    "error",
    [
        answer(400, "InvalidInput"),
        answer(404, "BlobNotFound", ResourceNotFoundError),
        answer(404, None, ResourceNotFoundError),
        answer(409, "BlobAlreadyExists", ResourceExistsError),
        answer(409, "EntityAlreadyExists", ResourceExistsError),
        answer(412, "ConditionNotMet", ResourceModifiedError),
        answer(412, "UpdateConditionNotSatisfied", ResourceModifiedError),
        answer(413, "RequestBodyTooLarge"),
        MessageSizeExceededError(message="too large"),
        PermanentError("no"),
        TransientError("later"),
        ValueError("no number"),
        FileNotFoundError("no file"),
        ExceptionGroup("mixed", [answer(503), ValueError()]),
    ],
    ids=repr,
)
def test_an_answer_is_one(error: BaseException):
    assert not is_infrastructure(error)


@pytest.mark.parametrize(
    "error",
    [
        ServiceRequestError("refused"),
        ServiceResponseTimeoutError("late"),
        ClientAuthenticationError("no token"),
        DecodeError("half a body"),
        AzureError("whatever"),
        answer(200, None, DecodeError),
        ServiceBusConnectionError(message="away"),
        ServiceBusServerBusyError(message="busy"),
        MessagingEntityNotFoundError(message="no queue"),
        UnavailableError("busy"),
        ConnectionResetError(),
        TimeoutError(),
        socket.gaierror("no name"),
        http.client.IncompleteRead(b"half"),
        requests.ConnectionError("away"),
        requests.ReadTimeout("late"),
        urllib3.exceptions.ProtocolError("cut"),
        ExceptionGroup("all", [answer(503), ConnectionResetError()]),
    ],
    ids=repr,
)
def test_who_cannot_be_reached_is_infrastructure(error: BaseException):
    assert is_infrastructure(error)


def test_the_code_in_the_text_of_a_table_counts():
    error = HttpResponseError('{"odata.error":{"code":"EntityAlreadyExists"}}')
    error.status_code = 409
    assert not is_infrastructure(error)
