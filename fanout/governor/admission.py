"""How many runs the app carries out at once: the rest wait for their turn.

Whoever leaves hands its place over to the run whose turn it is (`owners`: that of the owner who has
the fewest places, which has waited longest), and wakes it. So a place is never free while somebody
waits, and nobody has to ask again and again. A wake may be lost with who should have raised it;
therefore those who wait ask by a timer, too, the sooner the nearer they are.

A run that stands still, be it suspended, slowed down or stuck, lends its place to whoever waits. It
goes on when it can, and counts again as soon as it moves; until there is room nobody else begins.
An owner who has no place though a run of theirs has waited for some time gets one in any case, and
keeps it for the next: so runs that go on for hours keep nobody else from beginning.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from math import ceil
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from fanout.governor.owners import NOBODY, fair_order, first_of_owners
from fanout.models.moment import Moment
from fanout.naming.moments import parse_moment

Value = TypeVar("Value")
FIRST_WAIT_SECONDS = 30.0
MAX_WAIT_SECONDS = 900.0
# One that has not asked for so long is gone: several times what anyone waits.
FORGOTTEN_AFTER = timedelta(hours=1)
# For each place so many runs may have lent one: all of them may move again at a time.
MAX_LENT_A_PLACE = 16
MAX_LENT = 500
MAX_SIGHTINGS = 500
# The owner of a run that has waited so long while others have all places begins beside them. No
# more runs go on in this way than there are places.
GUEST_SECONDS = 150.0
MAX_RUNNING_A_PLACE = 2
WAITING = "waiting"
# An entity holds 1 MiB, as UTF-16. Runs beyond that wait all the same, by their timers alone; room
# is left for one of each owner who has none there.
# Source: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
MAX_ROW_CHARACTERS = 440_000
MAX_ROW_CHARACTERS_OF_FIRST = 470_000
# Of a run in the row: a moment and punctuation; a sighting has two names of fields and a mark more.
_ENTRY_CHARACTERS = 40
_SIGHTING_CHARACTERS = 150


class Entry(BaseModel):
    """A run that asks to begin.

    Attributes:
        instance: Its orchestration.
        owner: Whose it is (`owner_of`).
        max_runs: How many runs may go on at once.
        at: When it asks, ISO 8601 in UTC.
    """

    model_config = ConfigDict(frozen=True)

    instance: str
    owner: str = NOBODY
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
        sightings: Where those with a place stood while others waited; and that the first of an
            owner without a place waited.
        owners: Whose they are; those that an earlier version of the app has let in are not there.
        max_runs: How many places there are, as the last that asked has said.
    """

    model_config = ConfigDict(frozen=True)

    running: dict[str, Moment] = Field(default_factory=dict)
    waiting: dict[str, Moment] = Field(default_factory=dict)
    lent: dict[str, Moment] = Field(default_factory=dict)
    sightings: dict[str, Sighting] = Field(default_factory=dict)
    owners: dict[str, str] = Field(default_factory=dict)
    max_runs: int = 0

    def has_begun(self, instance: str) -> bool:
        """Whether a run has a place, or has lent the one that it had."""
        return instance in self.running or instance in self.lent

    @property
    def characters(self) -> int:
        """How long the row is, about; never less than it is."""
        entries = (*self.running, *self.waiting, *self.lent)
        owners = sum(len(run) + len(owner) + 6 for run, owner in self.owners.items())
        sightings = sum(len(run) + _SIGHTING_CHARACTERS for run in self.sightings)
        return sum(map(len, entries)) + _ENTRY_CHARACTERS * len(entries) + owners + sightings

    @property
    def is_full(self) -> bool:
        """Whether more may wait than there are in the row."""
        return self.characters > MAX_ROW_CHARACTERS

    def turns(self) -> Iterator[str]:
        """Those that wait, in the order in which they would get places now."""
        return fair_order(self.waiting, self.owners, self.running)


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
    """Let a run begin if it has a place, or there is one for it and for all whose turn is before.

    Where the row is full, one that is new is not among those that wait, but told to ask again.
    """
    if state.has_begun(entry.instance):
        return state, Turn()
    known = _still_waiting(state, entry.at)
    waiting = known.model_copy(
        update={
            "waiting": {**known.waiting, entry.instance: entry.at},
            "owners": {**known.owners, entry.instance: entry.owner},
            "max_runs": entry.max_runs,
        }
    )
    ahead = _count_ahead(waiting, entry.instance)
    if ahead < _room(waiting):
        return _give_places(waiting, [entry.instance], entry.at), Turn()
    fits = entry.instance in known.waiting or _has_room_to_wait(known, entry.owner)
    turn = Turn(wait_seconds=_wait_seconds(ahead, entry.max_runs))
    return waiting if fits else known, turn


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
    state = _still_waiting(state, at)
    owner = state.owners.get(instance, NOBODY)
    rest = state.model_copy(
        update={
            "running": _without(state.running, instance),
            "waiting": _without(state.waiting, instance),
            "lent": _without(state.lent, instance),
            "sightings": _without(state.sightings, instance),
            "owners": _without(state.owners, instance),
        }
    )
    rest, called = _call_next(rest, at)
    if called or instance not in state.running:
        return rest, called
    return _call_guests(rest, lambda guest: rest.owners.get(guest, NOBODY) == owner, at)


