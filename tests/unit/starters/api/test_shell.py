"""What every HTTP function does when something is down; the rest is in tests/e2e."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from azure.core.exceptions import ServiceRequestError
from requests.exceptions import ChunkedEncodingError

from fanout.adapters.blob import BlobStore
from fanout.adapters.rows.rows import RowContentionError
from fanout.adapters.settings import StorageSettings
from fanout.errors import UnavailableError
from fanout.threads import call_in_thread
from starters.api import endpoints, shell
from starters.api.lanes import CHANGES_WAITING, CrowdedError
from starters.api.shell import wrap_handler
from tests.support.hosts.silent import silent_port


@pytest.mark.parametrize(
    "error", [ServiceRequestError, RowContentionError, ChunkedEncodingError, ConnectionResetError]
)
async def test_storage_that_does_not_answer_is_a_503_and_no_crash(error: type[Exception]):
    @wrap_handler(endpoints.GET_RUN)
    async def handler(req: func.HttpRequest, context: Any) -> func.HttpResponse:
        raise error("no route")

    request = func.HttpRequest("GET", "http://x/api/runs/r", body=b"", route_params={"run_id": "r"})
    context = SimpleNamespace(function_name="handler", invocation_id="i")
    response = await handler(req=request, context=context)
    assert response.status_code == 503
    assert response.mimetype == "application/problem+json"
    assert error.__name__ in json.loads(response.get_body())["detail"]
    assert int(response.headers["Retry-After"]) > 0


async def call(
    endpoint: endpoints.Endpoint, fail: Callable[[], Awaitable[Any]], run_id: str = "r"
) -> Any:
    @wrap_handler(endpoint)
    async def handler(req: func.HttpRequest, context: Any) -> func.HttpResponse:
        return await fail()

    route = {"run_id": run_id} if run_id else {}
    request = func.HttpRequest("GET", "http://x/api/runs/r", body=b"", route_params=route)
    return await handler(req=request, context=SimpleNamespace(function_name="h", invocation_id="i"))


async def raising(error: BaseException) -> None:
    raise error


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "endpoint", [endpoints.LIST_RUNS, endpoints.CHANGE_RUN, endpoints.DELETE_RUN]
)
async def test_who_waits_for_a_turn_is_answered_in_time_too(
    monkeypatch: pytest.MonkeyPatch, endpoint: endpoints.Endpoint
):
    monkeypatch.setattr(shell, "MAX_ANSWER_SECONDS", 0.1)
    run_id = "r" if "run_id" in endpoint.route else ""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            with contextlib.suppress(TimeoutError):  # a lane has one place, or two
                async with asyncio.timeout(0.01):
                    place = shell.lanes().place(endpoint.function, run_id, "others")
                    await stack.enter_async_context(place)
        response = await call(endpoint, lambda: pytest.fail("it is not its turn"), run_id)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "endpoint", [endpoints.GET_RUN, endpoints.DELETE_RUN, endpoints.GET_RESULT_FILE]
)
async def test_what_a_handler_asks_of_storage_ends_with_its_time(
    monkeypatch: pytest.MonkeyPatch, endpoint: endpoints.Endpoint
):
    monkeypatch.setattr(shell, "MAX_STORAGE_SECONDS", 0.3)
    with silent_port() as port:
        url = f"http://127.0.0.1:{port}/account"
        store = BlobStore.connect(
            StorageSettings(f"AccountName=account;AccountKey=a2V5;BlobEndpoint={url}")
        )
        response = await call(endpoint, lambda: call_in_thread(store.read, "things", "one"))
    assert response.status_code == 503
    assert json.loads(response.get_body())["type"] == "urn:fanout:problem:storage"


async def test_storage_that_is_away_is_no_fault_of_the_app_whoever_says_so():
    response = await call(endpoints.GET_RUN, lambda: raising(UnavailableError("away")))
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.timeout(60)
async def test_a_handler_that_never_ends_is_answered_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shell, "MAX_ANSWER_SECONDS", 0.01)
    response = await call(endpoints.LIST_RUNS, asyncio.Event().wait)
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "TimeoutError" in json.loads(response.get_body())["detail"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Exception("No instance: the SDK of Durable says so"), 503),
        (ConnectionResetError(), 503),
        (RecursionError(), 500),
        (SystemExit(3), 500),
        (asyncio.CancelledError(), 500),
        (ValueError("AccountKey=secret"), 500),
    ],
)
async def test_whatever_is_raised_is_answered_and_ends_no_worker(error: Any, status: int):
    response = await call(endpoints.LIST_RUNS, lambda: raising(error))
    assert response.status_code == status
    problem = json.loads(response.get_body())
    assert type(error).__name__ in problem["detail"]
    assert "secret" not in problem["detail"]


async def test_a_handler_that_finds_a_queue_full_answers_at_once():
    response = await call(endpoints.START_RUN, lambda: raising(CrowdedError("full")))
    assert (response.status_code, json.loads(response.get_body())["detail"]) == (503, "full")
    assert int(response.headers["Retry-After"]) > 0


async def test_a_queue_of_changes_that_has_an_end_answers_at_once():
    go = asyncio.Event()

    @wrap_handler(endpoints.CHANGE_RUN)
    async def handler(req: func.HttpRequest, context: Any) -> func.HttpResponse:
        await go.wait()
        return func.HttpResponse(status_code=200)

    request = func.HttpRequest(
        "PATCH", "http://x/api/runs/r", body=b"", route_params={"run_id": "r"}
    )
    context = SimpleNamespace(function_name="handler", invocation_id="i")
    calls = [asyncio.create_task(handler(req=request, context=context)) for _ in range(200)]
    await asyncio.sleep(0.1)
    go.set()
    responses = await asyncio.gather(*calls)
    statuses = Counter(response.status_code for response in responses)
    assert statuses == {200: 1 + CHANGES_WAITING, 503: 199 - CHANGES_WAITING}
    crowded = next(response for response in responses if response.status_code == 503)
    assert int(crowded.headers["Retry-After"]) > 0
    assert json.loads(crowded.get_body())["type"] == "urn:fanout:problem:crowded"
