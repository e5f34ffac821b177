"""A listener goes on whatever ends its connection, and says what did."""

import asyncio
import logging

import pytest

from localhost.bindings.connections import ServiceBusConnection
from localhost.triggers.service_bus import receiver
from localhost.triggers.service_bus.receiver import Listener
from localhost.triggers.service_bus.trigger_settings import Limits, Source

SOURCE = Source(
    "told", ServiceBusConnection("nowhere"), is_batched=False, auto_complete=True, queue="q"
)


class Failing(Listener):
    """Fails once in a way that nobody foresaw, then receives until it is stopped."""

    def __init__(self) -> None:
        super().__init__(SOURCE, Limits(), executor=None)
        self.began_again = asyncio.Event()
        self._has_failed = False

    async def _pump(self, receiver: object) -> None:
        if not self._has_failed:
            self._has_failed = True
            raise KeyError("nobody foresaw this")
        self.began_again.set()
        await self._stopping.wait()


async def test_a_listener_that_fails_begins_again_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def opened(*_: object) -> None:
        """Open no connection: what it is used for is faked."""

    monkeypatch.setattr(receiver, "_open", opened)
    monkeypatch.setattr(receiver, "RECONNECT_SECONDS", 0.01)
    listener = Failing()
    with caplog.at_level(logging.ERROR):
        listener.start()
        await asyncio.wait_for(listener.began_again.wait(), 10)
        await listener.stop()
    assert "function told: its listener failed" in caplog.text
    assert "nobody foresaw this" in caplog.text
