"""Owners share the places: nobody is lost, nobody has two, and nobody waits for ever."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.adapters.rows.rows import pack_model
from fanout.governor import admission
from fanout.governor.admission import (
    GUEST_SECONDS,
    MAX_RUNNING_A_PLACE,
    AdmissionState,
    Entry,
    Sighting,
    Turn,
)
from fanout.governor.owners import owner_of

OWNERS = [owner_of("images", "ann"), owner_of("orders", "ann"), owner_of("images", "ben")]
MINUTES_TO_GUEST = int(GUEST_SECONDS // 60) + 1
MAX_ROW_BYTES = 2**20


def at(minute: int) -> str:
    return f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00.000000Z"


def kept(state: AdmissionState) -> AdmissionState:
    return AdmissionState.model_validate_json(state.model_dump_json(exclude_unset=True))


@dataclass
class Desk:
    """The row of admission, read and written each time; each run may ask and leave twice."""

    most: int
    state: AdmissionState = field(default_factory=AdmissionState)

    def enter(self, instance: str, owner: str, minute: int = 0) -> Turn:
        entry = Entry(instance=instance, owner=owner, max_runs=self.most, at=at(minute))
        state, turn = admission.enter(self.state, entry)
        again, same = admission.enter(kept(state), entry)
        assert (kept(again), same) == (kept(state), turn), "a second time changes nothing"
        self.state = kept(state)
        return turn

    def leave(self, instance: str, minute: int = 0) -> tuple[str, ...]:
        before = {*self.state.running}
        state, called = admission.leave(self.state, instance, at(minute))
        self.state = kept(state)
        assert {*called} == {*self.state.running} - before, "whoever has a place now is called"
        again, nobody = admission.leave(self.state, instance, at(minute))
        assert (kept(again), nobody) == (self.state, ())
        return called

    def look(self, minute: int, marks: dict[str, str]) -> tuple[str, ...]:
        seen = {
            name: Sighting(mark=mark, since=at(minute), patience_seconds=GUEST_SECONDS)
            for name, mark in marks.items()
        }
        state, called = admission.lend(self.state, seen, at(minute))
        self.state = kept(state)
        return called

    def let_an_earlier_version_write(self) -> None:
        """It reads what it knows, and drops the rest."""
        known = self.state.model_dump(exclude={"owners"}, exclude_unset=True)
        self.state = AdmissionState.model_validate(known)

    def places(self) -> Counter[str]:
        return Counter(self.state.owners[instance] for instance in self.state.running)


def crowded(most: int, runs: dict[str, int]) -> AdmissionState:
    """A row in which the first owner has all places, and all others wait."""
    owners = {f"{owner}-{n}": owner for owner, count in runs.items() for n in range(count)}
    names = [*owners]
    return AdmissionState(
        running=dict.fromkeys(names[:most], at(0)),
        waiting=dict.fromkeys(names[most:], at(0)),
        owners=owners,
        max_runs=most,
    )


@dataclass
class Oracle:
    """Who has a place and who waits, by the words of the rule alone."""

    most: int
    running: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)

    def come(self, name: str, owner: str) -> None:
        if name not in self.running:
            self.waiting.setdefault(name, owner)
        self._serve()

    def go(self, name: str) -> None:
        self.running.pop(name, None)
        self.waiting.pop(name, None)
        self._serve()

    def _serve(self) -> None:
        while self.waiting and len(self.running) < self.most:
            name = min(self.waiting, key=self._rank)
            self.running[name] = self.waiting.pop(name)

    def _rank(self, name: str) -> tuple[int, int, int]:
        """Fewest of the caller, fewest of the owner, and who came first."""
        owner = self.waiting[name]
        callers = [held.split(" ")[1] for held in self.running.values()]
        owned = sum(held == owner for held in self.running.values())
        return callers.count(owner.split(" ")[1]), owned, [*self.waiting].index(name)


def steps(runs: int = 9) -> st.SearchStrategy[list[tuple[str, int]]]:
    kinds = st.sampled_from(["enter", "enter", "leave"])
    return st.lists(st.tuples(kinds, st.integers(0, runs)), max_size=60)


@given(st.integers(1, 4), steps())
def test_each_place_goes_to_whose_turn_it_is_by_the_rule(most: int, moves: list[tuple[str, int]]):
    desk, oracle = Desk(most), Oracle(most)
    for kind, number in moves:
        name, owner = f"r{number}", OWNERS[number % len(OWNERS)]
        if kind == "enter":
            turn = desk.enter(name, owner)
            oracle.come(name, owner)
            assert turn.has_come == (name in oracle.running)
        else:
            desk.leave(name)
            oracle.go(name)
        assert {*desk.state.running} == {*oracle.running}
        assert [*desk.state.waiting] == [*oracle.waiting]
        assert {*desk.state.owners} == {*oracle.running, *oracle.waiting}, "no owner is left over"


@given(
    st.integers(1, 3),
    st.lists(
        st.tuples(st.sampled_from(["enter", "leave", "look", "earlier"]), st.integers(0, 9)),
        max_size=60,
    ),
)
def test_no_run_is_lost_or_has_two_places_whatever_happens_and_whichever_version_writes(
    most: int, moves: list[tuple[str, int]]
):
    desk, there = Desk(most), set[str]()
    for minute, (kind, number) in enumerate(moves):
        name = f"r{number}"
        if kind == "enter":
            desk.enter(name, OWNERS[number % len(OWNERS)], minute)
            there.add(name)
        elif kind == "leave":
            desk.leave(name, minute)
            there.discard(name)
        elif kind == "look":
            began = (*desk.state.running, *desk.state.lent)
            desk.look(minute, {run: str(minute * (number % 2)) for run in began})
        else:
            desk.let_an_earlier_version_write()
        state = desk.state
        listed = [*state.running, *state.waiting, *state.lent]
        assert sorted(listed) == sorted(there), "each is there once"
        assert {*state.owners} <= there


@settings(max_examples=50)
@given(
    st.integers(1, 4),
    st.lists(st.integers(0, 2), max_size=12),
    st.lists(st.lists(st.integers(0, 2), max_size=3), min_size=300, max_size=300),
)
def test_nobody_waits_for_ever_whoever_comes_meanwhile(
    most: int, before: list[int], arrivals: list[list[int]]
):
    desk = Desk(most)
    newcomers = (f"n{number}" for number in range(10_000))
    for owner in before:
        desk.enter(next(newcomers), OWNERS[owner])
    desk.enter("patient", OWNERS[0])
    # Each that goes on ends, the oldest first; three owners, so three times its place in line.
    rounds = most * (len(before) + 2) * len(OWNERS)
    for owners in arrivals[:rounds]:
        if "patient" in desk.state.running:
            return
        for owner in owners:
            desk.enter(next(newcomers), OWNERS[owner])
        desk.leave(next(iter(desk.state.running)))
    assert "patient" in desk.state.running


@settings(max_examples=50)
@given(st.integers(1, 6), st.lists(st.integers(0, 5), min_size=30, max_size=30))
def test_who_has_many_and_who_has_few_come_to_the_same_share(most: int, ends: list[int]):
    desk = Desk(most, crowded(most, {"images": most + 40, "orders": 40}))
    lead = most
    for end in ends:
        desk.leave([*desk.state.running][end % most])
        places = desk.places()
        now = places["images"] - places["orders"]
        assert 0 <= now <= max(lead, 1), "each place goes to who has fewer"
        lead = now
    for _ in range(most):  # as many of images end as ever had places
        images = [run for run in desk.state.running if desk.state.owners[run] == "images"]
        desk.leave(images[0])
    assert abs(desk.places()["images"] - desk.places()["orders"]) <= 1


def test_a_single_run_gets_the_next_place_before_hundreds_of_another_workload():
    desk = Desk(16, crowded(16, {"images": 316}))
    assert not desk.enter("single", "orders").has_come
    assert desk.leave("images-7") == ("single",)


def test_callers_share_before_workloads_do():
    ann, other, ben = OWNERS
    desk = Desk(4, crowded(4, {ann: 54}))
    desk.enter("ann-orders", other)
    desk.enter("ben", ben)
    assert desk.leave(f"{ann}-0") == ("ben",), "who has none comes before who has three"
    assert desk.leave(f"{ann}-1") == ("ann-orders",)
    assert desk.leave(f"{ann}-2") == (f"{ann}-4",)


def test_runs_that_go_on_for_hours_keep_no_other_owner_from_beginning():
    desk = Desk(16, crowded(16, {"images": 316}))
    assert not desk.enter("single", "orders").has_come
    moving = [*desk.state.running]
    began = None
    for minute in range(120):
        if "single" in desk.look(minute, dict.fromkeys(moving, str(minute))):
            began = minute
            break
    assert began is not None and began <= MINUTES_TO_GUEST
    assert len(desk.state.running) == 17
    assert desk.leave("images-0", 10) == (), "there are as many as there are places"
    assert desk.leave("images-1", 10) == ("images-16",)


def test_who_is_next_of_an_owner_takes_the_only_place_that_the_owner_has():
    desk = Desk(2, crowded(2, {"images": 11}))
    for number in range(3):
        desk.enter(f"o{number}", "orders")
    for minute in range(MINUTES_TO_GUEST + 1):
        desk.look(minute, dict.fromkeys(desk.state.running, str(minute)))
    assert desk.places() == {"images": 2, "orders": 1}
    assert [desk.leave(f"o{number}", 9) for number in range(3)] == [("o1",), ("o2",), ()]
    assert desk.places() == {"images": 2}


def test_no_more_owners_are_guests_than_there_are_places():
    desk = Desk(3, crowded(3, {"images": 12}))
    for number in range(40):
        desk.enter(f"g{number}", owner_of("images", f"caller {number}"))
    for minute in range(30):
        desk.look(minute, dict.fromkeys(desk.state.running, str(minute)))
    assert len(desk.state.running) == MAX_RUNNING_A_PLACE * desk.most


@pytest.fixture(scope="module")
def crowd() -> Iterator[AdmissionState]:
    """A row with runs of the longest ids until it is full, made without a thousand writes."""
    name = "{:0>96}:a99"
    waiting, number = {}, 0
    state = AdmissionState(max_runs=16)
    while not state.is_full:
        waiting |= {name.format(n): at(0) for n in range(number, number + 100)}
        owners = dict.fromkeys(waiting, owner_of("images", "ann"))
        state = AdmissionState(max_runs=16, waiting=waiting, owners=owners)
        number += 100
    yield state


def test_a_row_never_takes_more_than_an_entity_holds(crowd: AdmissionState):
    desk = Desk(16, crowd)
    for number in range(16):
        desk.enter(f"{number:0>96}:a99", owner_of("images", "ann"))
    for number in range(300):  # callers without end, each with a single run
        entry = Entry(
            instance=f"{number:1>96}:a99",
            owner=owner_of("images", str(number)),
            max_runs=16,
            at=at(0),
        )
        desk.state, turn = admission.enter(desk.state, entry)
        assert turn.has_come or turn.wait_seconds
    desk.look(1, dict.fromkeys(desk.state.running, "processing 123456 123456 123456"))
    packed = pack_model(desk.state)
    texts = [value for key, value in packed.items() if key.startswith("json")]
    assert sum(len(str(text)) for text in texts) <= desk.state.characters
    assert sum(2 * (len(key) + len(str(value))) for key, value in packed.items()) < MAX_ROW_BYTES


def test_who_does_not_fit_waits_all_the_same_and_begins_when_there_is_room(crowd: AdmissionState):
    most = len(crowd.waiting)
    state, turn = admission.enter(
        crowd, Entry(instance="late", owner=owner_of("images", "ann"), max_runs=16, at=at(0))
    )
    assert "late" not in state.waiting and (turn.wait_seconds or 0) > 0
    state, turn = admission.enter(
        crowd, Entry(instance="late", owner=owner_of("images", "ann"), max_runs=most + 1, at=at(0))
    )
    assert turn.has_come


def test_who_is_alone_of_an_owner_waits_in_the_row_though_it_is_full(crowd: AdmissionState):
    full = crowd.model_copy(update={"running": {f"r{n}": at(0) for n in range(16)}})
    entry = Entry(instance="single", owner=owner_of("orders"), max_runs=16, at=at(0))
    state, turn = admission.enter(full, entry)
    assert not turn.has_come and "single" in state.waiting
    second = entry.model_copy(update={"instance": "second"})
    assert "second" not in admission.enter(state, second)[0].waiting