def lend(
    state: AdmissionState, seen: Mapping[str, Sighting], at: str
) -> tuple[AdmissionState, tuple[str, ...]]:
    """Let those that wait have the places of runs that stand still, and each owner have one.

    Args:
        state: The runs of the app.
        seen: Where runs stand that have a place, or had one.
        at: When that is, ISO 8601 in UTC.

    Returns:
        The runs, and those of them whose turn has come by this: they are to be woken.
    """
    sightings = _sightings(state, seen, at)
    still = {instance for instance, sighting in sightings.items() if sighting.is_still(at)}
    room = max(0, min(MAX_LENT, MAX_LENT_A_PLACE * state.max_runs) - len(state.lent))
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
    state, called = _call_next(state, at) if lending else (state, ())
    state, guests = _call_guests(state, still.__contains__, at)
    return state, (*called, *guests)


def _sightings(state: AdmissionState, seen: Mapping[str, Sighting], at: str) -> dict[str, Sighting]:
    """Where runs with a place stand, and who waits though its owner has none."""
    without = first_of_owners(state.waiting, state.owners, state.running)
    waiting = Sighting(mark=WAITING, since=at, patience_seconds=GUEST_SECONDS)
    begun = {instance: sighting for instance, sighting in seen.items() if state.has_begun(instance)}
    return {
        instance: _oldest(state.sightings.get(instance), sighting)
        for instance, sighting in islice(
            {**dict.fromkeys(without, waiting), **begun}.items(), MAX_SIGHTINGS
        )
    }


def _call_guests(
    state: AdmissionState, is_due: Callable[[str], bool], at: str
) -> tuple[AdmissionState, tuple[str, ...]]:
    """Let one run begin of each owner without a place, where it is due."""
    room = max(0, MAX_RUNNING_A_PLACE * state.max_runs - len(state.running))
    waiting = first_of_owners(state.waiting, state.owners, state.running)
    guests = [*filter(is_due, waiting)][:room]
    return _give_places(state, guests, at), tuple(guests)


def _oldest(known: Sighting | None, latest: Sighting) -> Sighting:
    """Where a run stands, since it first stood there."""
    is_same = known is not None and known.mark == latest.mark
    return latest.model_copy(update={"since": known.since}) if is_same and known else latest


def _call_next(state: AdmissionState, at: str) -> tuple[AdmissionState, tuple[str, ...]]:
    """Give free places to those whose turn it is, and tell who they are."""
    called = [*islice(state.turns(), _room(state))]
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


def _count_ahead(state: AdmissionState, instance: str) -> int:
    """How many get places before a run that waits, as far as that makes a difference."""
    farthest = state.max_runs * ceil(MAX_WAIT_SECONDS / FIRST_WAIT_SECONDS)
    ahead = 0
    for ahead, turn in enumerate(islice(state.turns(), farthest)):
        if turn == instance:
            return ahead
    return ahead + 1


def _has_room_to_wait(state: AdmissionState, owner: str) -> bool:
    """Whether the row has room for one more of an owner that waits."""
    if not state.is_full:
        return True
    is_first = owner not in {state.owners.get(instance, NOBODY) for instance in state.waiting}
    return is_first and state.characters <= MAX_ROW_CHARACTERS_OF_FIRST


def _still_waiting(state: AdmissionState, now: str) -> AdmissionState:
    """Forget those that have not asked for so long that they are gone."""
    forgotten = {k for k, v in state.waiting.items() if _is_forgotten(v, now)}
    if not forgotten:
        return state
    update = {
        "waiting": {k: v for k, v in state.waiting.items() if k not in forgotten},
        "owners": {k: v for k, v in state.owners.items() if k not in forgotten},
    }
    return state.model_copy(update=update)


def _is_forgotten(asked_at: str, now: str) -> bool:
    return parse_moment(now) - parse_moment(asked_at) > FORGOTTEN_AFTER
