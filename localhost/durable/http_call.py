"""`call_http`: one durable HTTP request, polled to its end while the answer is 202."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import aiohttp

from localhost.contract import InvocationResult

_ACCEPTED = 202
_KEY_HEADER = "x-functions-key"


class HttpCaller:
    """Makes the requests of all orchestrations.

    Args:
        poll_seconds: How long to wait between polls where no ``Retry-After`` says.
    """

    def __init__(self, poll_seconds: float) -> None:
        self._poll_seconds = poll_seconds
        self._session: aiohttp.ClientSession | None = None

    async def run(self, request: Mapping[str, Any]) -> InvocationResult:
        """Make the request; a network error is the call's failure, an HTTP error status is not."""
        try:
            answer = await self._final_answer(request)
        except (aiohttp.ClientError, TimeoutError, ValueError, CredentialError) as error:
            return InvocationResult("", error=f"{type(error).__name__}: {error}")
        return InvocationResult("", value=json.dumps(answer))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _final_answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        headers = dict(request.get("headers") or {})
        content = request.get("content")
        if content is not None and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "text/plain; charset=utf-8"
        if request.get("tokenSource"):
            headers["Authorization"] = f"Bearer {await _token(request['tokenSource'])}"
        url = str(request["uri"])
        answer = await self._send(str(request["method"]), url, headers, content)
        # As the extension does, the key of a function is not sent to where it points.
        polling = {name: v for name, v in headers.items() if name.lower() != _KEY_HEADER}
        while answer["statusCode"] == _ACCEPTED and _header(answer, "location"):
            await asyncio.sleep(self._pause(answer))
            url = urljoin(url, _header(answer, "location"))
            answer = await self._send("GET", url, polling, None)
        return answer

    def _pause(self, answer: Mapping[str, Any]) -> float:
        after = _header(answer, "retry-after")
        return float(after) if after.isdigit() else self._poll_seconds

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], content: str | None
    ) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.request(
            method, url, headers=headers, data=None if content is None else content.encode()
        ) as response:
            collected: dict[str, Any] = {}
            for name in response.headers:
                values = response.headers.getall(name)
                collected[name] = values[0] if len(values) == 1 else values
            return {
                "statusCode": response.status,
                "headers": collected,
                "content": await response.text(),
            }


class CredentialError(Exception):
    """No token can be had for the resource a call names."""


def _header(answer: Mapping[str, Any], name: str) -> str:
    for key, value in answer["headers"].items():
        if key.lower() == name:
            return value if isinstance(value, str) else str(value[0])
    return ""


async def _token(source: Mapping[str, Any]) -> str:
    # Imported where it is used: it takes long to load, and few apps need it.
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity.aio import DefaultAzureCredential

    scope = str(source["resource"]).rstrip("/") + "/.default"
    async with DefaultAzureCredential() as credential:
        try:
            return str((await credential.get_token(scope)).token)
        except ClientAuthenticationError as error:
            raise CredentialError(str(error)) from error
