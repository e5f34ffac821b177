"""A place that is freed is free for the next, be it of a run that goes on or of one that waits."""

from fanout.adapters.rows.places import change_places, free_place
from fanout.governor import admission
from fanout.governor.admission import AdmissionState, Entry
from tests.support.workloads.attempts import at, memory_rows


def test_who_ends_leaves_its_place_and_who_waits_no_longer_its_turn():
    rows = memory_rows()

    def enter(instance: str) -> bool:
        entry = Entry(instance=instance, max_runs=1, at=at(0))
        return change_places(rows, lambda state: admission.enter(state, entry))

    assert [enter(instance) for instance in ("r", "r2", "r3")] == [True, False, False]
    free_place(rows, "r2")
    free_place(rows, "r")
    free_place(rows, "r")
    assert enter("r3")
    places = change_places(rows, lambda state: (state, state))
    assert places == AdmissionState(running={"r3": at(0)}, waiting={})
