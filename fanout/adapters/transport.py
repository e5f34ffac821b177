"""How the clients of storage send their requests, and how long they try."""

import os
import time
import urllib.request
from collections.abc import Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

import requests
from azure.core.exceptions import HttpResponseError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import ExponentialRetry

from fanout.adapters.connections import mount_watched
from fanout.adapters.patience import USUAL_SECONDS, PatienceError, current_patience
from fanout.retry_after import parse_retry_after

# Where `requests` looks for certificates besides its own.
# Source: https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# As the SDK has them for blobs; for tables it would wait five minutes.
CONNECT_SECONDS = 20.0
READ_SECONDS = 60.0
# What keeps a connection open for each thread that asks storage at the same time.
MAX_CONNECTIONS = 32
# The longest wait before a request is sent again, however long the service asks for.
MAX_PAUSE_SECONDS = 60.0
# Where the SDK looks for how long to wait: seconds or a date, and milliseconds.
_PAUSES = ("retry-after", "retry-after-ms", "x-ms-retry-after-ms")


class StorageTransport(RequestsTransport):  # type: ignore[misc]  # azure-core loads it late
    """Sends requests and waits between them, for as long as there is patience."""

    def __init__(self, **options: Any) -> None:
        given = {"connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS} | options
        super().__init__(**given)

    def _init_session(self, session: requests.Session) -> None:
        super()._init_session(session)
        mount_watched(session, MAX_CONNECTIONS)

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request; the timeouts of its socket are no longer than the patience.

        Raises:
            PatienceError: There is none left.
        """
        patience = current_patience()
        left, config = patience.remaining(), self.connection_config
        for name, usual in (
            ("connection_timeout", config.timeout),
            ("read_timeout", config.read_timeout),
        ):
            options[name] = min(options.get(name, usual), left)
        begun, free_seconds = time.monotonic(), 0.0
        try:
            response = _send(super().send, request, options)
            if response.status_code >= HTTPStatus.BAD_REQUEST:
                _drop_odd_pauses(response.headers)
            if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                free_seconds = USUAL_SECONDS
            else:
                _read_all(response)
            return response
        finally:
            patience.spend(max(0.0, time.monotonic() - begun - free_seconds))

    def sleep(self, duration: float) -> None:
        """Wait before a request is sent again.

        Raises:
            PatienceError: There would be no patience left then.
        """
        wait(duration)


def _send(send: Callable[..., Any], request: Any, options: dict[str, Any]) -> Any:
    """Send a request; half an answer is none, and so no error that comes with an answer.

    The SDK of tables asks such an error for the answer, whatever raised it.
    """
    try:
        return send(request, **options)
    except HttpResponseError as error:
        raise ServiceResponseError(str(error), error=error) from error


def _drop_odd_pauses(headers: MutableMapping[str, str]) -> None:
    """Have the SDK wait as long as it would by itself where a header says no time; it would raise.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    for name in _PAUSES:
        if name in headers and parse_retry_after(headers[name]) is None:
            del headers[name]


def _read_all(response: Any) -> None:
    """Read the body of an answer, so that its connection is free for the next try."""
    try:
        _ = response.internal_response.content
    except requests.RequestException as error:
        raise ServiceResponseError(str(error), error=error) from error


class PatientRetry(ExponentialRetry):
    """The SDK's way of trying again for blobs, for as long as there is patience.

    It begins with a second and not with a quarter of a minute, and takes a minute in all as well.
    """

    def __init__(self) -> None:
        super().__init__(
            initial_backoff=1,
            increment_base=2,
            random_jitter_range=1,
            retry_total=6,
            retry_connect=6,
            retry_status=6,
        )

    def sleep(self, settings: Any, transport: Any) -> None:
        """Wait before a request is sent again; clients of a client have no transport of ours."""
        wait(self.get_backoff_time(settings))


def wait(seconds: float) -> None:
    """Wait, but not for longer than the longest pause.

    Raises:
        PatienceError: There would be no patience left then.
    """
    pause, patience = min(seconds, MAX_PAUSE_SECONDS), current_patience()
    if pause >= patience.remaining():
        raise PatienceError
    time.sleep(pause)
    patience.spend(pause)


def transport_options(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Options of a client: its certificates, and whether it looks for proxies at each request.

    To look at the environment takes a fifth of the processor time of a request. Certificates are
    named once here; where there is no proxy, nothing is left to look for.
    Source: https://learn.microsoft.com/python/api/azure-core/azure.core.pipeline.transport.requeststransport
    """
    if urllib.request.getproxies():
        return {"use_env_settings": True}
    bundles = [path for name in _CERTIFICATES if (path := environment.get(name))]
    certificates = {"connection_verify": bundles[0]} if bundles else {}
    return {"use_env_settings": False, **certificates}
