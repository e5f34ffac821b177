"""Events of shapes, reckoned by hand, and what holds of any shape."""

from hypothesis import given
from hypothesis import strategies as st

from bench.azure_model.shape import (
    Answers,
    Execution,
    Orchestration,
    Step,
    count_events,
    count_messages,
    longest_history,
    of_steps,
)
from localhost.durable.protocol.events import EventType

STEPS = st.builds(
    Step,
    activities=st.integers(0, 9),
    failures=st.integers(0, 3),
    timers=st.integers(0, 2),
    turns=st.integers(1, 9),
    times=st.integers(1, 4),
)


def _nest(children: st.SearchStrategy[Orchestration]) -> st.SearchStrategy[Orchestration]:
    steps = st.lists(
        st.builds(Step, children=st.lists(children, max_size=2).map(tuple)) | STEPS, max_size=3
    )
    return st.builds(
        lambda steps, copies: of_steps(*steps, copies=copies), steps, st.integers(1, 3)
    )


SHAPES = st.recursive(
    st.lists(STEPS, max_size=3).map(lambda steps: of_steps(*steps)), _nest, max_leaves=5
)


def test_an_activity_alone():
    shape = of_steps(Step(activities=1))
    assert count_events(shape) == {
        EventType.EXECUTION_STARTED: 1,
        EventType.ORCHESTRATOR_STARTED: 2,
        EventType.TASK_SCHEDULED: 1,
        EventType.TASK_COMPLETED: 1,
        EventType.ORCHESTRATOR_COMPLETED: 2,
        EventType.EXECUTION_COMPLETED: 1,
    }
    assert (count_messages(shape), longest_history(shape)) == (3, 8)


def test_two_children_that_continue_as_new_once():
    wave = Step(activities=4, turns=2)
    child = Orchestration((Execution((wave,), Answers(activities=3)), Execution((wave,))), copies=2)
    events = count_events(of_steps(Step(children=(child,), turns=2)))
    assert (events[EventType.CHILD_CREATED], events[EventType.CHILD_COMPLETED]) == (2, 2)
    # The run's own, and two histories of each child.
    assert events[EventType.EXECUTION_STARTED] == 1 + 2 * 2
    assert events[EventType.EXECUTION_COMPLETED] == 1 + 2
    assert events[EventType.TASK_SCHEDULED] == 2 * 2 * 4
    # Three of the four answers came in the turn that no history has.
    assert events[EventType.TASK_COMPLETED] == 2 * (4 + 1)
    assert events[EventType.ORCHESTRATOR_STARTED] == 3 + 2 * (3 + 2)
    assert events[EventType.ORCHESTRATOR_COMPLETED] == 3 + 2 * (3 + 3)
    # Starts of the run and of four histories, an answer of each child, two for each activity.
    assert count_messages(of_steps(Step(children=(child,), turns=2))) == 5 + 2 + 2 * 16


@given(SHAPES)
def test_what_was_ordered_was_answered_and_what_began_ended(shape: Orchestration):
    events = count_events(shape)
    answers = events[EventType.TASK_COMPLETED] + events[EventType.TASK_FAILED]
    assert events[EventType.TASK_SCHEDULED] == answers
    assert events[EventType.TIMER_CREATED] == events[EventType.TIMER_FIRED]
    assert events[EventType.CHILD_CREATED] == events[EventType.CHILD_COMPLETED]
    assert events[EventType.EXECUTION_STARTED] == events[EventType.CHILD_CREATED] + shape.copies
    assert events[EventType.EXECUTION_STARTED] == events[EventType.EXECUTION_COMPLETED]
    assert events[EventType.ORCHESTRATOR_STARTED] == events[EventType.ORCHESTRATOR_COMPLETED]
    assert longest_history(shape) <= events.total()
