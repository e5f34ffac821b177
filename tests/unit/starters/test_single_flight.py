import asyncio
import threading

import pytest

from fanout.adapters.blob import BlobStore
from fanout.adapters.patience import PatienceError
from fanout.adapters.settings import StorageSettings
from starters import single_flight
from starters.single_flight import SingleFlight
from tests.support.hostile.dripping import dripping


async def test_an_answer_is_given_and_an_error_raised():
    calls = SingleFlight()
    assert await calls.call("a", lambda: 5, 10) == 5

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await calls.call("a", fail, 10)
    assert await calls.call("a", lambda: 6, 10) == 6


async def test_callers_of_one_name_share_a_call_and_those_of_others_do_not():
    calls, release, counted = SingleFlight(), threading.Event(), []

    def answer() -> int:
        counted.append(1)
        release.wait(60)
        return len(counted)

    shared = [asyncio.create_task(calls.call("a", answer, 60)) for _ in range(5)]
    assert await calls.call("b", lambda: 7, 10) == 7
    release.set()
    assert await asyncio.gather(*shared) == [1] * 5


async def test_a_caller_that_leaves_takes_the_call_from_nobody():
    calls, release = SingleFlight(), threading.Event()
    first = asyncio.create_task(calls.call("a", lambda: release.wait(60), 60))
    second = asyncio.create_task(calls.call("a", lambda: False, 60))
    await asyncio.sleep(0)
    first.cancel()
    release.set()
    assert await second is True


async def test_a_call_that_hangs_is_left_and_not_made_again():
    calls, release, counted = SingleFlight(), threading.Event(), []

    def hang() -> None:
        counted.append(1)
        release.wait(60)

    for _ in range(3):
        with pytest.raises(TimeoutError, match="no answer within"):
            await calls.call("a", hang, 0.01)
    assert counted == [1]
    release.set()


@pytest.mark.timeout(30)
async def test_a_call_of_storage_that_drips_ends_and_the_next_is_asked_anew(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(single_flight, "MAX_FLIGHT_SECONDS", 0.3)
    calls = SingleFlight()
    with dripping(b"HTTP/1.1 200 OK\r\nx-ms-name: ", b"x") as port:
        url = f"http://127.0.0.1:{port}/account"
        store = BlobStore.connect(
            StorageSettings(f"AccountName=account;AccountKey=a2V5;BlobEndpoint={url}")
        )
        with pytest.raises(TimeoutError):
            await calls.call("blobs", lambda: store.read("things", "one"), 0.1)
        with pytest.raises(PatienceError):
            await calls.call("blobs", lambda: pytest.fail("the first goes on"), 20)
        assert await calls.call("blobs", lambda: "asked anew", 20) == "asked anew"


async def test_where_no_thread_can_begin_the_next_call_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
):
    calls = SingleFlight()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            await calls.call("a", lambda: 1, 10)
    assert await calls.call("a", lambda: 2, 10) == 2
