"""The proxy before the storage emulator changes nothing but the calls it refuses."""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import ClientSession, web

from localhost.stack.faulty_proxy import FaultyProxy


@contextlib.asynccontextmanager
async def proxied(share: float, seed: int = 1) -> AsyncIterator[tuple[FaultyProxy, str, list[str]]]:
    """A proxy before an origin that echoes; its address, and the raw paths the origin saw."""
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(f"{request.method} {request.raw_path}")
        return web.Response(
            status=201,
            body=await request.read(),
            headers={"Content-Encoding": "x-own", "x-ms-kept": request.headers.get("x-ms-a", "")},
        )

    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    queues = "QueueEndpoint=http://127.0.0.1:9/account;"
    proxy = FaultyProxy({"A": f"BlobEndpoint={origin}/account;{queues}"}, share, seed)
    try:
        strings = await proxy.start()
        assert strings["A"].endswith(queues)
        address = strings["A"].removeprefix("BlobEndpoint=").split("/account")[0]
        assert address != origin
        yield proxy, address, seen
    finally:
        await proxy.stop()
        await runner.cleanup()


async def test_bodies_headers_and_paths_pass_unchanged():
    async with proxied(0) as (_, address, seen), ClientSession(auto_decompress=False) as client:
        body = bytes(range(256)) * 1000
        async with client.put(
            f"{address}/account/a%20b/%C3%BC?comp=block&x=%2F", data=body, headers={"x-ms-a": "1"}
        ) as answer:
            assert answer.status == 201
            assert await answer.read() == body
            assert answer.headers["x-ms-kept"] == "1"
            assert answer.headers["Content-Encoding"] == "x-own"
    assert len(seen) == 1 and "%20" in seen[0] and "%C3%BC" in seen[0]


async def test_chunked_bodies_pass():
    async def parts() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async with (
        proxied(0) as (_, address, _seen),
        ClientSession(auto_decompress=False) as client,
        client.put(f"{address}/account/c", data=parts()) as answer,
    ):
        assert await answer.read() == b"one two"


async def test_refused_calls_never_reach_the_emulator():
    async with proxied(1) as (proxy, address, seen), ClientSession() as client:
        async with client.get(f"{address}/account/c") as answer:
            assert answer.status == 503
            assert answer.headers["x-ms-error-code"] == "ServerBusy"
            assert "<Code>ServerBusy</Code>" in await answer.text()
        assert (proxy.refusal_count, seen) == (1, [])


async def test_a_share_is_refused_and_the_same_ones_with_the_same_seed():
    async def statuses(seed: int) -> list[int]:
        async with proxied(0.3, seed) as (_, address, _seen), ClientSession() as client:
            found = []
            for _ in range(60):
                async with client.head(f"{address}/account/c") as answer:
                    found.append(answer.status)
            return found

    first = await statuses(1)
    assert 5 < first.count(503) < 35
    assert first == await statuses(1)
    assert first != await statuses(2)


async def test_an_emulator_that_is_gone_is_a_bad_gateway():
    proxy = FaultyProxy({"A": "BlobEndpoint=http://127.0.0.1:1/account;"}, 0)
    try:
        strings = await proxy.start()
        address = strings["A"].removeprefix("BlobEndpoint=").rstrip(";")
        async with ClientSession() as client, client.get(address) as answer:
            assert answer.status == 502
    finally:
        await proxy.stop()
