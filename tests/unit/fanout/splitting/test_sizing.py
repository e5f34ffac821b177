"""How many shards a run has, and how many cuts a batch may take of them."""

import pytest

from fanout.splitting.sizing import max_span, shard_count

KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    ("batches", "shards"), [(1, 1), (16, 1), (17, 2), (64, 4), (1024, 64), (1025, 64), (6400, 64)]
)
def test_a_shard_for_sixteen_batches_in_flight_and_never_more_than_64(batches: int, shards: int):
    assert shard_count(batches) == shards


@pytest.mark.parametrize(
    ("largest_bytes", "mean_items", "span"),
    [(1 * MIB, 10, 2), (64 * KIB, 10, 32), (64 * KIB, 1000, 10), (1, 0.5, 10_000), (0, 1, 10_000)],
)
def test_a_batch_of_items_holds_two_mebibytes_and_ten_thousand_items(
    largest_bytes: int, mean_items: float, span: int
):
    assert max_span(largest_bytes, mean_items, is_chunk=False) == span


def test_a_batch_that_is_taken_whole_may_be_larger():
    assert max_span(1 * MIB, 10_000, is_chunk=True) == 8


@pytest.mark.parametrize("is_chunk", [False, True])
def test_a_batch_takes_one_cut_at_least(is_chunk: bool):
    assert max_span(100 * MIB, 5_000_000, is_chunk=is_chunk) == 1
