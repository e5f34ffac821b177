from fanout.governor import control_rules
from fanout.governor.run_state import ControlState
from tests.support.workloads.attempts import (
    at,
    begun,
    settle_attempt,
)


def test_once_the_shards_are_through_it_is_too_late_to_cancel():
    state = settle_attempt(begun())
    assert control_rules.cancel(state.control) == state.control
    assert not state.control.is_cancelled


def test_a_second_wish_to_suspend_keeps_the_first_moment():
    control = control_rules.suspend(ControlState(), at(1))
    assert control_rules.suspend(control, at(9)) == control
    assert control_rules.resume(control) == control_rules.resume(ControlState())
