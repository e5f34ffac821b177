"""A place that is freed goes to the next, be it of a run that goes on or of one that waits."""

from fanout.adapters.rows import places
from fanout.adapters.rows.rows import Rows
from fanout.governor.admission import Entry
from tests.support.workloads.attempts import at, memory_rows


def enter(rows: Rows, instance: str) -> bool:
    return places.enter(rows, Entry(instance=instance, max_runs=1, at=at(0))).has_come


def test_who_ends_leaves_its_place_to_the_next_and_who_waits_no_longer_its_turn() -> None:
    rows = memory_rows()
    assert [enter(rows, instance) for instance in ("r", "r2", "r3")] == [True, False, False]
    assert places.leave(rows, "r2", at(1)) == ()
    assert places.leave(rows, "r", at(1)) == ("r3",)
    assert places.leave(rows, "r", at(1)) == ()
    assert enter(rows, "r3")
    found = places.read_places(rows)
    assert ([*found.running], [*found.waiting]) == (["r3"], [])
