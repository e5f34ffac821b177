"""What a run is going to use: the arithmetic of how runs are carried out.

Nothing fails here and nobody interferes: no retries, no throttling, no redrive. `Scheme` has what
the arithmetic takes for granted; `docs/costs.md` says it in words.

The way of a run: `begin` plans, and processes the first items itself within a short time box. Where
that leaves any, batches do the rest, in waves, each asked for by `steer` of its shard. `settle`
decides, and writes the results where they fit into one file; larger ones are written by ranges.
"""

from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import NamedTuple

from fanout.governor.wave_size import (
    LEAST_BATCH_MS,
    MAX_WIDTH,
    SCOUT_SECONDS,
    TARGET_BATCH_MS,
)
from fanout.models.usage import Usage
from fanout.pricing.billing import billed_ms
from fanout.splitting.sizing import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ITEMS,
    MAX_CHUNK_BYTES,
    MAX_CHUNK_ITEMS,
    shard_count,
)

# What one item takes, in seconds, where nobody knows.
EXPECTED_ITEM_SECONDS = 0.001
WORST_ITEM_SECONDS = 1.0
MERGED_AT_ONCE = 16


@dataclass(frozen=True)
class Scheme:
    """How runs are carried out.

    Attributes:
        first_box_seconds: How long `begin` processes items itself; 0 leaves all to batches.
        batch_seconds: How long a batch of items whose time is known works.
        least_batch_seconds: Less work than this is not spread over more activities.
        wave: Batches of a shard at once.
        spare_asks: How often a shard asks how to go on beside once before each wave.
        first_waves: So many waves of the whole width there may be, however little their batches do.
        overhead_seconds: What an activity takes beyond its items.
        outcome_bytes: What an outcome takes in a result file.
        result_file_bytes: How long a result file gets.
        run: What a run uses of storage, whatever its size: claim, request, plan, rows, results,
            summary. Its start and its end are among it.
        batch: What a batch uses: its bytes of the source, its part, which is read again at the end.
        steer: What a question of a shard uses.
        range: What a range of results uses.
        step: What a step of a saga uses.
        saga: What a saga uses besides its steps.
        has_sagas_apart: Whether each saga goes on by itself, and each of its steps is an activity;
            otherwise those of a batch are one activity.
    """

    first_box_seconds: float = SCOUT_SECONDS
    batch_seconds: float = TARGET_BATCH_MS / 1000
    least_batch_seconds: float = LEAST_BATCH_MS / 1000
    wave: int = MAX_WIDTH
    spare_asks: int = 1
    first_waves: int = 1
    overhead_seconds: float = 0.05
    outcome_bytes: int = 100
    result_file_bytes: int = 64 * 1_048_576
    run: Usage = field(
        default_factory=lambda: Usage(
            blob_reads=2, blob_writes=6, blob_other=1, table_reads=1, table_writes=6
        )
    )
    batch: Usage = field(default_factory=lambda: Usage(blob_reads=2, blob_writes=1))
    steer: Usage = field(default_factory=lambda: Usage(table_reads=2, table_writes=1))
    range: Usage = field(default_factory=lambda: Usage(blob_reads=2, blob_writes=3))
    step: Usage = field(default_factory=Usage)
    saga: Usage = field(default_factory=lambda: Usage(blob_writes=1))
    has_sagas_apart: bool = False


EXPECTED = Scheme()
# Nothing is done in `begin`, batches are as small as they may get, each saga goes on by itself, and
# each activity reads and writes more: what others have left, partials, rows changed meanwhile.
WORST = Scheme(
    first_box_seconds=0.0,
    batch_seconds=5.0,
    least_batch_seconds=0.1,
    wave=16,
    spare_asks=3,
    first_waves=2,
    overhead_seconds=0.5,
    outcome_bytes=400,
    run=Usage(
        blob_reads=14, blob_writes=18, blob_lists=8, blob_other=10, table_reads=30, table_writes=36
    ),
    batch=Usage(blob_reads=5, blob_writes=2, blob_other=1, table_reads=3, table_writes=2),
    steer=Usage(table_reads=5, table_writes=3),
    range=Usage(blob_reads=8, blob_writes=6, blob_lists=1),
    step=Usage(blob_reads=2, table_reads=6, table_writes=3),
    saga=Usage(blob_reads=6, blob_writes=3, blob_other=2),
    has_sagas_apart=True,
)


@dataclass(frozen=True)
class Job:
    """What there is to do.

    Attributes:
        items: How many items there are.
        source_bytes: What they take in the source; 0 where that limits no batch.
        item_seconds: What one takes.
        width: How many batches may be in flight.
        fixed_batches: How many batches there are, where the request or workload sets their size.
        steps: How many steps an item has, where it is a saga; 0 where not.
        is_chunk: Whether a workload takes a batch whole.
    """

    items: int
    source_bytes: int = 0
    item_seconds: float = EXPECTED_ITEM_SECONDS
    width: int = 64
    fixed_batches: int | None = None
    steps: int = 0
    is_chunk: bool = False

    @property
    def work_seconds(self) -> float:
        """What all items take together."""
        return self.items * self.item_seconds


