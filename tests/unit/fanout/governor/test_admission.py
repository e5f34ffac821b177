from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from fanout.governor import admission
from fanout.governor.admission import FORGOTTEN_AFTER, AdmissionState, Entry, Sighting, Turn

FORGOTTEN_MINUTES = int(FORGOTTEN_AFTER.total_seconds() // 60) + 1


def at(minute: int) -> str:
    return f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00Z"


def kept(state: AdmissionState) -> AdmissionState:
    return AdmissionState.model_validate_json(state.model_dump_json())


def enter(
    state: AdmissionState, instance: str, most: int, minute: int = 0, owner: str = ""
) -> tuple[AdmissionState, Turn]:
    entry = Entry(instance=instance, owner=owner, max_runs=most, at=at(minute))
    state, turn = admission.enter(state, entry)
    return kept(state), turn


def leave(
    state: AdmissionState, instance: str, minute: int = 0
) -> tuple[AdmissionState, tuple[str, ...]]:
    state, called = admission.leave(state, instance, at(minute))
    return kept(state), called


@dataclass
class Line:
    """What anyone in front of a counter would expect: `most` are served, the rest stand in line."""

    most: int
    served: list[str] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)

    def come(self, name: str) -> None:
        if name not in self.served and name not in self.standing:
            self.standing.append(name)
        self._serve()

    def go(self, name: str) -> None:
        self.served = [one for one in self.served if one != name]
        self.standing = [one for one in self.standing if one != name]
        self._serve()

    def _serve(self) -> None:
        while self.standing and len(self.served) < self.most:
            self.served.append(self.standing.pop(0))


@given(st.integers(1, 4), st.lists(st.tuples(st.booleans(), st.integers(0, 7)), max_size=60))
def test_no_more_runs_than_allowed_go_on_and_those_who_wait_keep_their_order(
    most: int, steps: list[tuple[bool, int]]
):
    state, line = AdmissionState(), Line(most)
    for goes, number in steps:
        instance, before = f"r{number}", {*state.running}
        if goes:
            line.go(instance)
            state, called = leave(state, instance)
            assert {*called} == {*state.running} - before, "whoever has a place now is called"
        else:
            line.come(instance)
            state, turn = enter(state, instance, most)
            assert turn.has_come == (instance in state.running)
            assert {*state.running} - before <= {instance}
        assert {*state.running} == {*line.served}
        assert [*state.waiting] == line.standing


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 3))
def test_a_place_is_free_only_while_nobody_waits(names: list[int], most: int):
    state = AdmissionState()
    for number in names:
        instance = f"r{number}"
        if instance in state.running:
            state, _ = leave(state, instance)
        else:
            state, _ = enter(state, instance, most)
        assert not state.waiting or len(state.running) == most


def test_asking_again_changes_nothing_for_a_run_that_is_in():
    state, _ = enter(AdmissionState(), "a", 1)
    assert enter(state, "a", 1) == (state, Turn())
    assert not enter(state, "b", 1)[1].has_come


def test_one_that_no_longer_asks_holds_nobody_up():
    state, _ = enter(AdmissionState(), "a", 1)
    state, _ = enter(state, "gone", 1)
    state, _ = enter(state, "b", 1, minute=FORGOTTEN_MINUTES - 1)
    state, called = leave(state, "a", minute=FORGOTTEN_MINUTES)
    assert called == ("b",)


def test_one_that_is_gone_leaves_a_second_time_without_harm():
    state, _ = enter(AdmissionState(), "a", 1)
    state, _ = enter(state, "b", 1)
    left, called = leave(state, "a")
    assert called == ("b",)
    assert leave(left, "a") == (left, ())
    assert enter(left, "b", 1)[1].has_come


def test_more_places_are_given_to_all_that_they_are_enough_for():
    state = AdmissionState()
    for name in "abcd":
        state, _ = enter(state, name, 1)
    state, turn = enter(state, "d", 3)
    assert not turn.has_come, "two came before it"
    state, called = leave(state, "a")
    assert called == ("b", "c", "d")


