"""The rate of a downstream, shared by whoever calls it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fanout.downstream.rate_limiter import KEPT_SECONDS, MAX_WAIT_SECONDS, RateAsk, RateState, book

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def ask(
    items: float, seconds: float = 0.0, rate: float = 10.0, caller: str = "", call: int = 0
) -> RateAsk:
    at = (BEGIN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return RateAsk(items=items, per_second=rate, at=at, caller=caller, call=call)


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


def test_a_question_that_is_asked_again_has_its_first_answer_and_books_nothing_more() -> None:
    state, _ = book(RateState(), ask(20, caller="a", call=1))
    state, first = book(state, ask(10, caller="b", call=1))
    again, order = book(state, ask(10, 0.5, caller="b", call=1))
    assert (first.wait_seconds, order.wait_seconds, again) == (2.0, 1.5, state)
    _, late = book(state, ask(10, 7.0, caller="b", call=1))
    assert late.wait_seconds <= 0


def test_a_later_question_of_the_same_caller_books_anew() -> None:
    state, _ = book(RateState(), ask(20, caller="a", call=1))
    state, order = book(state, ask(10, caller="a", call=2))
    assert order.wait_seconds == 2.0
    assert book(state, ask(10, caller="b", call=1))[1].wait_seconds == 3.0


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 5), st.booleans()), max_size=40))
def test_no_more_is_booked_however_often_callers_ask_again(
    calls: list[tuple[int, float, bool]],
) -> None:
    once, often, now, asked = RateState(), RateState(), 0.0, dict.fromkeys(range(4), 0)
    for caller, pause, is_again in calls:
        now += pause
        if not is_again:
            asked[caller] += 1
            once, _ = book(once, ask(3, now, caller=f"c{caller}", call=asked[caller]))
        if asked[caller]:
            often, _ = book(often, ask(3, now, caller=f"c{caller}", call=asked[caller]))
    assert (often.booked_until, often.bookings) == (once.booked_until, once.bookings)


def test_bookings_that_nobody_asks_for_again_are_forgotten() -> None:
    state, _ = book(RateState(), ask(1, caller="a", call=1))
    state, _ = book(state, ask(1, KEPT_SECONDS - 1, caller="b", call=1))
    assert [*state.bookings] == ["a", "b"]
    state, _ = book(state, ask(1, KEPT_SECONDS + 1, caller="c", call=1))
    assert [*state.bookings] == ["b", "c"]
