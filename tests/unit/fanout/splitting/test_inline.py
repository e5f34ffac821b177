"""Items of a request are cut by count and by the length of their JSON."""

from fanout.models.plan import Cut
from fanout.models.request import BatchLimits
from fanout.splitting.inline import cut_items


def test_items_are_cut_by_count():
    cuts = cut_items([1, "two", None, {"four": 4}, []], BatchLimits(max_items=2))
    assert cuts == [Cut(0, 0, 0, 2, 1), Cut(0, 0, 2, 2, 1), Cut(0, 0, 4, 1, 1)]


def test_items_are_cut_by_bytes_and_a_large_one_stands_alone():
    cuts = cut_items([1, 2, "x" * 50, 3], BatchLimits(max_items=10, max_bytes=10))
    assert [cut.items for cut in cuts] == [2, 1, 1]


def test_a_run_takes_no_more_items_than_it_may():
    cuts = cut_items(list(range(10)), BatchLimits(max_items=3), max_items=4)
    assert [cut.items for cut in cuts] == [3, 1]


def test_no_items_make_no_batches():
    assert cut_items([], BatchLimits()) == []
