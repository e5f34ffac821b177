import asyncio
from datetime import UTC, datetime, timedelta

from localhost.durable.engine.timers import Timers


async def test_timers_fire_in_the_order_of_their_time():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    times = [now]
    fired: list[str] = []
    done = asyncio.Event()

    def fire(due: list[str]) -> None:
        fired.extend(due)
        if len(fired) == 3:
            done.set()

    timers: Timers[str] = Timers(lambda: times[0], fire)
    timers.add(now + timedelta(seconds=3), "third")
    timers.add(now - timedelta(seconds=9), "first")
    timers.add(now, "second")
    times[0] = now + timedelta(seconds=3)
    await asyncio.wait_for(done.wait(), 10)
    assert fired == ["first", "second", "third"]
    timers.close()
