"""How a source is cut where the request does not say: into grains, which batches are made of.

Grains are small enough that a batch of one suits slow items. The governor learns how long an item
takes, and lets a batch take as many grains as make a few seconds of work
(`fanout.governor.grants`).
"""

from math import ceil

from fanout.models.request import BatchLimits

GRAINS = 10_000
MAX_GRAIN = BatchLimits()
# What a batch of several grains may hold: a worker has one in memory for each activity.
MAX_BATCH_BYTES = 2 * 1_048_576
MAX_BATCH_ITEMS = 10_000
# One call takes a whole chunk as a table, and tells of it in ranges: more rows cost it little.
MAX_CHUNK_BYTES = 8 * 1_048_576
MAX_CHUNK_ITEMS = 1_000_000
CHUNK_GRAINS = 1_000
LEAST_CHUNK_GRAIN_BYTES = 64 * 1024

MAX_SHARDS = 64
BATCHES_A_SHARD = 16
# With the batches set, a partition is a wave at most; grains share a partition by the thousand.
MAX_BATCHES_A_PARTITION = 100
MAX_GRAINS_A_PARTITION = 2_500
PARTITIONS_A_SHARD = 4


def grain_of_bytes(length: int) -> BatchLimits:
    """The grain of a source of so many bytes: a ten-thousandth of it, up to 1 MiB."""
    share = ceil(length / GRAINS)
    return MAX_GRAIN.model_copy(update={"max_bytes": max(1, min(share, MAX_GRAIN.max_bytes))})


def chunk_grain_of_bytes(length: int) -> BatchLimits:
    """The grain for a workload that takes batches whole: a thousandth, 64 KiB up to 1 MiB."""
    share = max(LEAST_CHUNK_GRAIN_BYTES, ceil(length / CHUNK_GRAINS))
    return BatchLimits(max_items=MAX_CHUNK_ITEMS, max_bytes=min(share, MAX_GRAIN.max_bytes))


def grain_of_items(count: int) -> BatchLimits:
    """The grain of a source of so many items: a ten-thousandth of them, up to 1,000."""
    share = ceil(count / GRAINS)
    return MAX_GRAIN.model_copy(update={"max_items": max(1, min(share, MAX_GRAIN.max_items))})


def max_span(largest_bytes: int, mean_items: float, *, is_chunk: bool) -> int:
    """How many grains a batch may take.

    Args:
        largest_bytes: Bytes of the largest grain.
        mean_items: Items of a grain, on average.
        is_chunk: Whether the workload takes a batch whole, and not item by item.
    """
    max_bytes = MAX_CHUNK_BYTES if is_chunk else MAX_BATCH_BYTES
    max_items = MAX_CHUNK_ITEMS if is_chunk else MAX_BATCH_ITEMS
    by_bytes = max_bytes // max(1, largest_bytes)
    by_items = max_items // max(1, ceil(mean_items))
    return max(1, min(by_bytes, by_items))


def shard_count(concurrent_batches: int) -> int:
    """How many shards share a run that may have so many batches in flight."""
    return min(MAX_SHARDS, ceil(concurrent_batches / BATCHES_A_SHARD))


def batches_per_partition(batches: int, concurrent_batches: int, *, are_grains: bool) -> int:
    """How many cuts a partition has: few enough that every shard has work, enough for a wave."""
    shards = shard_count(concurrent_batches)
    a_shard = max(1, ceil(batches / shards))
    if not are_grains:
        return min(MAX_BATCHES_A_PARTITION, a_shard)
    width = ceil(concurrent_batches / shards)
    wanted = max(ceil(a_shard / PARTITIONS_A_SHARD), width)
    return min(MAX_GRAINS_A_PARTITION, a_shard, wanted)
