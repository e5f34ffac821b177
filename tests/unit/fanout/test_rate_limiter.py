"""The rate of a downstream, shared by whoever calls it."""

from datetime import UTC, datetime, timedelta

import pytest
from entities.rate_limiter import apply
from hypothesis import given
from hypothesis import strategies as st

from fanout.rate_limiter import MAX_WAIT_SECONDS, RateAsk, RateState, book

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def ask(items: float, seconds: float = 0.0, rate: float = 10.0) -> RateAsk:
    at = (BEGIN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return RateAsk(items=items, per_second=rate, at=at)


def test_the_first_goes_at_once_and_the_next_when_its_time_is_over() -> None:
    state, first = book(RateState(), ask(20))
    state, second = book(state, ask(10, 0.5))
    state, third = book(state, ask(10, 0.5))
    assert (first.wait_seconds, second.wait_seconds, third.wait_seconds) == (0.0, 1.5, 2.5)
    _, late = book(state, ask(10, 60))
    assert late.wait_seconds == 0.0


def test_nothing_is_booked_that_is_far_away() -> None:
    state, _ = book(RateState(), ask(1000))
    again, order = book(state, ask(10))
    assert (order.is_booked, order.wait_seconds, again) == (False, MAX_WAIT_SECONDS, state)


def test_a_rate_that_was_changed_holds_from_the_next_booking_on() -> None:
    state, _ = book(RateState(), ask(10, rate=10))
    state, _ = book(state, ask(100, rate=100))
    assert state.booked_until == "2026-01-01T00:00:02.000000Z"


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 5)), min_size=1, max_size=30))
def test_no_more_begins_than_the_rate_allows(calls: list[tuple[int, float]]) -> None:
    state, now, begun = RateState(), 0.0, []
    for items, pause in calls:
        now += pause
        state, order = book(state, ask(items, now))
        if order.is_booked:
            begun.append((now + order.wait_seconds, items))
    for number, (start, _) in enumerate(begun):
        end, last = begun[-1]
        assert sum(items for _, items in begun[number:]) <= 10 * (end - start) + last + 1e-3


def test_the_entity_knows_one_operation() -> None:
    state, answer = apply(RateState(), "book", ask(10).model_dump(mode="json"))
    assert answer == {"is_booked": True, "wait_seconds": 0.0}
    assert state.per_second == 10
    with pytest.raises(ValueError, match="knows no operation 'take'"):
        apply(state, "take", None)
