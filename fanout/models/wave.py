"""What orchestrators, activities and the governor tell each other: references and counts, no data.

Orchestrators see these as plain JSON; each stays under 4 KiB (`fanout.payloads.dump`). New fields
get defaults, so that messages in running histories still load.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fanout.models.request import RetryPolicy, Tolerance
from fanout.models.status import ErrorGroup, ItemCounts, RunOutcome


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunRef(_Message):
    """Input of `run`, `plan` and `finalize`: which attempt of which run."""

    run_id: str
    attempt: int = 1


class PlanResult(_Message):
    """Result of `plan`: the counts, and the policies that orchestrators follow.

    Attributes:
        shards: Sub-orchestrations that share the partitions.
        width: Batches that one shard may have in flight.
        succeeded: Items that an earlier attempt settled, and `failed` likewise: not tried again.
        refusal: Why the source cannot be run over (it is gone, or changed), else None.
    """

    workload: str
    items: int = 0
    batches: int = 0
    partitions: int = 0
    batches_per_partition: int = 1
    shards: int = 0
    width: int = 1
    retry: RetryPolicy = RetryPolicy()
    tolerance: Tolerance = Tolerance()
    on_exceeded: Literal["stop", "continue", "compensate"] = "stop"
    succeeded: int = 0
    failed: int = 0
    refusal: str | None = None


Stage = Literal["process", "compensate"]


class BatchRef(_Message):
    """Input of `process_batch`: whose batch, which attempt of the run, which retry round.

    `batch` counts within the partition (0-based). `compensate_batch` counts both from the end.
    """

    run_id: str
    attempt: int = 1
    partition: int
    batch: int
    retry_round: int = 0


class BatchResult(_Message):
    """Result of `process_batch`.

    Attributes:
        succeeded: Items that ended well in this round.
        failed: Items given up on in this round: permanent failures, or attempts used up.
        retryable: Items that want another round.
        retry_after: The longest wait that the other side asked for, in seconds.
        errors: The most frequent kinds of failure given up on, at most five, messages cut short.
    """

    succeeded: int = 0
    failed: int = 0
    retryable: int = 0
    retry_after: float | None = None
    errors: list[ErrorGroup] = Field(default_factory=list)


class WaveTally(_Message):
    """What the batches of one wave came to, all rounds so far.

    Attributes:
        retries: Item attempts beyond the first.
        lost_batches: Batches whose activity failed for good; nothing is known of their items.
    """

    succeeded: int = 0
    failed: int = 0
    retries: int = 0
    lost_batches: int = 0
    errors: list[ErrorGroup] = Field(default_factory=list)


class Retrying(_Message):
    """A wave some of whose batches wait for another round.

    Attributes:
        batches: Those batches, numbers within the partition.
        retry_round: The round they wait for; 1 is the first retry.
        retry_after: The longest wait that the other side asked for, in seconds.
    """

    batches: list[int]
    retry_round: int
    retry_after: float | None = None


class ShardWork(_Message):
    """Input of `shard`, and all it carries when it continues as new.

    Attributes:
        governor: Key of the run's governor entity.
        sequence: Waves this shard has reported.
        partition: The partition it is in; the next is `shards` further on.
        batch: First batch of the wave, within the partition.
        tally: What the wave has come to so far.
        stage: What is done with the batches.
    """

    run_id: str
    attempt: int = 1
    governor: str
    shard: int
    shards: int
    batches: int
    partitions: int
    batches_per_partition: int
    retry: RetryPolicy
    width: int
    sequence: int = 0
    partition: int
    batch: int = 0
    tally: WaveTally = WaveTally()
    retrying: Retrying | None = None
    stage: Stage = "process"

    @property
    def batches_here(self) -> int:
        """Batches of the partition it is in."""
        first = self.partition * self.batches_per_partition
        return min(self.batches_per_partition, self.batches - first)

    @property
    def wave_end(self) -> int:
        """The batch after the wave's last one."""
        return min(self.batch + self.width, self.batches_here)

    @property
    def is_done(self) -> bool:
        """Whether no partition is left for this shard."""
        return self.partition >= self.partitions


class RunOpening(_Message):
    """Tells the governor that the run begins; `at` is ISO 8601 in UTC."""

    at: str


class GovernorStart(_Message):
    """Tells the governor what the run is; `at` is ISO 8601 in UTC.

    `succeeded` and `failed` are items that an earlier attempt settled.
    """

    items: int
    partitions: int
    shards: int
    width: int
    tolerance: Tolerance
    on_exceeded: Literal["stop", "continue", "compensate"]
    succeeded: int = 0
    failed: int = 0
    at: str


class WaveReport(_Message):
    """What a shard tells the governor after each wave.

    Attributes:
        sequence: 1-based number of the wave within the shard; the governor counts each once.
        partitions_done: Partitions finished by this wave (0 or 1).
        stage: What was done; when compensating, `tally` counts items compensated as succeeded.
    """

    shard: int
    sequence: int
    tally: WaveTally
    partitions_done: int = 0
    stage: Stage = "process"
    at: str


class WaveOrder(_Message):
    """What the governor answers: whether to go on, and how wide the next wave may be (batches)."""

    action: Literal["continue", "stop"]
    width: int = 1


class RunEnd(_Message):
    """Result of `finalize`, told to the governor and returned by the orchestrator.

    Attributes:
        items: The counts as the part files have them, which are the last word.
        error: Why it failed, if it did.
        at: When it ended, ISO 8601 in UTC; set by the orchestrator.
    """

    outcome: RunOutcome
    items: ItemCounts = ItemCounts()
    error: str | None = None
    at: str | None = None
