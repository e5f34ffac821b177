"""How an activity raises events from its thread."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from activities.events import THREADS_SETTING, Events, _threads, work_on_thread

CONTEXT = SimpleNamespace(invocation_id="i", thread_local_storage=threading.local())


class Client:
    """What of the durable client raises events."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.events: list[tuple[str, str, Any]] = []
        self.threads: list[threading.Thread] = []

    async def raise_event(self, instance: str, name: str, value: Any) -> None:
        self.threads.append(threading.current_thread())
        if self.fault is not None:
            raise self.fault
        self.events.append((instance, name, value))


def raise_from_thread(client: Client) -> bool:
    async def shell() -> bool:
        events = Events(client, asyncio.get_running_loop())
        return await work_on_thread(CONTEXT, lambda: events.raise_event("r", "turn", {"n": 1}))

    return asyncio.run(shell())


def test_an_event_is_raised_on_the_loop_of_the_client() -> None:
    client = Client()
    assert raise_from_thread(client)
    assert client.events == [("r", "turn", {"n": 1})]
    assert client.threads == [threading.current_thread()]


def test_an_event_that_durable_does_not_take_ends_no_activity(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = Client(Exception("No instance with ID r found."))
    assert not raise_from_thread(client)
    assert "cannot raise 'turn' of 'r': Exception: No instance with ID r found." in caplog.text


def test_log_lines_of_the_thread_bear_the_invocation() -> None:
    async def shell() -> tuple[str | None, bool]:
        def work() -> tuple[str | None, bool]:
            own = threading.current_thread() is not threading.main_thread()
            return getattr(CONTEXT.thread_local_storage, "invocation_id", None), own

        return await work_on_thread(CONTEXT, work)

    assert asyncio.run(shell()) == ("i", True)


@pytest.mark.parametrize("count", ["", "0", "-1", "9" * 5_000, "\u0665", "1e3", "many"])
def test_a_count_of_threads_that_makes_no_sense_ends_no_activity(
    count: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(THREADS_SETTING, count)
    _threads.cache_clear()
    try:
        assert asyncio.run(work_on_thread(CONTEXT, lambda: "done")) == "done"
    finally:
        _threads.cache_clear()
