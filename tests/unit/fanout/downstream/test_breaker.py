"""When a downstream may be called."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fanout.downstream import breaker
from fanout.downstream.breaker import (
    CLOSED,
    MAX_COOL_DOWN_SECONDS,
    CircuitAsk,
    CircuitReport,
    CircuitState,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def ask(state: CircuitState, shard: str, seconds: float) -> tuple[CircuitState, str, float]:
    state, order = breaker.answer(state, CircuitAsk(shard=shard, at=at(seconds)))
    state = CircuitState.model_validate_json(state.model_dump_json())
    return state, order.action, order.wait_seconds


def told(state: CircuitState, shard: str, seconds: float, **how: bool) -> CircuitState:
    return breaker.note_report(state, CircuitReport(shard=shard, at=at(seconds), **how))


def test_it_opens_when_the_downstream_keeps_failing_and_one_shard_probes():
    state = told(CLOSED, "a", 0, has_tripped=True)
    assert state.name == "open"
    assert ask(state, "b", 0.25)[1:] == ("wait", 0.75)
    state, action, _ = ask(state, "b", 1.0)
    assert (action, state.name) == ("probe", "half-open")
    assert ask(state, "c", 1.1)[1:] == ("wait", 1.0)
    assert ask(state, "b", 1.1)[1] == "probe", "the same shard may ask again"
    state = told(state, "b", 1.2, has_answered=True)
    assert state == CLOSED
    assert ask(state, "c", 1.3)[1] == "go"


def test_it_stays_open_twice_as_long_after_each_probe_that_fails():
    state, now, waits = told(CLOSED, "a", 0, has_tripped=True), 0.0, []
    for _ in range(8):
        _, action, wait = ask(state, "a", now)
        assert action == "wait"
        waits.append(wait)
        now += wait
        state, action, _ = ask(state, "a", now)
        assert action == "probe"
        state = told(state, "a", now, has_tripped=True)
    assert waits == [1, 2, 4, 8, 16, *[MAX_COOL_DOWN_SECONDS] * 3]


def test_what_began_before_it_opened_says_nothing_of_it():
    state = told(CLOSED, "a", 0, has_tripped=True)
    assert told(state, "b", 0.1, has_tripped=True) == state
    assert told(state, "c", 0.2, has_answered=True) == state


def test_a_probe_that_called_nothing_leaves_the_next_one_to_another():
    state, _, _ = ask(told(CLOSED, "a", 0, has_tripped=True), "a", 1)
    state = told(state, "a", 1)
    assert ask(state, "b", 1)[1] == "probe"


def test_a_prober_that_is_gone_does_not_hold_it_open_for_ever():
    state, _, _ = ask(told(CLOSED, "a", 0, has_tripped=True), "a", 1)
    assert ask(state, "b", 60)[1] == "wait"
    assert ask(state, "b", 400)[1] == "probe"


@given(st.integers(), st.floats(0.5, 50))
def test_a_downstream_that_is_down_sees_one_probe_at_a_time(seed: int, outage: float):
    chance, state, now = random.Random(seed), CLOSED, 0.0
    calls_while_open = 0
    for _ in range(500):
        now += chance.random()
        shard = chance.choice("abcd")
        was_open = state.name != "closed"
        state, action, _ = ask(state, shard, now)
        if action == "wait":
            continue
        calls_while_open += was_open
        assert not was_open or action == "probe"
        is_up = now > outage
        state = told(state, shard, now, has_tripped=not is_up, has_answered=is_up)
    assert state == CLOSED
    assert calls_while_open <= 8 + outage / MAX_COOL_DOWN_SECONDS
