"""A server that stops leaves no caller waiting: not one that came in that moment either."""

import asyncio
import socket

import pytest
from aiohttp import web

from localhost.http import sockets

pytestmark = pytest.mark.timeout(60)


async def test_a_call_that_comes_as_the_server_stops_is_answered():
    [listener] = sockets.listen("127.0.0.1", 0)
    runner = web.AppRunner(web.Application(), shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    with socket.create_connection(("127.0.0.1", sockets.port_of(listener)), timeout=10) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        # One turn of the loop takes the connection and wakes the stop; the next would serve it.
        stopping = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(stopping.set_result, None)
        await stopping
        await sockets.stop_accepting([listener])
        await runner.cleanup()
        listener.close()
        answer = await asyncio.to_thread(caller.recv, 1000)
    assert answer.startswith(b"HTTP/1.1 404")
