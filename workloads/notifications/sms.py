"""SMS through a provider. Another provider is another class with a `send` like this one's."""

import json
from typing import Protocol

import urllib3

from fanout.errors import PermanentError, TransientError
from workloads.notifications.answers import require_success

MAX_ID_CHARACTERS = 200


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
        try:
            with urllib3.PoolManager(timeout=self._timeout_seconds, retries=False) as pool:
                response = pool.request(
                    "POST", self._url, body=json.dumps(message), headers=headers, redirect=False
                )
        except urllib3.exceptions.HTTPError as error:
            raise TransientError(
                f"the SMS provider was not reached: {type(error).__name__}"
            ) from error
        require_success("the SMS provider", response.status, response.headers.get("Retry-After"))
        try:
            return str(json.loads(response.data)["id"])[:MAX_ID_CHARACTERS]
        except (ValueError, KeyError, TypeError) as error:
            # It was accepted: another try would send it twice.
            raise PermanentError("the SMS provider took it, and gave no id") from error
