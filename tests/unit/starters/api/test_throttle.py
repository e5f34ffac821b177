from starters.api import throttle
from starters.api.throttle import Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_as_many_calls_as_a_minute_has_go_at_once_and_then_one_by_one():
    clock = Clock()
    made = Throttle(60, clock)
    assert [made.take("a") for _ in range(60)] == [0.0] * 60
    assert made.take("a") == 1.0
    clock.now += 0.5
    assert made.take("a") == 0.5
    clock.now += 0.5
    assert made.take("a") == 0.0
    assert made.take("a") > 0.0


def test_a_long_rest_saves_up_a_minute_and_no_more():
    clock = Clock()
    made = Throttle(3, clock)
    assert [made.take("a") for _ in range(3)] == [0.0] * 3
    clock.now += 3600
    assert [made.take("a") > 0 for _ in range(4)] == [False, False, False, True]


def test_one_caller_takes_nothing_from_another():
    made = Throttle(1, Clock())
    assert made.take("a") == 0.0
    assert made.take("a") > 0.0
    assert made.take("b") == 0.0


def test_what_it_remembers_is_bounded_and_the_longest_silent_is_forgotten(monkeypatch):
    monkeypatch.setattr(throttle, "MAX_CALLERS", 2)
    made = Throttle(1, Clock())
    for caller in ("a", "b", "c"):
        made.take(caller)
    assert len(made._buckets) == 2
    assert made.take("c") > 0.0
    assert made.take("a") == 0.0
