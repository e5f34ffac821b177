import asyncio
import json
from typing import NamedTuple

import azure.durable_functions as df
import pytest
from aiohttp import web

from localhost.durable.engine.http_call import HttpCaller
from tests.support.replays.durable_hub import hub


@pytest.fixture
async def server():
    """A service that accepts a job, is polled twice and then answers; it notes what it is asked."""
    asked: list[web.Request] = []
    bodies: list[str] = []

    async def job(request: web.Request) -> web.Response:
        asked.append(request)
        bodies.append(await request.text())
        return web.Response(status=202, headers={"Location": "/job/1", "Retry-After": "0"})

    async def poll(request: web.Request) -> web.Response:
        asked.append(request)
        if len(asked) < 3:
            return web.Response(status=202, headers={"Location": "/job/1", "Retry-After": "0"})
        response = web.json_response({"done": True}, status=418)
        response.headers.add("X-Two", "a")
        response.headers.add("X-Two", "b")
        return response

    app = web.Application()
    app.add_routes([web.post("/job", job), web.get("/job/1", poll)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}", asked, bodies
    await runner.cleanup()


async def test_an_accepted_request_is_polled_to_its_final_answer(server):
    url, asked, bodies = server
    caller = HttpCaller(poll_seconds=30)
    result = await caller.run(
        {
            "method": "POST",
            "uri": f"{url}/job",
            "content": '{"a": 1}',
            "asynchronousPatternEnabled": True,
            "headers": {"x-functions-key": "secret", "X-Other": "kept"},
        }
    )
    await caller.close()
    answer = json.loads(result.value)
    assert (answer["statusCode"], json.loads(answer["content"])) == (418, {"done": True})
    assert answer["headers"]["X-Two"] == ["a", "b"]
    assert bodies == ['{"a": 1}']
    assert asked[0].headers["Content-Type"] == "text/plain"
    assert "Content-Type" not in answer["headers"]
    assert [request.headers.get("x-functions-key") for request in asked] == ["secret", None, None]
    assert all(request.headers["X-Other"] == "kept" for request in asked)


@pytest.mark.parametrize(
    "header",
    ["²", "soon", "-1", "nan", f"Mon, 23 Nov {'9' * 30} 12:00:00 GMT", "Sun Nov  6 08:49:37 1994"],
)
async def test_no_retry_after_of_a_service_fails_the_call(header: str):
    async def job(request: web.Request) -> web.Response:
        return web.Response(status=202, headers={"Location": "/1", "Retry-After": header})

    async def poll(request: web.Request) -> web.Response:
        return web.Response(text="done")

    app = web.Application()
    app.add_routes([web.post("/job", job), web.get("/1", poll)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    caller = HttpCaller(poll_seconds=0)
    request = {"method": "POST", "uri": f"http://127.0.0.1:{runner.addresses[0][1]}/job"}
    result = await caller.run(request | {"asynchronousPatternEnabled": True})
    await caller.close()
    await runner.cleanup()
    assert json.loads(result.value)["content"] == "done"


async def test_a_network_error_fails_the_task_with_its_message(path):
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def calls(context):
        yield context.call_http("GET", "http://127.0.0.1:1/")

    async with hub(app, path) as durable:
        assert "Connection refused (127.0.0.1:1)" in await durable.failure(
            await durable.start("calls")
        )


@pytest.mark.parametrize(
    ("method", "url", "problem"),
    [
        ("GET", "not a url", "An invalid request URI was provided."),
        ("NO PE", "http://127.0.0.1:1/", "The format of the HTTP method is invalid."),
    ],
)
async def test_a_request_that_cannot_be_made_is_told_in_words(path, method, url, problem):
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def calls(context):
        yield context.call_http(method, url)

    async with hub(app, path) as durable:
        assert problem in await durable.failure(await durable.start("calls"))


async def test_an_orchestrator_gets_the_first_answer_since_the_sdk_asks_for_no_polling(
    path, server
):
    url, _, _ = server
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def calls(context):
        response = yield context.call_http("POST", f"{context.get_input()}/job", {"b": 2})
        return response["statusCode"]

    async with hub(app, path) as durable:
        assert await durable.run("calls", url) == 202


class Answer(NamedTuple):
    body: bytes
    kind: str
    text: str


# What .NET's `HttpContent.ReadAsStringAsync` makes of each; where it fails, what bears it.
ANSWERS = {
    "latin 1 without a charset": Answer(b"caf\xe9", "text/plain", "caf\ufffd"),
    "latin 1": Answer(b"caf\xe9", "text/plain; charset=iso-8859-1", "café"),
    "not what it says": Answer(b"caf\xe9", "text/plain; charset=utf-8", "caf\ufffd"),
    "a charset that nobody knows": Answer("é".encode(), "text/plain; charset=nope", "é"),
    "a codec that is no charset": Answer("é".encode(), "text/plain; charset=hex", "é"),
    "a codec for names of hosts": Answer("é".encode(), "text/plain; charset=idna", "é"),
    "a byte order mark": Answer(b"\xef\xbb\xbfx", "application/json", "x"),
    "UTF-16": Answer("é".encode("utf-16"), "text/plain", "é"),
    "UTF-16 by name": Answer("é".encode("utf-16-le"), "text/plain; charset=utf-16le", "é"),
    "a picture": Answer(b"\x89PNG\r\n\x1a\n\0", "image/png", "\ufffdPNG\r\n\x1a\n\0"),
    "nothing": Answer(b"", "text/plain", ""),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_is_read_whatever_its_bytes_are(answer):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {answer.kind}\r\nX-Odd: caf".encode() + b"\xe9\r\n"
    length = f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + length + answer.body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    caller = HttpCaller(poll_seconds=30)
    async with server:
        result = await caller.run({"method": "GET", "uri": f"http://127.0.0.1:{port}/"})
    await caller.close()
    assert result.error is None
    told = json.loads(result.value)
    assert told["content"] == answer.text
    assert told["headers"]["X-Odd"] == "café"


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "GET", "uri": "http://127.0.0.1:1/", "headers": {"Content-Type": 5}},
        {"method": "GET", "uri": "http://127.0.0.1:1/", "headers": ["x"]},
        {"method": "GET", "uri": "http://127.0.0.1:1/", "headers": {"X": "a\r\nb"}},
        {"method": "GET", "uri": "http://127.0.0.1:1/", "tokenSource": {"x": 1}},
        {"method": "GET", "uri": "http://caf\udce9/"},
        {"method": "GET", "uri": {"not": "a url"}},
        {"method": "GET"},
    ],
)
async def test_whatever_is_wrong_with_a_request_is_the_failure_of_the_call(request_):
    caller = HttpCaller(poll_seconds=30)
    result = await caller.run(request_)
    await caller.close()
    assert result.error
    assert result.error.encode()
