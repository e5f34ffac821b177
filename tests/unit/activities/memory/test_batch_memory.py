"""One batch at a time makes long outcomes; none waits for ever until it may."""

from contextlib import ExitStack

import pytest

from activities.memory import batch_memory
from activities.memory.batch_memory import LongOutcomes


def test_one_batch_at_a_time_makes_long_outcomes():
    with ExitStack() as first, ExitStack() as second:
        assert LongOutcomes(first).claim(waits=True)
        other = LongOutcomes(second)
        assert not other.claim(waits=False)
        first.close()
        assert other.claim(waits=False)
        assert not LongOutcomes(first).claim(waits=False)


def test_a_batch_that_has_waited_long_goes_on_beside_the_other(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batch_memory, "MAX_WAIT_SECONDS", 0.05)
    with ExitStack() as first, ExitStack() as second:
        assert LongOutcomes(first).claim(waits=True)
        other = LongOutcomes(second)
        assert not other.claim(waits=False)
        assert other.claim(waits=True)
        assert other.claim(waits=False)
        second.close()  # it has no claim that it could give back
        assert not LongOutcomes(second).claim(waits=False)
