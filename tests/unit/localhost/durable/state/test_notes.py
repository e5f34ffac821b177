from hypothesis import given
from hypothesis import strategies as st

from localhost.durable.protocol.actions import Outcome
from localhost.durable.state.notes import Notes
from localhost.durable.state.tasks import Registration, Retry

registrations = st.builds(
    Registration,
    st.tuples(st.sampled_from([0, 1, 5, 6]), st.sampled_from(["a", "b"])),
    st.none() | st.builds(Retry, st.integers(1, 9), st.integers(1, 9)),
)


@given(
    st.lists(registrations),
    st.none() | st.builds(Outcome, st.just("Failed"), st.text(), st.none() | st.text()),
    st.lists(st.integers(0, 99)),
)
def test_notes_are_read_as_they_were_written(actions, outcome, canceled):
    notes = Notes(actions, outcome, canceled)
    assert Notes.load(notes.dump()) == notes


def test_equal_actions_take_no_more_room_than_one():
    notes = Notes([Registration((0, "a"))] * 5_000)
    assert len(notes.dump() or "") < 50
