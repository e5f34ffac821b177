"""Callers that send slowly, or nothing: they hold a connection for a while, and no longer.

Kestrel, which the Functions host has in front, does the same by rates and other limits of its own.

Source: https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/options
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from weakref import WeakKeyDictionary, WeakSet

from aiohttp import web

logger = logging.getLogger(__name__)

# How long a body may take: so long, and more where it is large.
BODY_SECONDS = 30.0
LEAST_BYTES_PER_SECOND = 262_144
# How long a connection may be open on which nothing is answered: headers that do not come, or
# never end. Callers that keep connections for later calls are told so by the server itself.
QUIET_SECONDS = 90.0
LOOK_SECONDS = 1.0


async def read_body(request: web.Request) -> bytes:
    """Read the body of a request.

    Raises:
        web.HTTPRequestTimeout: It has not come in time; the connection is closed.
    """
    seconds = BODY_SECONDS + (request.content_length or 0) / LEAST_BYTES_PER_SECOND
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        logger.warning("the body of a request to %s does not come", request.path)
        raise web.HTTPRequestTimeout(headers={"Connection": "close"}) from None


class QuietConnections:
    """Closes connections on which nothing has been answered for long."""

    def __init__(self) -> None:
        self._answering: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._quiet_since: WeakKeyDictionary[asyncio.BaseTransport, float] = WeakKeyDictionary()

    @contextmanager
    def answering(self, request: web.Request) -> Iterator[None]:
        """Leave a connection alone meanwhile."""
        transport = request.transport
        if transport is None:
            yield
            return
        self._answering.add(transport)
        try:
            yield
        finally:
            self._answering.discard(transport)
            self._quiet_since[transport] = asyncio.get_running_loop().time()

    @asynccontextmanager
    async def watch(self, runner: web.AppRunner) -> AsyncIterator[None]:
        """Look at the connections of a server now and then."""
        task = asyncio.create_task(self._look_again(runner))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _look_again(self, runner: web.AppRunner) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._close_quiet(runner)

    def _close_quiet(self, runner: web.AppRunner) -> None:
        now = asyncio.get_running_loop().time()
        for connection in runner.server.connections if runner.server is not None else ():
            transport = connection.transport
            if transport is None or transport in self._answering:
                continue
            if transport.get_write_buffer_size():  # the caller is still reading an answer
                self._quiet_since[transport] = now
            elif now - self._quiet_since.setdefault(transport, now) > QUIET_SECONDS:
                transport.abort()
