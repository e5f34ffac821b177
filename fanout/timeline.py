"""What the shards of a run did and when, in so few bytes that the governor can keep it.

Time since the run began is cut into at most `MAX_BUCKETS` buckets of the same width. When the run
outlasts them, neighbours are put together and the width doubles, so the size is bounded however
long a run takes and however many partitions it has. Each shard has a lane of one hexadecimal digit
a bucket, which adds up what it did in it: `WORKING`, `RETRYING`, `WAITING`, `COMPENSATING`.
"""

from datetime import datetime
from math import ceil
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fanout.models.wave import WaveOrder, WaveReport, WaveTally

WORKING, RETRYING, WAITING, COMPENSATING = 1, 2, 4, 8
MAX_BUCKETS = 64
FIRST_WIDTH_SECONDS = 0.25
DIGITS = 3
Series = Literal["succeeded", "failed", "compensated", "retries", "partitions"]


class Lane(BaseModel):
    """One shard. Times are seconds since the run began.

    Attributes:
        cells: A hexadecimal digit for each bucket up to the last one in which it did anything.
        since: Up to when `cells` say what it did, and `doing` what it has done since; 0 is nothing.
        wave_since: When the wave began that it is in; None between waves.
        waves: Waves that it has finished, and `partitions` likewise.
    """

    model_config = ConfigDict(frozen=True)

    cells: str = ""
    since: float = 0.0
    doing: int = 0
    wave_since: float | None = None
    waves: int = 0
    partitions: int = 0


class Timeline(BaseModel):
    """What happened in each bucket.

    Attributes:
        width_seconds: Of a bucket.
        series: What ended in each bucket; a wave is spread evenly over the time that it took.
        lanes: By the number of the shard.
    """

    model_config = ConfigDict(frozen=True)

    width_seconds: float = FIRST_WIDTH_SECONDS
    series: dict[Series, list[float]] = Field(default_factory=dict)
    lanes: dict[int, Lane] = Field(default_factory=dict)


def noted(
    timeline: Timeline, started_at: str, wave: WaveReport, order: WaveOrder, *, is_new: bool
) -> Timeline:
    """Take note of a report and of what the shard does next.

    Args:
        timeline: What is known so far.
        started_at: When the run began, ISO 8601.
        wave: The report.
        order: What it was answered.
        is_new: Whether its tally is counted, for the first time.
    """
    at = _seconds(started_at, wave.at)
    timeline = fitted(timeline, at)
    number = int(wave.shard[1:])
    lane = timeline.lanes.get(number, Lane(since=at))
    series = timeline.series
    if is_new:
        since = lane.since if lane.wave_since is None else lane.wave_since
        series = _added(timeline, wave, min(since, at), at)
    lane = _painted(lane, wave, started_at, timeline.width_seconds)
    lane = lane.model_copy(
        update={
            "since": at,
            "doing": _next(wave, order),
            "wave_since": _wave_since(lane, wave, order, at),
            "waves": lane.waves + is_new,
            "partitions": lane.partitions + (wave.partitions_done if is_new else 0),
        }
    )
    return timeline.model_copy(update={"series": series, "lanes": {**timeline.lanes, number: lane}})


def up_to(timeline: Timeline, started_at: str, now: str) -> Timeline:
    """The timeline as it is at a moment of a run that goes on: with what its shards are doing."""
    at = _seconds(started_at, now)
    timeline = fitted(timeline, at)
    lanes = {
        number: lane.model_copy(
            update={
                "cells": _filled(lane.cells, lane.since, at, lane.doing, timeline.width_seconds)
            }
        )
        for number, lane in timeline.lanes.items()
    }
    return timeline.model_copy(update={"lanes": lanes})


def fitted(timeline: Timeline, seconds: float) -> Timeline:
    """Widen the buckets until a moment falls into one of the first `MAX_BUCKETS`."""
    while seconds >= timeline.width_seconds * MAX_BUCKETS:
        timeline = Timeline(
            width_seconds=timeline.width_seconds * 2,
            series={name: _sums(values) for name, values in timeline.series.items()},
            lanes={
                number: lane.model_copy(update={"cells": _unions(lane.cells)})
                for number, lane in timeline.lanes.items()
            },
        )
    return timeline


