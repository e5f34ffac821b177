"""Callers that send slowly, or nothing, are let go; others are not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web

from localhost import slow_callers
from localhost.slow_callers import QuietConnections, read_body

pytestmark = pytest.mark.timeout(60)
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_callers, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(slow_callers, "QUIET_SECONDS", 0.6)
    monkeypatch.setattr(slow_callers, "LOOK_SECONDS", 0.05)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    quiet = QuietConnections()

    async def handle(request: web.Request) -> web.Response:
        with quiet.answering(request):
            body = await read_body(request)
            await asyncio.sleep(1.5 if body == b"sleep" else 0)
            return web.Response(body=body)

    application = web.Application()
    application.router.add_route("*", "/", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with quiet.watch(runner):
        yield runner.addresses[0][1]
    await runner.cleanup()


async def answer_to(port: int, first: bytes, drop: bytes = b"") -> bytes:
    """What comes until the connection ends, while drop after drop is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    answer = asyncio.ensure_future(reader.read())
    while not answer.done():
        writer.write(drop)
        await asyncio.wait({answer}, timeout=0.05)
    writer.close()
    try:
        return answer.result()
    except ConnectionError:
        return b""


@pytest.mark.parametrize("drop", [b"", b"a"])
async def test_a_body_that_does_not_come_to_its_end_is_refused(port: int, drop: bytes):
    slow = POST.replace(b"9", b"90000")
    found = await answer_to(port, slow, drop)
    # Who goes on sending may not get to read the answer.
    assert found.startswith(b"HTTP/1.1 408 ") or (drop and not found)


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"", b""),
        (b"POST / HT", b""),
        (b"POST / HTTP/1.1\r\nHost: x\r\nX: ", b"a"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n", b"X: a\r\n"),
    ],
)
async def test_a_connection_on_which_nothing_can_be_answered_is_closed(
    port: int, first: bytes, drop: bytes
):
    found = await answer_to(port, first, drop)
    assert not found.startswith(b"HTTP/1.1 2")


async def test_who_waits_for_a_long_answer_has_it(port: int):
    async with ClientSession() as session:
        url = f"http://127.0.0.1:{port}/"
        for _ in range(2):
            async with session.post(url, data=b"sleep") as response:
                assert await response.read() == b"sleep"
