"""Requests and responses of HTTP functions that stream, as they come and go.

Azure's host forwards such a request to a web server in the worker. Here the worker connects back to
the host, over a socket in the file system that only this user can reach, and both send frames:
`localhost.worker.http_stream` is the other end.

Source: DefaultHttpProxyService.cs of the Functions host.
"""

import asyncio
import contextlib
import logging
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from localhost.execution import wire
from localhost.execution.contract import (
    Executor,
    FunctionInfo,
    HttpStreamData,
    Invocation,
    InvocationResult,
)
from localhost.execution.invoke import invoke
from localhost.http.messages import FRAMING

logger = logging.getLogger(__name__)

INVOCATION_HEADER = b"x-ms-invocation-id"
# How soon it is noticed that a caller has gone while nothing is sent to it.
LOOK_SECONDS = 0.5
_Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _TooLargeError(Exception):
    """The body is over the limit."""


class _AbandonedError(Exception):
    """The host waits no longer for the call."""


class HttpStreams:
    """Carries bodies between callers and workers.

    Args:
        executor: Runs the functions.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._folder = ""
        self._server: asyncio.Server | None = None
        self._lines: dict[str, asyncio.Future[_Line]] = {}

    @property
    def _address(self) -> str:
        return str(Path(self._folder) / "streams")

    async def open(self) -> None:
        """Listen for workers."""
        self._folder = tempfile.mkdtemp(prefix="functions-")
        self._server = await asyncio.start_unix_server(self._accept, self._address)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def forward(
        self, request: web.Request, info: FunctionInfo, route_params: dict[str, str]
    ) -> web.StreamResponse:
        """Have a function answer a request, piece by piece."""
        limit = request.client_max_size
        if 0 < limit < (request.content_length or 0):
            return web.Response(status=413)
        invocation = self._invocation(request, info, route_params)
        line = self._lines[invocation.id] = asyncio.get_running_loop().create_future()
        call = asyncio.create_task(invoke(self._executor, invocation))
        call.add_done_callback(lambda task: _log_failure(info, invocation, task))
        try:
            await asyncio.wait({line, call}, return_when=asyncio.FIRST_COMPLETED)
            if not line.done():
                return web.Response(status=500)
            return await _carry(request, call, *line.result())
        finally:
            del self._lines[invocation.id]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            line = self._lines.get(await _read(reader))
            if line is not None and not line.done():
                line.set_result((reader, writer))
                # The worker waits for this, so that the call does not end before it is known here.
                writer.write(wire.frame((b"", False)))
                return
        writer.close()

    def _invocation(
        self, request: web.Request, info: FunctionInfo, route_params: dict[str, str]
    ) -> Invocation:
        name = str(uuid.uuid4())
        headers = [(key.lower(), value) for key, value in request.raw_headers]
        peer = request.transport and request.transport.get_extra_info("peername")
        data = HttpStreamData(
            address=self._address,
            method=request.method,
            scheme=request.scheme,
            path=request.path,
            raw_path=request.raw_path.encode("latin-1", "replace"),
            headers=[*headers, (INVOCATION_HEADER, name.encode())],
            route_params=route_params,
            client=tuple(peer[:2]) if peer else None,
            server=_server(request),
        )
        trace_parent = request.headers.get("traceparent")
        return Invocation(id=name, function=info.name, payload=data, trace_parent=trace_parent)


def _server(request: web.Request) -> tuple[str, int] | None:
    own = request.transport and request.transport.get_extra_info("sockname")
    return tuple(own[:2]) if own else None


def _log_failure(
    info: FunctionInfo, invocation: Invocation, task: "asyncio.Task[InvocationResult]"
) -> None:
    if task.cancelled() or task.exception() is not None or task.result().error is None:
        return
    logger.error(
        "Executed 'Functions.%s' (Failed, Id=%s): %s\n%s",
        info.name,
        invocation.id,
        task.result().error,
        task.result().stack or "",
    )


async def _read(reader: asyncio.StreamReader) -> Any:
    header = await reader.readexactly(wire.HEADER.size)
    (length,) = wire.HEADER.unpack(header)
    return wire.unframe(await reader.readexactly(length))


async def _carry(
    request: web.Request,
    call: "asyncio.Task[InvocationResult]",
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> web.StreamResponse:
    sending = asyncio.create_task(_send_body(request, writer))
    try:
        status, headers = await _first(request, call, reader, sending)
    except _TooLargeError:
        sending.cancel()
        writer.close()
        return web.Response(status=413, headers={"Connection": "close"})
    except (_AbandonedError, asyncio.IncompleteReadError, ConnectionError):
        sending.cancel()
        writer.close()
        return web.Response(status=500)
    response = web.StreamResponse(status=status, headers=_headers(headers))

    def cut_off(task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            writer.close()
            _abort(request)

    sending.add_done_callback(cut_off)
    try:
        await response.prepare(request)
        while (piece := await _next_piece(request, reader)) is not None:
            await response.write(piece)
        await response.write_eof()
    except (asyncio.IncompleteReadError, ConnectionError):
        _abort(request)
    finally:
        sending.cancel()
        writer.close()
    return response


def _abort(request: web.Request) -> None:
    """Close the connection so that the caller knows that something is missing."""
    if request.transport is not None:
        request.transport.abort()


async def _first(
    request: web.Request,
    call: "asyncio.Task[InvocationResult]",
    reader: asyncio.StreamReader,
    sending: "asyncio.Task[None]",
) -> Any:
    """Wait for status and headers, while request and call are in order.

    Raises:
        _TooLargeError: The body of the request is over the limit.
        _AbandonedError: The host has given up the call.
    """
    start = asyncio.create_task(_next_piece(request, reader))
    waiting: set[asyncio.Task[Any]] = {sending, call}
    try:
        while waiting and not start.done():
            await asyncio.wait({start, *waiting}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and isinstance(sending.exception(), _TooLargeError):
                raise _TooLargeError
            if start.done():
                break
            if call.done() and call.result().is_given_up:
                raise _AbandonedError
            waiting = {task for task in waiting if not task.done()}
        return await start
    finally:
        start.cancel()


async def _next_piece(request: web.Request, reader: asyncio.StreamReader) -> Any:
    """Read the next frame; a caller that has gone meanwhile raises ConnectionError."""
    piece = asyncio.create_task(_read(reader))
    try:
        while not (await asyncio.wait({piece}, timeout=LOOK_SECONDS))[0]:
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError
        if piece.result() is False:  # the application failed in the middle
            raise ConnectionResetError
        return piece.result()
    finally:
        piece.cancel()


async def _send_body(request: web.Request, writer: asyncio.StreamWriter) -> None:
    """Hand over the body of a request as it comes."""
    limit, count = request.client_max_size, 0
    with contextlib.suppress(ConnectionError):
        async for piece in request.content.iter_any():
            count += len(piece)
            if 0 < limit < count:
                raise _TooLargeError
            writer.write(wire.frame((piece, False)))
            await writer.drain()
        writer.write(wire.frame((b"", True)))
        await writer.drain()


def _headers(headers: list[tuple[str, str]]) -> CIMultiDict[str]:
    # The server frames the message itself, but for the length where it is known.
    known: CIMultiDict[str] = CIMultiDict()
    for name, value in headers:
        if name.lower() not in FRAMING or name.lower() == "content-length":
            known.add(name, value)
    return known