def test_fewer_places_let_nobody_in_until_enough_have_left():
    state = AdmissionState()
    for name in "abc":
        state, _ = enter(state, name, 2)
    state, _ = enter(state, "c", 1)
    state, called = leave(state, "a")
    assert called == ()
    assert leave(state, "b")[1] == ("c",)


def test_who_is_far_from_its_turn_asks_more_seldom_but_long_before_it_is_forgotten():
    state, waits = AdmissionState(), []
    for number in range(200):
        state, turn = enter(state, f"r{number}", 2)
        waits.append(turn.wait_seconds)
    assert waits[:2] == [None, None]
    first = admission.FIRST_WAIT_SECONDS
    assert waits[2:8] == [first, first, 2 * first, 2 * first, 3 * first, 3 * first]
    longest = min(admission.MAX_WAIT_SECONDS, 99 * first)
    assert waits[-1] == longest < FORGOTTEN_AFTER.total_seconds() / 2


def test_a_row_of_an_earlier_version_calls_nobody_until_somebody_says_how_many_places_there_are():
    state = AdmissionState(running={"a": at(0)}, waiting={"b": at(0)})
    state, called = leave(state, "a")
    assert called == ()
    assert enter(state, "b", 1)[1].has_come


def lend(
    state: AdmissionState, marks: dict[str, str], minute: int, patience: float = 150.0
) -> tuple[AdmissionState, tuple[str, ...]]:
    seen = {
        name: Sighting(mark=mark, since=at(minute), patience_seconds=patience)
        for name, mark in marks.items()
    }
    state, called = admission.lend(state, seen, at(minute))
    return kept(state), called


def full(most: int, waiting: int) -> AdmissionState:
    state = AdmissionState()
    for name in [*(f"r{n}" for n in range(most)), *(f"w{n}" for n in range(waiting))]:
        state, _ = enter(state, name, most)
    return state


def test_runs_that_stand_still_lend_their_places_and_come_back_when_they_move():
    state = full(2, 2)
    state, called = lend(state, {"r0": "0", "r1": "0"}, 0)
    assert called == ()
    state, called = lend(state, {"r0": "0", "r1": "5"}, 3)
    assert called == ("w0",) and [*state.lent] == ["r0"]
    assert enter(state, "r0", 2)[1].has_come, "it need not wait again"
    state, called = lend(state, {"r0": "1", "r1": "6", "w0": "1"}, 4)
    assert called == () and set(state.running) == {"r0", "r1", "w0"} and not state.lent
    state, called = leave(state, "r1", 5)
    assert called == (), "there are as many as there are places"
    state, called = leave(state, "r0", 5)
    assert called == ("w1",)


def test_no_run_is_lent_from_that_moves_or_has_just_been_seen():
    state = full(3, 3)
    for minute in range(60):
        state, called = lend(state, dict.fromkeys(state.running, f"{minute // 2}"), minute)
        assert called == ()


def test_a_run_whose_work_takes_long_keeps_its_place_as_long_as_that():
    state = full(1, 1)
    for minute in range(10):
        state, called = lend(state, {"r0": "0"}, minute, patience=600.0)
        assert called == ()
    assert lend(state, {"r0": "0"}, 11, patience=600.0)[1] == ("w0",)


def test_there_is_an_end_to_lending():
    most = 2
    state, minute, begun = full(most, 100), 0, set[str]()
    for minute in range(0, 400, 4):
        state, _ = lend(state, dict.fromkeys([*state.running, *state.lent], "0"), minute)
        begun = {*state.running, *state.lent}
        assert len(state.running) <= most
    assert len(begun) == most + admission.MAX_LENT_A_PLACE * most


def test_a_run_that_ends_while_its_place_is_lent_frees_none():
    state = full(1, 2)
    state, _ = lend(state, {"r0": "0"}, 0)
    state, called = lend(state, {"r0": "0"}, 3)
    assert called == ("w0",)
    state, called = leave(state, "r0", 4)
    assert called == () and not state.lent
    assert leave(state, "w0", 4)[1] == ("w1",)
