"""How many runs the app carries out at once: the rest wait in the order in which they came.

Whoever leaves hands its place over to the one that has waited longest, and wakes it. So a place is
never free while somebody waits, and nobody has to ask again and again. A wake may be lost with who
should have raised it; therefore those who wait ask by a timer, too, the sooner the nearer they are.
"""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from fanout.naming.moments import parse_moment

FIRST_WAIT_SECONDS = 30.0
MAX_WAIT_SECONDS = 900.0
# One that has not asked for so long is gone: several times what anyone waits.
FORGOTTEN_AFTER = timedelta(hours=1)


class Entry(BaseModel):
    """A run that asks to begin.

    Attributes:
        instance: Its orchestration.
        max_runs: How many runs may go on at once.
        at: When it asks, ISO 8601 in UTC.
    """

    model_config = ConfigDict(frozen=True)

    instance: str
    max_runs: int = 0
    at: str


class AdmissionState(BaseModel):
    """The runs of the app, by orchestration; times are ISO 8601 in UTC.

    Attributes:
        running: Those that have a place, with since when.
        waiting: Those that wait, in the order in which they came, with when they last asked.
        max_runs: How many places there are, as the last that asked has said.
    """

    model_config = ConfigDict(frozen=True)

    running: dict[str, str] = Field(default_factory=dict)
    waiting: dict[str, str] = Field(default_factory=dict)
    max_runs: int = 0


class Turn(BaseModel):
    """What a run is told that asks to begin.

    Attributes:
        wait_seconds: How long it waits unless it is woken; None where it has a place.
    """

    model_config = ConfigDict(frozen=True)

    wait_seconds: float | None = None

    @property
    def has_come(self) -> bool:
        """Whether it may begin."""
        return self.wait_seconds is None


def enter(state: AdmissionState, entry: Entry) -> tuple[AdmissionState, Turn]:
    """Let a run begin if it has a place, or there is one for it and for all that came before it."""
    if entry.instance in state.running:
        return state, Turn()
    waiting = {**_still_waiting(state, entry.at), entry.instance: entry.at}
    state = AdmissionState(running=state.running, waiting=waiting, max_runs=entry.max_runs)
    ahead = list(waiting).index(entry.instance)
    if ahead < _room(state):
        return _give_places(state, [entry.instance], entry.at), Turn()
    return state, Turn(wait_seconds=_wait_seconds(ahead, entry.max_runs))


def leave(state: AdmissionState, instance: str, at: str) -> tuple[AdmissionState, tuple[str, ...]]:
    """Take note that a run is over, or waits no longer.

    Args:
        state: The runs of the app.
        instance: The one that leaves; it need not be among them.
        at: When that is, ISO 8601 in UTC.

    Returns:
        The others, and those of them whose turn has come by this: they have places, and are to be
        woken.
    """
    running = {k: v for k, v in state.running.items() if k != instance}
    waiting = {k: v for k, v in _still_waiting(state, at).items() if k != instance}
    rest = AdmissionState(running=running, waiting=waiting, max_runs=state.max_runs)
    called = [*waiting][: _room(rest)]
    return _give_places(rest, called, at), tuple(called)


def _room(state: AdmissionState) -> int:
    return max(0, state.max_runs - len(state.running))


def _give_places(state: AdmissionState, instances: list[str], at: str) -> AdmissionState:
    """Let some of those that wait have places."""
    return AdmissionState(
        running={**state.running, **dict.fromkeys(instances, at)},
        waiting={k: v for k, v in state.waiting.items() if k not in instances},
        max_runs=state.max_runs,
    )


def _wait_seconds(ahead: int, max_runs: int) -> float:
    """Half a minute for each time that all places have to be freed before it is its turn."""
    rounds = 1 + ahead // max(1, max_runs)
    return min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * rounds)


def _still_waiting(state: AdmissionState, now: str) -> dict[str, str]:
    return {k: v for k, v in state.waiting.items() if not _is_forgotten(v, now)}


def _is_forgotten(asked_at: str, now: str) -> bool:
    return parse_moment(now) - parse_moment(asked_at) > FORGOTTEN_AFTER
