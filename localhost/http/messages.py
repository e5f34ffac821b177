"""Converts between aiohttp's requests and responses and those of HTTP functions.

Source: GrpcMessageConversionExtensions.cs of the Functions host.
"""

import re

from aiohttp import web
from multidict import CIMultiDict

from localhost.bindings.request_values import join_values, query_values
from localhost.execution.contract import HttpRequestData, HttpResponseData
from localhost.slow_callers import read_body
from localhost.texts import make_printable

_STATUSES = range(200, 1000)
# RFC 9110, 5.6.2 and 5.5.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# The server frames the message itself.
FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})


async def function_request(request: web.Request, route_params: dict[str, str]) -> HttpRequestData:
    """A request as a function sees it.

    Like the Functions host, it reads a body only where Content-Length announces one; a chunked body
    arrives empty.

    Raises:
        web.HTTPRequestEntityTooLarge: The body is over the limit.
        web.HTTPRequestTimeout: It does not come in time.
    """
    length = request.content_length or 0
    limit = request.client_max_size
    if 0 < limit < length:  # before the client has sent it all
        raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=length)
    body = await read_body(request) if length else b""
    return HttpRequestData(
        method=request.method,
        url=f"{request.scheme}://{request.host}{request.raw_path}",
        headers=join_values((name.lower(), value) for name, value in request.headers.items()),
        query=query_values(request.raw_path.partition("?")[2]),
        route_params=route_params,
        body=body,
    )


def client_response(response: HttpResponseData) -> web.Response:
    """A function's response as it is sent.

    Raises:
        ValueError: HTTP has no such status or header.
    """
    if response.status not in _STATUSES:
        raise ValueError(f"{response.status} is no status of a response (200 to 999)")
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in response.headers:
        _check_header(name, value)
        if name.lower() not in FRAMING:
            headers.add(name, value)
    return web.Response(status=response.status, headers=headers, body=response.body)


def _check_header(name: str, value: str) -> None:
    """Check what aiohttp would send cut off, or refuse once nothing else can be answered."""
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r:.200} is no name of a header")
    if _CONTROL.search(value) or (not value.isascii() and make_printable(value) != value):
        raise ValueError(f"the header '{name}' has a value that cannot be sent: {value!r:.200}")