@dataclass(frozen=True)
class Forecast:
    """How a job is carried out by a scheme."""

    job: Job
    scheme: Scheme

    @cached_property
    def is_done_by_begin(self) -> bool:
        """Whether the first activity does it all."""
        job = self.job
        box = self.scheme.first_box_seconds
        is_in_time = box > 0 and job.work_seconds <= box
        is_one_batch = self._least_batches <= 1 and (job.fixed_batches or 1) == 1
        return is_in_time and is_one_batch and not job.steps

    @cached_property
    def batches(self) -> int:
        """How many activities process items, beside `begin`."""
        job, scheme = self.job, self.scheme
        if self.is_done_by_begin or not job.items:
            return 0
        if job.fixed_batches is not None:
            return job.fixed_batches
        by_time = ceil(job.work_seconds / scheme.batch_seconds)
        width = job.width * scheme.first_waves
        spread = min(width, ceil(job.work_seconds / scheme.least_batch_seconds), job.items)
        return max(1, self._least_batches, min(by_time, job.items), spread)

    @property
    def _least_batches(self) -> int:
        """How many it takes by what one may hold."""
        job = self.job
        max_items = MAX_CHUNK_ITEMS if job.is_chunk else MAX_BATCH_ITEMS
        max_bytes = MAX_CHUNK_BYTES if job.is_chunk else MAX_BATCH_BYTES
        return max(ceil(job.items / max_items), ceil(job.source_bytes / max_bytes))

    @cached_property
    def shards(self) -> int:
        """How many shards share the batches; a single one is no orchestration of its own."""
        return min(shard_count(self.job.width), self.batches)

    @cached_property
    def steers(self) -> int:
        """How often shards ask how to go on: before each wave, and after the last."""
        if not self.batches:
            return 0
        waves = size_waves(self.batches, self.job.width, self.shards, self.scheme.wave)
        return self.shards * (waves.number + self.scheme.spare_asks)

    @cached_property
    def ranges(self) -> int:
        """How many ranges the results are written by."""
        size = self.job.items * self.scheme.outcome_bytes
        return max(1, ceil(size / self.scheme.result_file_bytes))

    @cached_property
    def fan_in(self) -> int:
        """Activities of the fan-in, beside the one that settles: ranges, merges, and the end."""
        if self.ranges == 1:
            return 0
        merges, width = 0, self.ranges if self.job.is_chunk else 1
        while width > 1:
            width = ceil(width / MERGED_AT_ONCE)
            merges += width
        return self.ranges + merges + 2

    @property
    def sagas_apart(self) -> int:
        """How many sagas go on by themselves."""
        return self.job.items if self.job.steps and self.scheme.has_sagas_apart else 0

    @property
    def saga_activities(self) -> int:
        """Activities of sagas: one a batch, or each step of an item, its end, and two a batch."""
        if not self.sagas_apart:
            return self.batches if self.job.steps else 0
        return self.sagas_apart * (self.job.steps + 1) + 2 * self.batches

    @cached_property
    def activities(self) -> int:
        """All activities."""
        if self.is_done_by_begin:
            return 1
        return 2 + self.steers + self.fan_in + (self.saga_activities or self.batches)

    @cached_property
    def orchestrations(self) -> int:
        """The run, its shards where there are several, the fan-in, sagas and batches of them."""
        sagas = self.sagas_apart + self.batches if self.job.steps else 0
        return 1 + (self.shards if self.shards > 1 else 0) + (self.ranges > 1) + sagas

    @property
    def usage(self) -> Usage:
        """What it uses."""
        working = self._working_ms
        others = self.activities - working.activities
        overhead = round(self.scheme.overhead_seconds * 1000)
        counts = Usage(
            activities=others,
            activity_ms=others * overhead,
            billed_ms=others * billed_ms(overhead),
            item_ms=round(self.job.work_seconds * 1000),
            starts=1,
            orchestrations=self.orchestrations,
            # The start of each and its answer, but the run has nobody to answer.
            messages=self.activities + 2 * self.orchestrations - 1,
        )
        return working.plus(counts).plus(self._storage)

    @property
    def _working_ms(self) -> Usage:
        """Executions that process items, evenly filled."""
        job = self.job
        count = self.sagas_apart * job.steps or max(1, self.batches)
        each = job.work_seconds / max(1, count) + self.scheme.overhead_seconds
        milliseconds = ceil(each * 1000)
        return Usage(
            activities=count,
            activity_ms=count * milliseconds,
            billed_ms=count * billed_ms(milliseconds),
        )

    @property
    def _storage(self) -> Usage:
        scheme, job = self.scheme, self.job
        sagas = job.items if job.steps else 0
        return (
            scheme.run.plus(times(scheme.batch, self.batches))
            .plus(times(scheme.steer, self.steers))
            .plus(times(scheme.range, self.fan_in))
            .plus(times(scheme.step, sagas * job.steps))
            .plus(times(scheme.saga, sagas))
        )


class Waves(NamedTuple):
    """The waves of a shard, one after the other.

    Attributes:
        number: How many there are.
        width: How many batches each has.
    """

    number: int
    width: int


def size_waves(batches: int, batches_in_flight: int, shards: int, most: int = MAX_WIDTH) -> Waves:
    """The waves of each of some shards, which share batches and width evenly.

    Args:
        batches: Of all shards.
        batches_in_flight: How many of them may be at work at once.
        shards: How many share them.
        most: How many a wave has at most.
    """
    a_shard = ceil(batches / shards)
    width = max(1, min(most, ceil(batches_in_flight / shards), a_shard))
    return Waves(ceil(a_shard / width), width)


def times(usage: Usage, count: int) -> Usage:
    """A usage so many times."""
    return Usage(**{name: value * count for name, value in usage.counts.items()})
