"""How fast a downstream may be called, by all runs together.

Every shard books its next wave; a booking takes as long as its items take at the downstream's rate,
and the next one begins when it ends.
"""

from datetime import timedelta

from pydantic import Field

from fanout.messages.base import Message
from fanout.models.moment import Moment
from fanout.naming.moments import moment_text, parse_moment, seconds_between

# A booking further away is not made: whoever asks for it asks again, and is heard meanwhile.
MAX_WAIT_SECONDS = 30.0
# An activity that is delivered again comes no later than this after the first time.
KEPT_SECONDS = 900.0


class RateAsk(Message):
    """A shard asks to call the downstream for some items.

    Attributes:
        caller: The shard.
        call: The number of its question. Asked again, it gets the same answer and books nothing
            more.
        items: How many items.
        per_second: How many items the downstream takes a second.
        at: When it asks, ISO 8601 in UTC.
    """

    caller: str = ""
    call: int = 0
    items: float
    per_second: float
    at: str


class RateOrder(Message):
    """The answer to a shard.

    Attributes:
        is_booked: Whether the items are booked.
        wait_seconds: How long to wait: until the items may begin, or until it asks again.
    """

    is_booked: bool = True
    wait_seconds: float = 0.0


class Booking(Message):
    """The last booking of a caller; times are ISO 8601 in UTC.

    Attributes:
        call: The number of the question that it answered.
        at: When it was made.
        begins: When its items may begin.
    """

    call: int
    at: str
    begins: str


class RateState(Message):
    """What is booked.

    Attributes:
        booked_until: When the next booking may begin, ISO 8601 in UTC; None is at once.
        per_second: The rate that was asked for last.
        bookings: The last one of each caller, as long as its question may be asked again.
    """

    booked_until: Moment | None = None
    per_second: float | None = None
    bookings: dict[str, Booking] = Field(default_factory=dict)


def book(state: RateState, ask: RateAsk) -> tuple[RateState, RateOrder]:
    """Book the items of a wave, if its turn is soon."""
    booking = state.bookings.get(ask.caller)
    if booking is not None and booking.call == ask.call:
        return state, RateOrder(wait_seconds=seconds_between(ask.at, booking.begins))
    now = parse_moment(ask.at)
    begins = now
    if state.booked_until is not None:
        begins = max(now, parse_moment(state.booked_until))
    seconds = (begins - now).total_seconds()
    if seconds > MAX_WAIT_SECONDS:
        return state, RateOrder(is_booked=False, wait_seconds=MAX_WAIT_SECONDS)
    begins_at = moment_text(begins)
    until = moment_text(begins + timedelta(seconds=ask.items / ask.per_second))
    bookings = {
        caller: earlier
        for caller, earlier in state.bookings.items()
        if seconds_between(earlier.at, ask.at) < KEPT_SECONDS
    }
    if ask.caller:
        bookings[ask.caller] = Booking(call=ask.call, at=ask.at, begins=begins_at)
    new_state = RateState(booked_until=until, per_second=ask.per_second, bookings=bookings)
    return new_state, RateOrder(wait_seconds=seconds)
