from hypothesis import given
from hypothesis import strategies as st

from fanout.governor.counts import MAX_ERROR_KINDS, count_items
from fanout.messages.shards import ShardCounts
from fanout.models.request import Tolerance
from fanout.models.status import ErrorGroup, ItemCounts
from tests.support.workloads.attempts import (
    begun,
    report_wave,
)


def group(number: int, count: int = 1) -> ErrorGroup:
    return ErrorGroup(type="Fault", message=str(number), count=count)


counts = st.builds(
    ShardCounts,
    succeeded=st.integers(0, 30),
    failed=st.integers(0, 30),
    compensated=st.integers(0, 30),
    compensation_failed=st.integers(0, 30),
)


@given(counts, st.integers(0, 50), st.data())
def test_counts_are_never_negative_nor_more_than_the_total(
    done: ShardCounts, unsettled: int, data: st.DataObject
):
    """Not even where the rows lag behind the parts, by which is known what to undo."""
    work = done.succeeded + done.failed + done.compensated + done.compensation_failed
    before = ItemCounts(total=work + unsettled, pending=work + unsettled)
    missing = data.draw(st.integers(0, unsettled))
    undone = data.draw(st.integers(0, done.succeeded + missing))
    failed = data.draw(st.integers(0, undone))
    found = count_items(before, done, ShardCounts(succeeded=undone - failed, failed=failed))
    numbers = found.model_dump()
    total = numbers.pop("total")
    assert sum(numbers.values()) == total == before.total
    assert all(0 <= number <= total for number in numbers.values())


def test_the_most_frequent_kinds_of_failure_are_kept():
    state = begun(items=10_000, tolerance=Tolerance(percentage=100))
    for number in range(MAX_ERROR_KINDS + 10):
        state, _ = report_wave(state, 0, failed=number + 1, errors=[group(number, number + 1)])
    assert len(state.errors) == MAX_ERROR_KINDS
    assert min(g.count for g in state.errors.values()) == 11


def test_kinds_of_failure_of_all_shards_are_added_up():
    state, _ = report_wave(
        begun(tolerance=Tolerance(percentage=100)), 0, failed=2, errors=[group(1, 2)]
    )
    state, _ = report_wave(state, 1, failed=3, errors=[group(1, 3)])
    assert [g.count for g in state.errors.values()] == [5]
