"""How a source is cut where the request does not say how large a batch is.

Cuts are then small enough that a batch of one suits slow items. The governor learns how long an
item takes, and lets a batch take as many cuts as make a few seconds of work
(`fanout.governor.grants`): batches are adaptive.
"""

from math import ceil

from fanout.models.request import BatchLimits

TARGET_CUTS = 10_000
# Of each of the batches that may be at work at once: by so many cuts they can share evenly.
CUTS_A_BATCH = 20
SMALL_CUT_BYTES = 16 * 1024
SMALL_CUT_ITEMS = 100
# So many batches one shard has at work.
MAX_WIDTH = 100
MAX_CUT = BatchLimits()
# What a batch of several cuts may hold: a worker has one in memory for each activity.
MAX_BATCH_BYTES = 2 * 1_048_576
MAX_BATCH_ITEMS = 10_000
# One call takes a whole chunk as a table, and tells of it in ranges: more rows cost it little.
MAX_CHUNK_BYTES = 8 * 1_048_576
MAX_CHUNK_ITEMS = 1_000_000
TARGET_CHUNK_CUTS = 1_000
# A table of so many bytes takes some milliseconds: less would be mostly overhead.
LEAST_CHUNK_CUT_BYTES = 256 * 1024

MAX_SHARDS = 64
BATCHES_A_SHARD = 16
# Where the request sets the batches, a partition is a wave at most; others take many cuts a batch.
MAX_CUTS_A_PARTITION = 100
MAX_ADAPTIVE_CUTS_A_PARTITION = 2_500
PARTITIONS_A_SHARD = 4


def cut_limits_for_bytes(length: int, at_once: int = MAX_WIDTH) -> BatchLimits:
    """The limits of a cut of a source of so many bytes.

    Args:
        length: Bytes of the source.
        at_once: How many batches may be at work: each gets some cuts, and 16 KiB make a cut, if
            ten thousand cuts are not too few then; a cut has up to 1 MiB.
    """
    share = min(ceil(length / (at_once * CUTS_A_BATCH)), SMALL_CUT_BYTES)
    share = max(share, ceil(length / TARGET_CUTS))
    return MAX_CUT.model_copy(update={"max_bytes": max(1, min(share, MAX_CUT.max_bytes))})


def chunk_cut_limits_for_bytes(length: int) -> BatchLimits:
    """The same for a workload that takes batches whole: a thousandth, 256 KiB up to 1 MiB."""
    share = max(LEAST_CHUNK_CUT_BYTES, ceil(length / TARGET_CHUNK_CUTS))
    return BatchLimits(max_items=MAX_CHUNK_ITEMS, max_bytes=min(share, MAX_CUT.max_bytes))


def cut_limits_for_items(count: int, at_once: int = MAX_WIDTH) -> BatchLimits:
    """The same for a source of so many items: 100 make a cut, or up to 1,000 of a large one."""
    share = min(ceil(count / (at_once * CUTS_A_BATCH)), SMALL_CUT_ITEMS)
    share = max(share, ceil(count / TARGET_CUTS))
    return MAX_CUT.model_copy(update={"max_items": max(1, min(share, MAX_CUT.max_items))})


def max_span(largest_bytes: int, mean_items: float, *, is_chunk: bool) -> int:
    """How many cuts a batch may take.

    Args:
        largest_bytes: Bytes of the largest cut.
        mean_items: Items of a cut, on average.
        is_chunk: Whether the workload takes a batch whole, and not item by item.
    """
    max_bytes = MAX_CHUNK_BYTES if is_chunk else MAX_BATCH_BYTES
    max_items = MAX_CHUNK_ITEMS if is_chunk else MAX_BATCH_ITEMS
    by_bytes = max_bytes // max(1, largest_bytes)
    by_items = max_items // max(1, ceil(mean_items))
    return max(1, min(by_bytes, by_items))


def shard_count(batches_in_flight: int) -> int:
    """How many shards share a run that may have so many batches in flight."""
    return min(MAX_SHARDS, ceil(batches_in_flight / BATCHES_A_SHARD))


def cuts_per_partition(cuts: int, batches_in_flight: int, *, is_adaptive: bool) -> int:
    """How many cuts a partition has: few enough that every shard has work, enough for a wave."""
    shards = shard_count(batches_in_flight)
    a_shard = max(1, ceil(cuts / shards))
    if not is_adaptive:
        return min(MAX_CUTS_A_PARTITION, a_shard)
    if cuts <= MAX_ADAPTIVE_CUTS_A_PARTITION and batches_in_flight <= MAX_WIDTH:
        return max(1, cuts)
    width = ceil(batches_in_flight / shards)
    wanted = max(ceil(a_shard / PARTITIONS_A_SHARD), width)
    return min(MAX_ADAPTIVE_CUTS_A_PARTITION, a_shard, wanted)
