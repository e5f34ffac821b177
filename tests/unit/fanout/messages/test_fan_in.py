"""How the work of a fan-in is counted out, wave by wave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.messages.fan_in import MERGED_AT_ONCE, RANGES_AT_ONCE, FanInWork, MergeRef


def waves(work: FanInWork) -> list[tuple[int, range]]:
    """Level and numbers of every wave to the end."""
    found = []
    while wave := work.wave:
        found.append((work.level, wave))
        work = work.after_wave
    return found


@given(st.integers(1, 10_000), st.booleans())
def test_every_range_and_every_partial_comes_once_in_order(ranges: int, has_partials: bool):
    work = FanInWork(run_id="r", ranges=ranges, has_partials=has_partials)
    found = waves(work)
    levels = sorted({level for level, _ in found})
    assert levels == list(range(work.top + 1)) and (has_partials or levels == [0])
    for level in levels:
        numbers = [n for at, wave in found if at == level for n in wave]
        assert numbers == list(range(work.width_of(level)))
    assert [level for level, _ in found] == sorted(level for level, _ in found)
    assert all(0 < len(wave) <= RANGES_AT_ONCE for _, wave in found)
    if has_partials:
        assert work.width_of(work.top) == 1, "one partial is left"


@given(st.integers(1, 10_000), st.integers(1, 4))
def test_the_partials_of_a_level_are_all_merged_by_the_level_above(ranges: int, level: int):
    work = FanInWork(run_id="r", ranges=ranges, has_partials=True)
    below = work.width_of(level - 1)
    merges = [
        MergeRef(run_id="r", level=level, number=number, below=below).merged
        for number in range(work.width_of(level))
    ]
    assert [n for merge in merges for n in merge] == list(range(below))
    assert all(0 < len(merge) <= MERGED_AT_ONCE for merge in merges)


@pytest.mark.parametrize(("ranges", "top"), [(0, 0), (1, 0), (2, 1), (16, 1), (17, 2), (257, 3)])
def test_the_tree_is_no_higher_than_it_need_be(ranges: int, top: int):
    assert FanInWork(run_id="r", ranges=ranges, has_partials=True).top == top


def test_without_ranges_there_is_nothing_to_do():
    assert waves(FanInWork(run_id="r", ranges=0, has_partials=True)) == []
