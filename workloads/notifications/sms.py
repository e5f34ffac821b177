"""SMS through a provider. Another provider is another class with a `send` like this one's."""

import json
from typing import Protocol

import urllib3
from urllib3.util import parse_url

from fanout.errors import PermanentError, TransientError
from fanout.exchanges import Deadline, DeadlineError
from workloads.notifications.answers import require_success
from workloads.notifications.connections import open_pool

MAX_ID_CHARACTERS = 200
MAX_ANSWER_BYTES = 65_536


class SmsProvider(Protocol):
    """A service that sends text messages."""

    def send(self, number: str, sender: str | None, text: str, key: str) -> str:
        """Send a message and return the provider's id for it.

        Args:
            number: The recipient's number, E.164.
            sender: Number or name of the sender; None leaves that to the provider.
            text: The text of the message.
            key: The idempotency key: the same for the same message, however often it is sent.

        Raises:
            TransientError: It was not accepted, and may be later.
            PermanentError: It never will be accepted.
        """
        ...


class HttpSmsProvider:
    """A JSON API: it takes to, from and text, with a bearer token, and returns an `id`."""

    def __init__(self, url: str, token: str | None, timeout_seconds: float) -> None:
        self._url = url
        self._token = token
        self._timeout_seconds = timeout_seconds

    def send(self, number: str, sender: str | None, text: str, key: str) -> str:
        """See `SmsProvider`."""
        message = {"to": number, "from": sender, "text": text}
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        response, data = self._post(json.dumps(message).encode(), headers)
        require_success("the SMS provider", response.status, response.headers.get("Retry-After"))
        try:
            return str(json.loads(data)["id"])[:MAX_ID_CHARACTERS]
        except (ValueError, KeyError, TypeError) as error:
            # It was accepted: another try would send it twice.
            raise PermanentError("the SMS provider took it, and gave no id") from error

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        """Send a request; give the response and its body, as far as that is looked at."""
        url = parse_url(self._url)
        deadline = Deadline(self._timeout_seconds)

        def exchange() -> tuple[urllib3.BaseHTTPResponse, bytes]:
            scheme, host = str(url.scheme), str(url.host)
            with deadline, open_pool(scheme, host, url.port, deadline) as pool:
                response = pool.urlopen(
                    "POST", url.request_uri, body, headers, redirect=False, preload_content=False
                )
                data = response.read(MAX_ANSWER_BYTES, decode_content=True)
                deadline.remaining()  # what is cut off looks as though it were all
                return response, data

        try:
            return deadline.call(exchange)  # a resolver of names cannot be told to end
        except (urllib3.exceptions.HTTPError, DeadlineError) as error:
            fault = deadline.error() if deadline.has_passed else type(error).__name__
            raise TransientError(f"the SMS provider was not reached: {fault}") from error
