"""RunTimeline: what a caller sees of what the shards of a run did when."""

from pydantic import BaseModel, Field

from fanout.models.status import TakeOver


class ShardLane(BaseModel):
    """One shard.

    Attributes:
        shard: Its number.
        cells: A hexadecimal digit for each bucket: the sum of 1 (worked), 2 (tried items again),
            4 (waited) and 8 (compensated). After the last digit nothing happened.
        waves: How many waves it has finished.
        partitions: How many partitions it has finished.
    """

    shard: int
    cells: str
    waves: int
    partitions: int


class RunTimeline(BaseModel):
    """``GET /api/runs/{run_id}/timeline``: one attempt of a run, in at most 64 buckets of time.

    Attributes:
        attempt: Which attempt this is.
        attempts: How many attempts the run has.
        started_at: When the attempt began, ISO 8601 in UTC; None if it has not.
        finished_at: When it ended, ISO 8601 in UTC; None if it has not.
        bucket_seconds: How long a bucket is; the first begins at `started_at`.
        series: How many items, retries and partitions ended in each bucket, by kind. After the last
            number nothing happened.
        shards: What each shard did.
        take_overs: When another orchestration took over, and why.
    """

    run_id: str
    attempt: int
    attempts: int
    started_at: str | None = None
    finished_at: str | None = None
    bucket_seconds: float
    series: dict[str, list[float]] = Field(default_factory=dict)
    shards: list[ShardLane] = Field(default_factory=list)
    take_overs: list[TakeOver] = Field(default_factory=list)
