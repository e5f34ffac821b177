"""What orchestrators, activities and the governor tell each other: references and counts, no data.

Orchestrators see these as plain JSON; each stays under 4 KiB.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fanout.models.status import ErrorGroup, RunOutcome


class BatchRef(BaseModel):
    """Input of `process_batch`: whose batch, which attempt of the run, which retry round.

    `batch` counts within the partition (0-based).
    """

    model_config = ConfigDict(frozen=True)

    run_id: str
    attempt: int = 1
    partition: int
    batch: int
    retry_round: int = 0


class BatchResult(BaseModel):
    """Result of `process_batch`.

    Attributes:
        succeeded: Items that ended well in this round.
        failed: Items given up on in this round: permanent failures, or attempts used up.
        retryable: Items that want another round.
        retry_after: The longest wait that the other side asked for, in seconds.
        errors: The most frequent kinds of failure given up on, at most five, messages cut short.
    """

    model_config = ConfigDict(frozen=True)

    succeeded: int = 0
    failed: int = 0
    retryable: int = 0
    retry_after: float | None = None
    seconds: float = 0.0
    errors: list[ErrorGroup] = Field(default_factory=list)


class WaveReport(BaseModel):
    """What a shard tells the governor after each wave.

    Attributes:
        shard: 0-based number of the shard.
        sequence: 1-based number of the wave within the shard; the governor counts each once.
        partitions_done: Partitions finished by this wave (0 or 1).
        retries: Item attempts beyond the first.
    """

    model_config = ConfigDict(frozen=True)

    shard: int
    sequence: int
    succeeded: int = 0
    failed: int = 0
    retries: int = 0
    partitions_done: int = 0
    errors: list[ErrorGroup] = Field(default_factory=list)


class WaveOrder(BaseModel):
    """What the governor answers: whether to go on, and how wide the next wave may be (batches)."""

    model_config = ConfigDict(frozen=True)

    action: Literal["continue", "stop"]
    width: int = 1


class RunEnd(BaseModel):
    """Result of `finalize`, told to the governor and returned by the orchestrator."""

    model_config = ConfigDict(frozen=True)

    outcome: RunOutcome
    error: str | None = None
