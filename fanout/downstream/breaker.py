"""A circuit breaker for one downstream, shared by all runs that call it.

Closed, everything goes. Open, nothing does until the circuit has cooled down; then one shard probes
with one item, and what comes of it closes the circuit or opens it for twice as long.

Source: https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker
"""

from datetime import timedelta
from typing import Literal

from fanout.messages.base import Message
from fanout.models.moment import Moment
from fanout.naming.moments import parse_moment, seconds_between

FIRST_COOL_DOWN_SECONDS = 1.0
MAX_COOL_DOWN_SECONDS = 30.0
# Whoever waits for another's probe asks again so soon.
PROBE_WAIT_SECONDS = 1.0
# A prober that has not been heard of for so long is gone.
PROBE_EXPIRES_AFTER = timedelta(minutes=5)
# The states in the words of the pattern.
CircuitName = Literal["closed", "open", "half-open"]


class CircuitAsk(Message):
    """A shard asks whether it may call the downstream.

    Attributes:
        shard: The instance id of the shard.
        at: When it asks, ISO 8601 in UTC.
    """

    shard: str
    at: str


class CircuitReport(Message):
    """What the calls of a shard came to.

    Attributes:
        shard: The instance id of the shard.
        at: When it reports, ISO 8601 in UTC.
        has_tripped: Whether the downstream kept failing.
        has_answered: Whether it did what some item asked of it.
    """

    shard: str
    at: str
    has_tripped: bool = False
    has_answered: bool = False


class CircuitOrder(Message):
    """Whether a shard may call the downstream.

    Attributes:
        action: ``go``; ``probe`` it with one item; or ``wait``.
        wait_seconds: How long to wait before it asks again.
    """

    action: Literal["go", "probe", "wait"] = "go"
    wait_seconds: float = 0.0


class CircuitState(Message):
    """What the breaker knows. Times are ISO 8601 in UTC.

    Attributes:
        trips: How often it has opened since the downstream last answered.
        open_until: When a probe may be made; None while it is closed.
        opened_at: Since when it has been open, probes and all.
        prober: The shard that probes at present; None if none does.
        probed_at: Since when it probes.
    """

    trips: int = 0
    open_until: Moment | None = None
    opened_at: Moment | None = None
    prober: str | None = None
    probed_at: Moment | None = None

    @property
    def name(self) -> CircuitName:
        """Its state."""
        if self.open_until is None:
            return "closed"
        return "half-open" if self.prober is not None else "open"


CLOSED = CircuitState()


def answer(state: CircuitState, ask: CircuitAsk) -> tuple[CircuitState, CircuitOrder]:
    """Answer a shard that wants to call the downstream."""
    if state.open_until is None:
        return state, CircuitOrder()
    seconds_left = seconds_between(ask.at, state.open_until)
    if seconds_left > 0:
        return state, CircuitOrder(action="wait", wait_seconds=seconds_left)
    if state.prober not in (None, ask.shard) and not _has_expired(state, ask.at):
        return state, CircuitOrder(action="wait", wait_seconds=PROBE_WAIT_SECONDS)
    probing = state.model_copy(update={"prober": ask.shard, "probed_at": ask.at})
    return probing, CircuitOrder(action="probe")


def note_report(state: CircuitState, report: CircuitReport) -> CircuitState:
    """Take note of what the calls of a shard came to."""
    is_open = state.open_until is not None
    if is_open and state.prober != report.shard:
        return state  # of calls that began before it opened
    if report.has_tripped:
        return _open_state(state, report.at)
    if report.has_answered:
        return CLOSED
    return state.model_copy(update={"prober": None, "probed_at": None})


def _open_state(state: CircuitState, at: str) -> CircuitState:
    cool_down = FIRST_COOL_DOWN_SECONDS * 2.0 ** min(state.trips, 10)
    until = parse_moment(at) + timedelta(seconds=min(MAX_COOL_DOWN_SECONDS, cool_down))
    return CircuitState(
        trips=state.trips + 1,
        open_until=until.isoformat().replace("+00:00", "Z"),
        opened_at=state.opened_at or at,
    )


def _has_expired(state: CircuitState, now: str) -> bool:
    return (
        state.probed_at is None
        or parse_moment(now) - parse_moment(state.probed_at) > PROBE_EXPIRES_AFTER
    )
