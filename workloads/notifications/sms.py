"""SMS through a provider. Another provider is another class with a `send` like this one's."""

import json
from typing import Protocol

import urllib3

from fanout.errors import PermanentError, TransientError
from workloads.notifications.answers import insist_on_success

MAX_ID_CHARACTERS = 200


class SmsProvider(Protocol):
    """Who sends text messages."""

    def send(self, to: str, sender: str | None, text: str, key: str) -> str:
        """Send a message and return the provider's id of it.

        Args:
            to: The number, E.164.
            sender: Whom it is from; None leaves that to the provider.
            text: What it says.
            key: The same for the same message, however often it is sent.

        Raises:
            TransientError: It was not taken now.
            PermanentError: It never will be.
        """
        ...


class HttpSmsProvider:
    """A JSON API: POST of to, from and text with a bearer token, answered with an `id`."""

    def __init__(self, url: str, token: str | None, timeout_seconds: float) -> None:
        self._url = url
        self._token = token
        self._timeout_seconds = timeout_seconds

    def send(self, to: str, sender: str | None, text: str, key: str) -> str:
        """See `SmsProvider`."""
        message = {"to": to, "from": sender, "text": text}
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            with urllib3.PoolManager(timeout=self._timeout_seconds, retries=False) as pool:
                answer = pool.request(
                    "POST", self._url, body=json.dumps(message), headers=headers, redirect=False
                )
        except urllib3.exceptions.HTTPError as error:
            raise TransientError(
                f"the SMS provider was not reached: {type(error).__name__}"
            ) from error
        insist_on_success("the SMS provider", answer.status, answer.headers.get("Retry-After"))
        try:
            return str(json.loads(answer.data)["id"])[:MAX_ID_CHARACTERS]
        except (ValueError, KeyError, TypeError) as error:
            # It was taken: to try again would send it twice.
            raise PermanentError("the SMS provider took it, and gave no id") from error
