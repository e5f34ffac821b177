"""Every row of a Parquet file is in exactly one cut, and no cut is of two row groups."""

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from fanout.models.request import BatchLimits
from fanout.splitting.rows import RowGroup, cut_rows

groups_of_files = st.lists(st.builds(RowGroup, st.integers(0, 40), st.integers(0, 400)), max_size=5)
limits_of_cuts = st.builds(BatchLimits, max_items=st.integers(1, 9), max_bytes=st.integers(1, 200))


@given(groups_of_files, limits_of_cuts, st.none() | st.integers(1, 60))
def test_cuts_cover_the_rows_that_are_wanted_in_order(
    groups: list[RowGroup], limits: BatchLimits, max_items: int | None
):
    total = sum(group.rows for group in groups)
    wanted = total if max_items is None else min(total, max_items)
    cuts = list(cut_rows(groups, limits, max_items))
    assert sum(cut.items for cut in cuts) == wanted
    assert all(before.end == after.offset for before, after in pairwise(cuts))
    assert all(cut.offset == cut.first_index for cut in cuts)
    assert all(cut.items == cut.end - cut.offset > 0 for cut in cuts)
    assert not cuts or (cuts[0].offset, cuts[-1].end) == (0, wanted)


@given(groups_of_files, limits_of_cuts)
def test_a_cut_keeps_within_a_row_group_and_its_limits(groups: list[RowGroup], limits: BatchLimits):
    bounds = {0, *accumulate(group.rows for group in groups)}
    for cut in cut_rows(groups, limits):
        assert cut.items <= limits.max_items
        assert not any(cut.offset < bound < cut.end for bound in bounds)


def test_rows_of_a_group_are_taken_to_be_of_one_size():
    cuts = list(cut_rows([RowGroup(10, 100), RowGroup(2, 100)], BatchLimits(max_bytes=40)))
    assert [cut.items for cut in cuts] == [4, 4, 2, 1, 1]


def test_a_row_larger_than_a_cut_may_be_has_one_of_its_own():
    assert [cut.items for cut in cut_rows([RowGroup(2, 100)], BatchLimits(max_bytes=1))] == [1, 1]
