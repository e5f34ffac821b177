"""How fast a downstream may be called, by all runs together.

Every shard books its next wave; a booking takes as long as its items take at the downstream's rate,
and the next one begins when it ends.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

# A booking further away is not made: whoever asks for it asks again, and is heard meanwhile.
MAX_WAIT_SECONDS = 30.0


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class RateAsk(_Message):
    """A shard asks to call the downstream for so many items; `at` is ISO 8601 in UTC."""

    items: float
    per_second: float
    at: str


class RateOrder(_Message):
    """Whether the items are booked, and how long to wait for them or before asking again."""

    is_booked: bool = True
    wait_seconds: float = 0.0


class RateState(_Message):
    """What is booked: until when, ISO 8601 in UTC, at the rate last asked for."""

    booked_until: str | None = None
    per_second: float | None = None


def book(state: RateState, asked: RateAsk) -> tuple[RateState, RateOrder]:
    """Book the items of a wave, if its turn is soon."""
    now = datetime.fromisoformat(asked.at)
    begins = now
    if state.booked_until is not None:
        begins = max(now, datetime.fromisoformat(state.booked_until))
    seconds = (begins - now).total_seconds()
    if seconds > MAX_WAIT_SECONDS:
        return state, RateOrder(is_booked=False, wait_seconds=MAX_WAIT_SECONDS)
    until = begins + timedelta(seconds=asked.items / asked.per_second)
    text = until.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return RateState(booked_until=text, per_second=asked.per_second), RateOrder(
        wait_seconds=seconds
    )
