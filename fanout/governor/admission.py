"""How many runs the app carries out at once: the rest wait in the order in which they came.

Whoever leaves hands its place over to the one that has waited longest, and wakes it. So a place is
never free while somebody waits, and nobody has to ask again and again. A wake may be lost with who
should have raised it; therefore those who wait ask by a timer, too, the sooner the nearer they are.

A run that stands still, be it suspended, slowed down or stuck, lends its place to whoever waits. It
goes on when it can, and counts again as soon as it moves; until there is room nobody else begins.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from fanout.models.moment import Moment
from fanout.naming.moments import parse_moment

Value = TypeVar("Value")
FIRST_WAIT_SECONDS = 30.0
MAX_WAIT_SECONDS = 900.0
# One that has not asked for so long is gone: several times what anyone waits.
FORGOTTEN_AFTER = timedelta(hours=1)
# For each place so many runs may have lent one: all of them may move again at a time.
MAX_LENT_A_PLACE = 16


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


class Sighting(BaseModel):
    """What a run had come to when somebody looked.

    Attributes:
        mark: Differs once the run has moved.
        since: Since when it has been the same, ISO 8601 in UTC.
        patience_seconds: How long that may be so before the run stands still.
    """

    model_config = ConfigDict(frozen=True)

    mark: str
    since: Moment
    patience_seconds: float

    def is_still(self, now: str) -> bool:
        """Whether the run stands still."""
        seconds = (parse_moment(now) - parse_moment(self.since)).total_seconds()
        return seconds > self.patience_seconds


class AdmissionState(BaseModel):
    """The runs of the app, by orchestration; times are ISO 8601 in UTC.

    Attributes:
        running: Those that have a place, with since when.
        waiting: Those that wait, in the order in which they came, with when they last asked.
        lent: Those that have lent their place to others, with since when.
        sightings: Where those with a place stood while others waited.
        max_runs: How many places there are, as the last that asked has said.
    """

    model_config = ConfigDict(frozen=True)

    running: dict[str, Moment] = Field(default_factory=dict)
    waiting: dict[str, Moment] = Field(default_factory=dict)
    lent: dict[str, Moment] = Field(default_factory=dict)
    sightings: dict[str, Sighting] = Field(default_factory=dict)
    max_runs: int = 0

    def has_begun(self, instance: str) -> bool:
        """Whether a run has a place, or has lent the one that it had."""
        return instance in self.running or instance in self.lent


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
    if state.has_begun(entry.instance):
        return state, Turn()
    waiting = {**_still_waiting(state, entry.at), entry.instance: entry.at}
    state = state.model_copy(update={"waiting": waiting, "max_runs": entry.max_runs})
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
    rest = state.model_copy(
        update={
            "running": _without(state.running, instance),
            "waiting": _without(_still_waiting(state, at), instance),
            "lent": _without(state.lent, instance),
            "sightings": _without(state.sightings, instance),
        }
    )
    return _call_next(rest, at)


def lend(
    state: AdmissionState, seen: Mapping[str, Sighting], at: str
) -> tuple[AdmissionState, tuple[str, ...]]:
    """Let those that wait have the places of runs that stand still.

    Args:
        state: The runs of the app.
        seen: Where runs stand that have a place, or had one.
        at: When that is, ISO 8601 in UTC.

    Returns:
        The runs, and those of them whose turn has come by this: they are to be woken.
    """
    sightings = {
        instance: _oldest(state.sightings.get(instance), sighting)
        for instance, sighting in seen.items()
        if state.has_begun(instance)
    }
    still = {instance for instance, sighting in sightings.items() if sighting.is_still(at)}
    room = max(0, MAX_LENT_A_PLACE * state.max_runs - len(state.lent))
    lending = [instance for instance in state.running if instance in still][:room]
    back = [instance for instance in state.lent if instance in sightings and instance not in still]
    running = {k: v for k, v in state.running.items() if k not in lending}
    lent = {k: v for k, v in state.lent.items() if k not in back}
    state = state.model_copy(
        update={
            "running": {**running, **dict.fromkeys(back, at)},
            "lent": {**lent, **dict.fromkeys(lending, at)},
            "sightings": sightings,
        }
    )
    return _call_next(state, at) if lending else (state, ())


def _oldest(known: Sighting | None, latest: Sighting) -> Sighting:
    """Where a run stands, since it first stood there."""
    is_same = known is not None and known.mark == latest.mark
    return latest.model_copy(update={"since": known.since}) if is_same and known else latest


def _call_next(state: AdmissionState, at: str) -> tuple[AdmissionState, tuple[str, ...]]:
    """Give free places to those that have waited longest, and tell who they are."""
    called = [*state.waiting][: _room(state)]
    return _give_places(state, called, at), tuple(called)


def _without(moments: Mapping[str, Value], instance: str) -> dict[str, Value]:
    return {k: v for k, v in moments.items() if k != instance}


def _room(state: AdmissionState) -> int:
    return max(0, state.max_runs - len(state.running))


def _give_places(state: AdmissionState, instances: list[str], at: str) -> AdmissionState:
    """Let some of those that wait have places."""
    return state.model_copy(
        update={
            "running": {**state.running, **dict.fromkeys(instances, at)},
            "waiting": {k: v for k, v in state.waiting.items() if k not in instances},
        }
    )


def _wait_seconds(ahead: int, max_runs: int) -> float:
    """Half a minute for each time that all places have to be freed before it is its turn."""
    rounds = 1 + ahead // max(1, max_runs)
    return min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * rounds)


def _still_waiting(state: AdmissionState, now: str) -> dict[str, str]:
    return {k: v for k, v in state.waiting.items() if not _is_forgotten(v, now)}


def _is_forgotten(asked_at: str, now: str) -> bool:
    return parse_moment(now) - parse_moment(asked_at) > FORGOTTEN_AFTER