def _seconds(started_at: str, at: str) -> float:
    passed = datetime.fromisoformat(at) - datetime.fromisoformat(started_at)
    return max(0.0, round(passed.total_seconds(), DIGITS))


def _next(wave: WaveReport, order: WaveOrder) -> int:
    if order.action == "stop":
        return 0
    if order.action == "wait" or not wave.may_begin:
        return WAITING
    if wave.stage == "compensate":
        return COMPENSATING | (RETRYING if wave.again else 0)
    return RETRYING if wave.again else WORKING


def _wave_since(lane: Lane, wave: WaveReport, order: WaveOrder, at: float) -> float | None:
    if wave.again:
        return lane.wave_since
    begins = order.action == "go" and wave.may_begin
    return round(at + order.wait_seconds, DIGITS) if begins else None


def _painted(lane: Lane, wave: WaveReport, started_at: str, width: float) -> Lane:
    cells = lane.cells
    for start, end, bits in _spans(lane, wave, started_at):
        cells = _filled(cells, start, end, bits, width)
    return lane.model_copy(update={"cells": cells})


def _spans(lane: Lane, wave: WaveReport, started_at: str) -> list[tuple[float, float, int]]:
    """What the shard did since its last report: it waited, worked, and waited to try again."""
    since = lane.since
    at = max(since, _seconds(started_at, wave.at))
    if lane.doing in (0, WAITING):
        return [(since, at, lane.doing)]
    began = since if wave.began_at is None else _seconds(started_at, wave.began_at)
    if began < since:  # it had leave, but not that of its downstream's breaker or rate
        return [(since, at, WAITING)]
    began = min(began, at)
    ended = at if wave.idle_since is None else _seconds(started_at, wave.idle_since)
    ended = min(max(began, ended), at)
    return [(since, began, WAITING), (began, ended, lane.doing), (ended, at, WAITING)]


def _filled(cells: str, start: float, end: float, bits: int, width: float) -> str:
    """Add what was done from `start` to `end`; work shows however short it was, a wait does not."""
    if bits == 0 or (start >= end and bits == WAITING):
        return cells
    first = int(start / width)
    last = max(first, min(ceil(end / width), MAX_BUCKETS) - 1)
    padded = cells.ljust(last + 1, "0")
    marked = "".join(f"{int(cell, 16) | bits:x}" for cell in padded[first : last + 1])
    return padded[:first] + marked + padded[last + 1 :]


def _unions(cells: str) -> str:
    padded = cells + "0" * (len(cells) % 2)
    return "".join(
        f"{int(one, 16) | int(other, 16):x}"
        for one, other in zip(padded[::2], padded[1::2], strict=True)
    )


def _added(
    timeline: Timeline, wave: WaveReport, start: float, end: float
) -> dict[Series, list[float]]:
    series = dict(timeline.series)
    for name, amount in _amounts(wave.stage, wave.tally, wave.partitions_done).items():
        if amount:
            series[name] = _spread(series.get(name, []), amount, start, end, timeline)
    return series


def _amounts(stage: str, tally: WaveTally, partitions: int) -> dict[Series, int]:
    given_up = tally.failed + tally.compensation_failed
    if stage == "compensate":  # what it counts as succeeded was undone
        return {"compensated": tally.succeeded, "failed": given_up, "retries": tally.retries}
    return {
        "succeeded": tally.succeeded,
        "failed": given_up,
        "compensated": tally.compensated,
        "retries": tally.retries,
        "partitions": partitions,
    }


def _spread(
    values: list[float], amount: float, start: float, end: float, timeline: Timeline
) -> list[float]:
    """Add an amount, evenly over the buckets from `start` to `end`."""
    width = timeline.width_seconds
    first = int(start / width)
    last = max(first, min(ceil(end / width), MAX_BUCKETS) - 1)
    spread = values + [0.0] * (last + 1 - len(values))
    length = end - start
    for bucket in range(first, last + 1):
        overlap = min(end, (bucket + 1) * width) - max(start, bucket * width)
        share = overlap / length if length > 0 else 1.0
        spread[bucket] = round(spread[bucket] + amount * share, DIGITS)
    return spread


def _sums(values: list[float]) -> list[float]:
    padded = [*values, 0.0] if len(values) % 2 else values
    return [
        round(one + other, DIGITS) for one, other in zip(padded[::2], padded[1::2], strict=True)
    ]
