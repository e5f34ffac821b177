"""`call_http`: one durable HTTP request.

It is polled to its end while the answer is 202 only where the request says so
(``asynchronousPatternEnabled``); the SDK for Python has no way to say it.
"""

import asyncio
import codecs
import json
import os
import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import aiohttp
import yarl

from localhost.execution.contract import InvocationResult
from localhost.texts import describe_error, make_printable

_ACCEPTED = 202
_MAX_PAUSE_SECONDS = 86_400.0
_KEY_HEADER = "x-functions-key"
# .NET keeps these apart from the headers of an answer, and the extension forgets them.
_OF_CONTENT = frozenset(
    {
        "allow",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-md5",
        "content-range",
        "content-type",
        "expires",
        "last-modified",
    }
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNHANDLED = "Unhandled exception while executing task: "
_BAD_URL = (
    "An invalid request URI was provided. Either the request URI must be an absolute URI or "
    "BaseAddress must be set."
)
# Numbers of .NET's HttpRequestError.
_NAME_RESOLUTION, _CONNECTION = 1, 2


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
            if not _is_absolute_url(request["uri"]):
                return _failure(
                    _BAD_URL, f"{_UNHANDLED}System.InvalidOperationException: {_BAD_URL}"
                )
            answer = await self._final_answer(request)
        except aiohttp.ClientConnectorError as error:
            return _failure(*_connection_failure(error))
        except (aiohttp.ClientError, TimeoutError, CredentialError) as error:
            return _failure(str(error), _request_exception(0, str(error)))
        except Exception as error:  # noqa: BLE001  whatever it is, it is this call's failure
            return _failure(describe_error(error), _request_exception(0, describe_error(error)))
        return InvocationResult("", value=json.dumps(answer))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _final_answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        headers = dict(request.get("headers") or {})
        content = request.get("content")
        content_type = next((name for name in headers if name.lower() == "content-type"), None)
        if content is not None and content_type is None:
            headers["Content-Type"] = "text/plain"
        elif content_type is not None and "charset" not in headers[content_type]:
            headers[content_type] += "; charset=utf-8"
        if request.get("tokenSource"):
            headers["Authorization"] = f"Bearer {await _token(request['tokenSource'])}"
        url = str(request["uri"])
        answer = await self._send(str(request["method"]), url, headers, content)
        # As the extension does, the key of a function is not sent to where it points.
        poll_headers = {name: v for name, v in headers.items() if name.lower() != _KEY_HEADER}
        is_polled = bool(request.get("asynchronousPatternEnabled"))
        while is_polled and answer["statusCode"] == _ACCEPTED and _header(answer, "location"):
            await asyncio.sleep(self._pause(answer))
            url = urljoin(url, _header(answer, "location"))
            answer = await self._send("GET", url, poll_headers, None)
        return answer

    def _pause(self, answer: Mapping[str, Any]) -> float:
        after = _header(answer, "retry-after").strip(" \t")
        if after.isascii() and after.isdigit():
            return min(float(after), _MAX_PAUSE_SECONDS)
        seconds = _seconds_until(after)
        return self._poll_seconds if seconds is None else min(max(0.0, seconds), _MAX_PAUSE_SECONDS)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], content: str | None
    ) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.request(
            method,
            url,
            headers=headers,
            data=None if content is None else str(content).encode("utf-8", "replace"),
        ) as response:
            response_headers: dict[str, Any] = {}
            for name in response.headers:
                if name.lower() in _OF_CONTENT:
                    continue
                values = [_header_text(value) for value in response.headers.getall(name)]
                if name.lower() == "server":
                    values = [word for value in values for word in value.split()]
                response_headers[name] = values[0] if len(values) == 1 else values
            return {
                "statusCode": response.status,
                "headers": response_headers,
                "content": decode_content(await response.read(), response.charset),
            }


def _seconds_until(date: str) -> float | None:
    """The seconds until an HTTP date (RFC 9110, 5.6.7); None if it is none."""
    try:
        moment = parsedate_to_datetime(date)
        # A date of the form of C's asctime names no zone: it is in UTC as all are.
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def decode_content(body: bytes, charset: str | None) -> str:
    """Give a body as text, as .NET's `HttpContent.ReadAsStringAsync` does.

    A byte order mark counts where no charset is named, and is taken away. What is no text of the
    charset becomes U+FFFD; a charset that nobody knows is read as UTF-8.
    """
    marked = next((name for mark, name in _MARKS if body.startswith(mark)), "utf-8")
    try:
        text = body.decode(charset or marked, "replace")
    except (LookupError, ValueError):  # Python has codecs that are for no text: `hex`, `idna`
        text = body.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")


def _header_text(value: str) -> str:
    # A header that is no UTF-8 is read as .NET reads each one.
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("latin-1")


def _is_absolute_url(text: Any) -> bool:
    try:
        url = yarl.URL(str(text))
    except (ValueError, TypeError):
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def is_http_method(request: Mapping[str, Any]) -> bool:
    """Whether a request's method is a word that HTTP allows."""
    return _METHOD.fullmatch(str(request["method"])) is not None


def _failure(reason: str, details: str) -> InvocationResult:
    return InvocationResult("", error=make_printable(reason), stack=make_printable(details))


def _connection_failure(error: aiohttp.ClientConnectorError) -> tuple[str, str]:
    place = f"({error.host}:{error.port})"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        message = f"Name or service not known {place}"
        return message, _request_exception(_NAME_RESOLUTION, message)
    number = error.os_error.errno
    message = f"{os.strerror(number) if number else error.os_error} {place}"
    return message, _request_exception(_CONNECTION, message)


def _request_exception(kind: int, message: str) -> str:
    """The .NET exception that the extension serialises beside the reason."""
    exception = {
        "$type": "System.Net.Http.HttpRequestException, System.Net.Http",
        "HttpRequestError": kind,
        "StatusCode": None,
        "Message": message,
        "Data": {"$type": "System.Collections.ListDictionaryInternal, System.Private.CoreLib"},
        "InnerException": None,
    }
    return json.dumps(exception, separators=(",", ":"), ensure_ascii=False)


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
