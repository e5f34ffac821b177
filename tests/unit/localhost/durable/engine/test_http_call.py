import json

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
