"""HTTP functions that stream: those of an app that imports a web extension of Microsoft's.

The extension (`azurefunctions-extensions-http-fastapi`) brings an ASGI application. Bodies do not
come with the call: the worker connects to the host and both send frames, with
`localhost.http.streaming` at the other end.
"""

import asyncio
import contextlib
import importlib
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from localhost.execution import wire
from localhost.execution.contract import HttpStreamData, Invocation, InvocationResult
from localhost.logs import CURRENT
from localhost.texts import format_stack
from localhost.worker.invocation import failure
from localhost.worker.outcomes import Outcome
from localhost.worker.web_extension import EXTENSIONS

Message = MutableMapping[str, Any]
Run = Callable[[Invocation], Awaitable[InvocationResult]]
OnResult = Callable[[InvocationResult], None]
logger = logging.getLogger(__name__)
_CALL = "localhost.call"
_DISCONNECT = "http.disconnect"
_READ_TOO_LATE = (
    "The body of a request cannot be read while a response is streamed: in Azure it gets lost. "
    "Read it before you return the StreamingResponse (await req.body())."
)


@dataclass(slots=True)
class _Call:
    """One call: the web application hands its request over, and gets what the function returns."""

    invocation: Invocation
    run: Run
    on_result: OnResult
    is_reported: bool = False
    error: Exception | None = None

    async def answer(self, request: Any) -> Any:
        result = await self.run(replace(self.invocation, payload=request))
        outcome = result.value if isinstance(result.value, Outcome) else Outcome()
        if result.error is not None:
            self.report(result)
            raise RuntimeError(result.error)
        if outcome.error is not None:
            self.error = outcome.error
            self.report(failure(self.invocation, outcome.error))
            raise outcome.error
        # As in Azure the call ends here, before the body of a stream is made.
        self.report(InvocationResult(self.invocation.id, outputs=result.outputs))
        return outcome.value

    def report(self, result: InvocationResult) -> None:
        if not self.is_reported:
            self.is_reported = True
            self.on_result(result)


class HttpStreams:
    """The web application of an app's HTTP functions.

    Args:
        on_result: Called with each result.
    """

    def __init__(self, on_result: OnResult) -> None:
        self._on_result = on_result
        extensions = sys.modules[EXTENSIONS]
        module = importlib.import_module(extensions.ModuleTrackerMeta.get_module())
        synchronizer = extensions.RequestTrackerMeta.get_synchronizer()

        async def answer(request: Any) -> Any:
            call: _Call = request.scope[_CALL]
            synchronizer.sync_route_params(request, call.invocation.payload.route_params)
            return await call.answer(request)

        answer.__annotations__ = {"request": extensions.RequestTrackerMeta.get_request_type()}
        application = module.WebApp()
        application.route(answer)
        self._application = application.get_app()

    async def serve(self, invocation: Invocation, run: Run) -> None:
        """Serve one call; `run` calls the function with the request as the payload."""
        data: HttpStreamData = invocation.payload
        call = _Call(invocation, run, self._on_result)
        CURRENT.set((invocation.function, invocation.id, threading.get_ident()))
        try:
            reader, writer = await asyncio.open_unix_connection(data.address)
        except OSError as error:  # the host is gone
            call.report(failure(invocation, error))
            return
        with contextlib.closing(writer):
            channel = _Channel(reader, writer)
            # Whoever waits for it knows by then that the call has begun, however soon it ends.
            if not await channel.begin(invocation.id):
                call.report(failure(invocation, ConnectionResetError("the caller has gone")))
                return
            await channel.write(await self._answer(call, channel))
            # Closed with something unread, the socket would lose what the host has not read.
            await channel.drain()

    async def _answer(self, call: _Call, channel: "_Channel") -> bool | None:
        """Let the application answer; give what the host is told last: False if it is cut off."""
        last: bool | None = None
        try:
            await self._application(_scope(call), channel.receive, channel.send)
        except Exception as error:  # noqa: BLE001 - the caller sees that it is cut off
            # What the function raised is an answer of the application, and in the result.
            if call.is_reported and call.error is not error:
                logger.error("The response is cut off:\n%s", format_stack(error))  # noqa: TRY400
            call.report(failure(call.invocation, error))
            last = False
        call.report(InvocationResult(call.invocation.id))
        return last


class _Channel:
    """What an ASGI application reads and writes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = asyncio.Lock()
        self._length: int | None = None

    async def begin(self, invocation_id: str) -> bool:
        """Say which call this is, and tell whether the host still knows it."""
        await self.write(invocation_id)
        return bool((await self.receive())["type"] != _DISCONNECT)

    async def write(self, message: Any) -> None:
        self._writer.write(wire.frame(message))
        with contextlib.suppress(ConnectionError):  # `receive` tells of it
            await self._writer.drain()

    async def receive(self) -> Message:
        """Take the next piece of the request's body.

        Raises:
            RuntimeError: Somebody else waits for it: while a stream is sent, that is what sends it.
        """
        if self._lock.locked():
            # What only looks whether the caller is still there is cancelled here.
            await asyncio.sleep(0)
            raise RuntimeError(_READ_TOO_LATE)
        async with self._lock:
            return await self._read()

    async def drain(self) -> None:
        """Take what the application has not read, until the caller has gone."""
        async with self._lock:
            while (await self._read())["type"] != _DISCONNECT:
                pass

    async def _read(self) -> Message:
        try:
            if self._length is None:
                header = await self._reader.readexactly(wire.HEADER.size)
                (self._length,) = wire.HEADER.unpack(header)
            # Who is cancelled here leaves the length for the next.
            frame = await self._reader.readexactly(self._length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return {"type": _DISCONNECT}
        self._length = None
        body, is_last = wire.unframe(frame)
        return {"type": "http.request", "body": body, "more_body": not is_last}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in message.get("headers", ())
            ]
            await self.write((int(message["status"]), headers))
        elif message.get("body"):
            await self.write(bytes(message["body"]))


def _scope(call: _Call) -> dict[str, Any]:
    data: HttpStreamData = call.invocation.payload
    path, _, query = data.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": data.method,
        "scheme": data.scheme,
        "path": data.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": data.headers,
        "client": data.client,
        "server": data.server,
        "state": {},
        _CALL: call,
    }
