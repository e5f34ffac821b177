"""Runs are woken when their turn comes, and by nobody again and again."""

import asyncio
from typing import Any

import pytest

from fanout.naming import events
from starters.lifecycle import turns
from starters.lifecycle.turns import MAX_KEPT, WAKE_EVERY_SECONDS, wake, wake_once


class Client:
    """Takes note of events; one of `lost` cannot be raised."""

    def __init__(self, lost: str = "") -> None:
        self.lost = lost
        self.raised: list[tuple[str, str]] = []

    async def raise_event(self, instance: str, name: str, *_: Any) -> None:
        if instance == self.lost:
            raise RuntimeError("the host does not answer")
        self.raised.append((instance, name))


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time; nobody has been woken yet."""
    now = [0.0]
    monkeypatch.setattr(turns, "_woken_at", type(turns._woken_at)())
    monkeypatch.setattr(turns.time, "monotonic", lambda: now[0])
    return now


async def test_one_that_cannot_be_woken_keeps_no_other_asleep():
    client = Client(lost="a")
    await wake(["a", "b"], client)
    assert client.raised == [("b", events.TURN)]


async def test_a_thousand_cancellations_raise_one_event(seconds: list[float]):
    client = Client()
    await asyncio.gather(*(wake_once("r", client) for _ in range(1_000)), wake_once("s", client))
    assert sorted(client.raised) == [("r", events.TURN), ("s", events.TURN)]


async def test_who_asks_again_later_is_heard_for_the_event_may_be_lost(seconds: list[float]):
    client = Client()
    for seconds[0] in (0.0, WAKE_EVERY_SECONDS - 1, WAKE_EVERY_SECONDS + 1):
        await wake_once("r", client)
    assert len(client.raised) == 2


async def test_no_more_are_remembered_than_there_is_room_for(seconds: list[float]):
    for number in range(MAX_KEPT + 50):
        await wake_once(f"r{number}", Client())
    assert len(turns._woken_at) == MAX_KEPT
