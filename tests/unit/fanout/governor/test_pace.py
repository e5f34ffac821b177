from fanout.governor import pace
from fanout.governor.run_state import ControlState, GovernorState, PaceState
from tests.support.workloads.attempts import at


def test_items_begin_when_those_before_have_had_their_time():
    charged = pace.charge(PaceState(), at(0), items=20, rate=10)
    assert pace.wait_seconds(charged, at(0)) == 2
    assert pace.wait_seconds(charged, at(3)) == 0
    assert pace.wait_seconds(pace.charge(charged, at(1), items=10, rate=10), at(1)) == 2


def test_what_was_not_tried_is_given_back():
    charged = pace.charge(PaceState(), at(0), items=20, rate=10)
    assert pace.wait_seconds(pace.correct_charge(charged, -15, 10), at(0)) == 0.5
    assert pace.correct_charge(PaceState(), -15, 10) == PaceState()


def test_a_wait_that_an_earlier_rate_had_set_is_not_served_to_its_end():
    charged = pace.charge(PaceState(), at(0), items=1000, rate=1)
    state = GovernorState(pace=charged)
    assert pace.current_pace(state) == charged
    changed = state.model_copy(update={"control": ControlState(changes=1)})
    assert pace.wait_seconds(pace.current_pace(changed), at(0)) == 0
