from hypothesis import given
from hypothesis import strategies as st

from fanout.governor import admission
from fanout.governor.admission import AdmissionState, Entry


def at(minute: int) -> str:
    return f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00Z"


def enter(state: AdmissionState, instance: str, most: int, minute: int = 0):
    entry = Entry(instance=instance, max_runs=most, at=at(minute))
    state, is_in = admission.enter(state, entry)
    return AdmissionState.model_validate_json(state.model_dump_json()), is_in


@given(st.integers(1, 4), st.lists(st.integers(0, 7), max_size=60))
def test_no_more_runs_than_allowed_go_on_and_those_who_wait_keep_their_order(
    most: int, steps: list[int]
):
    state, came, admitted = AdmissionState(), [], []
    for number in steps:
        instance = f"r{number}"
        if instance in state.running:
            state = admission.leave(state, instance)
            came.remove(instance)
            continue
        if instance not in came:
            came.append(instance)
        state, is_in = enter(state, instance, most)
        if is_in:
            admitted.append(instance)
        assert len(state.running) <= most
    waiting = [instance for instance in came if instance not in state.running]
    assert [*state.waiting] == waiting


def test_asking_again_changes_nothing_for_a_run_that_is_in():
    state, _ = enter(AdmissionState(), "a", 1)
    assert enter(state, "a", 1) == (state, True)
    assert enter(state, "b", 1)[1] is False


def test_one_that_no_longer_asks_holds_nobody_up():
    state, _ = enter(AdmissionState(), "a", 1)
    state, _ = enter(state, "gone", 1)
    state, _ = enter(state, "b", 1)
    state = admission.leave(state, "a")
    assert enter(state, "b", 1, minute=1)[1] is False
    assert enter(state, "b", 1, minute=10)[1] is True


def test_one_that_is_gone_leaves_a_second_time_without_harm():
    state, _ = enter(AdmissionState(), "a", 1)
    state, _ = enter(state, "b", 1)
    left = admission.leave(state, "a")
    assert admission.leave(left, "a") == left
    assert enter(left, "b", 1)[1] is True
