"""RunTimeline: what a caller sees of what the shards of a run did when."""

from pydantic import BaseModel, Field

from fanout.models.status import TakeOver


class ShardLane(BaseModel):
    """One shard.

    Attributes:
        cells: A hexadecimal digit for each bucket: the sum of 1 (worked), 2 (tried items again),
            4 (waited) and 8 (compensated); after the last digit nothing happened.
        waves: Waves finished, and `partitions` likewise.
    """

    shard: int
    cells: str
    waves: int
    partitions: int


class RunTimeline(BaseModel):
    """``GET /api/runs/{run_id}/timeline``: one attempt of a run, in at most 64 buckets of time.

    Attributes:
        attempt: Which one, and `attempts` how many there are.
        started_at: When it began, ISO 8601 in UTC; None before it has.
        bucket_seconds: How long a bucket is; the first begins at `started_at`.
        series: How many items, retries and partitions ended in each bucket, by kind; after the last
            number nothing happened.
        take_overs: When its orchestration had failed and was begun anew, and why.
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
