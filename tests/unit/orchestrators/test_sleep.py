"""A wait is never cut short: Microsoft's engine fires timers up to a second early.

Its queues hide a message for whole seconds. Seen there (the Durable extension 3.19.0): a timer of
0.9 s fired 0.88 s early, one of 1.9 s 0.85 s early, and others late.
"""

from datetime import datetime, timedelta
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrators.sleep import sleep

START = datetime(2026, 1, 1)


class Engine:
    """A clock that goes on to where each timer fires, and counts the timers."""

    def __init__(self, latency: float) -> None:
        self.current_utc_datetime = START
        self.timers = 0
        self._latency = latency

    def create_timer(self, until: datetime) -> None:
        self.timers += 1
        asked = (until - self.current_utc_datetime).total_seconds() - self._latency
        hidden = max(0, floor(asked)) + self._latency
        self.current_utc_datetime += timedelta(seconds=hidden)

    def sleep(self, seconds: float) -> float:
        """Sleep; gives how long it took."""
        begun = self.current_utc_datetime
        waiting: Any = sleep(self, seconds)
        for _ in waiting:
            """Each timer fires at once."""
        return (self.current_utc_datetime - begun).total_seconds()


@given(st.floats(0, 40), st.floats(0.01, 0.3))
def test_a_wait_takes_as_long_as_it_is_to_and_hardly_longer(seconds: float, latency: float):
    engine = Engine(latency)
    took = engine.sleep(seconds)
    assert took >= seconds - 1e-5
    assert took <= seconds + 1 + 2 * latency
    assert engine.timers <= 3


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_there_is_nothing_to_wait_for_when_the_time_has_come(seconds: float):
    engine = Engine(0.1)
    assert (engine.sleep(seconds), engine.timers) == (0.0, 0)
