import pytest

from workloads.notifications.rate import TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_comes_at_once_is_spread_over_time():
    bucket = TokenBucket(2, Clock())
    assert [bucket.reserve() for _ in range(5)] == [0, 0, 0.5, 1.0, 1.5]


def test_a_rate_below_one_lets_the_first_begin_at_once():
    bucket = TokenBucket(0.5, Clock())
    assert [bucket.reserve() for _ in range(3)] == [0, 2, 4]


def test_a_pause_saves_no_more_than_a_second():
    clock = Clock()
    bucket = TokenBucket(3, clock)
    bucket.reserve()
    clock.now += 1000
    waits = [bucket.reserve() for _ in range(4)]
    assert waits[:3] == [0, 0, 0]
    assert waits[3] == pytest.approx(1 / 3)
