"""What the shards of a run did and when, in so few bytes that a row of each can keep it.

Time since the run began is cut into at most `MAX_BUCKETS` buckets of the same width. When the run
outlasts them, neighbours are put together and the width doubles, so the size is bounded however
long a run takes and however many partitions it has. Each shard keeps a timeline of its own with one
lane, and they are put together for whoever looks. A lane has one hexadecimal digit a bucket,
which adds up what the shard did in it: `WORKING`, `RETRYING`, `WAITING`, `COMPENSATING`.
"""

from itertools import zip_longest
from math import ceil
from operator import attrgetter
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fanout.messages.batches import WaveTally
from fanout.messages.shards import ShardAsk, ShardOrder, ShardWork
from fanout.naming.moments import seconds_between
from fanout.naming.row_keys import Stage

WORKING, RETRYING, WAITING, COMPENSATING = 1, 2, 4, 8
MAX_BUCKETS = 64
FIRST_WIDTH_SECONDS = 0.25
DIGITS = 3
Series = Literal["succeeded", "failed", "compensated", "retries", "partitions"]


class Lane(BaseModel):
    """One shard. Times are seconds since the run began.

    Attributes:
        cells: A hexadecimal digit for each bucket up to the last one in which it did anything.
        since: Up to when `cells` say what it did.
        doing: What it has done since then; 0 is nothing.
        wave_since: When the wave began that it is in; None between waves.
        waves: How many waves it has finished.
        partitions: How many partitions it has finished.
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
        width_seconds: How wide a bucket is.
        series: What ended in each bucket; a wave is spread evenly over the time that it took.
        lanes: By the number of the shard.
    """

    model_config = ConfigDict(frozen=True)

    width_seconds: float = FIRST_WIDTH_SECONDS
    series: dict[Series, list[float]] = Field(default_factory=dict)
    lanes: dict[int, Lane] = Field(default_factory=dict)


def note_ask(
    timeline: Timeline,
    started_at: str,
    ask: ShardAsk,
    order: ShardOrder,
    *,
    partitions: int | None,
) -> Timeline:
    """Take note of what a shard did until it asked, and of what it does next.

    Args:
        timeline: What is known of the shard so far.
        started_at: When the run began, ISO 8601.
        ask: What it has done.
        order: The answer.
        partitions: How many it has finished with the wave that it reports; None if it reports no
            wave, or one that is known.
    """
    work = ask.work
    now = _seconds(started_at, ask.at)
    timeline = fit_buckets(timeline, now)
    lane = timeline.lanes.get(work.shard, Lane(since=now))
    series = timeline.series
    if partitions is not None:
        since = lane.since if lane.wave_since is None else lane.wave_since
        series = _add_wave(timeline, work, partitions, min(since, now), now)
    lane = _paint_cells(lane, ask, started_at, timeline.width_seconds)
    lane = lane.model_copy(
        update={
            "since": now,
            "doing": _next_activity(ask, order),
            "wave_since": _wave_since(lane, ask, order, now),
            "waves": lane.waves + (partitions is not None),
            "partitions": lane.partitions + (partitions or 0),
        }
    )
    lanes = {**timeline.lanes, work.shard: lane}
    return timeline.model_copy(update={"series": series, "lanes": lanes})


def merge_timelines(timelines: list[tuple[int, Timeline]]) -> Timeline:
    """Put the timelines of shards together, by their numbers.

    A shard has one for what it processed and may have one for what it compensated.
    """
    width = max((timeline.width_seconds for _, timeline in timelines), default=FIRST_WIDTH_SECONDS)
    total = Timeline(width_seconds=width)
    for number, timeline in timelines:
        while timeline.width_seconds < width:
            timeline = widen_buckets(timeline)
        series = dict(total.series)
        for name, values in timeline.series.items():
            series[name] = _add_series(series.get(name, []), values)
        lanes = dict(total.lanes)
        if number in timeline.lanes:
            lanes[number] = _join_lanes(lanes.get(number), timeline.lanes[number])
        total = Timeline(width_seconds=width, series=series, lanes=lanes)
    return total


def _join_lanes(known: Lane | None, lane: Lane) -> Lane:
    """The lanes of both stages of a shard as one, which goes on as the later does."""
    if known is None:
        return lane
    earlier, later = sorted((known, lane), key=attrgetter("since"))
    length = max(len(earlier.cells), len(later.cells))
    cells = _unite_cells(earlier.cells.ljust(length, "0"), later.cells.ljust(length, "0"))
    counts = {
        "waves": earlier.waves + later.waves,
        "partitions": earlier.partitions + later.partitions,
    }
    return later.model_copy(update={"cells": cells, **counts})


def extend_to(timeline: Timeline, started_at: str, now: str) -> Timeline:
    """The timeline as it is at a moment of a run that goes on: with what its shards are doing."""
    end = _seconds(started_at, now)
    timeline = fit_buckets(timeline, end)
    width = timeline.width_seconds
    lanes = {
        number: lane.model_copy(
            update={"cells": _fill_cells(lane.cells, lane.since, end, lane.doing, width)}
        )
        for number, lane in timeline.lanes.items()
    }
    return timeline.model_copy(update={"lanes": lanes})


def fit_buckets(timeline: Timeline, seconds: float) -> Timeline:
    """Widen the buckets until a moment falls into one of the first `MAX_BUCKETS`."""
    while seconds >= timeline.width_seconds * MAX_BUCKETS:
        timeline = widen_buckets(timeline)
    return timeline


def widen_buckets(timeline: Timeline) -> Timeline:
    """Make the buckets twice as wide."""
    return Timeline(
        width_seconds=timeline.width_seconds * 2,
        series={name: _add_pairs(values) for name, values in timeline.series.items()},
        lanes={
            number: lane.model_copy(update={"cells": _unite_pairs(lane.cells)})
            for number, lane in timeline.lanes.items()
        },
    )


def _seconds(started_at: str, at: str) -> float:
    return max(0.0, round(seconds_between(started_at, at), DIGITS))


def _next_activity(ask: ShardAsk, order: ShardOrder) -> int:
    if order.action == "stop":
        return 0
    if order.action == "wait" or not ask.is_due:
        return WAITING
    is_again = ask.work.retrying is not None
    if ask.work.stage == "compensate":
        return COMPENSATING | (RETRYING if is_again else 0)
    return RETRYING if is_again else WORKING


def _wave_since(lane: Lane, ask: ShardAsk, order: ShardOrder, now: float) -> float | None:
    if ask.work.retrying is not None:
        return lane.wave_since
    begins = order.action == "go" and ask.is_due
    return round(now + order.wait_seconds, DIGITS) if begins else None


def _paint_cells(lane: Lane, ask: ShardAsk, started_at: str, width: float) -> Lane:
    cells = lane.cells
    for start, end, bits in _spans(lane, ask, started_at):
        cells = _fill_cells(cells, start, end, bits, width)
    return lane.model_copy(update={"cells": cells})


def _spans(lane: Lane, ask: ShardAsk, started_at: str) -> list[tuple[float, float, int]]:
    """What the shard did since it last asked: it waited, worked, and waited to try again."""
    work, since = ask.work, lane.since
    now = max(since, _seconds(started_at, ask.at))
    if lane.doing in (0, WAITING):
        return [(since, now, lane.doing)]
    began = since if work.began_at is None else _seconds(started_at, work.began_at)
    if began < since:  # it has not begun what it was granted
        return [(since, now, WAITING)]
    began = min(began, now)
    ended = now if work.retrying is None else _seconds(started_at, work.retrying.since)
    ended = min(max(began, ended), now)
    return [(since, began, WAITING), (began, ended, lane.doing), (ended, now, WAITING)]


def _fill_cells(cells: str, start: float, end: float, bits: int, width: float) -> str:
    """Add what was done from `start` to `end`; work shows however short it was, a wait does not."""
    if bits == 0 or (start >= end and bits == WAITING):
        return cells
    first = int(start / width)
    last = max(first, min(ceil(end / width), MAX_BUCKETS) - 1)
    padded = cells.ljust(last + 1, "0")
    marked = "".join(f"{int(cell, 16) | bits:x}" for cell in padded[first : last + 1])
    return padded[:first] + marked + padded[last + 1 :]


def _unite_pairs(cells: str) -> str:
    padded = cells + "0" * (len(cells) % 2)
    return _unite_cells(padded[::2], padded[1::2])


def _unite_cells(left: str, right: str) -> str:
    pairs = zip(left, right, strict=True)
    return "".join(f"{int(a, 16) | int(b, 16):x}" for a, b in pairs)


def _add_series(left: list[float], right: list[float]) -> list[float]:
    return [round(a + b, DIGITS) for a, b in zip_longest(left, right, fillvalue=0.0)]


def _add_wave(
    timeline: Timeline, work: ShardWork, partitions: int, start: float, end: float
) -> dict[Series, list[float]]:
    series = dict(timeline.series)
    for name, amount in _amounts(work.stage, work.tally, partitions).items():
        if amount:
            series[name] = _spread_amount(series.get(name, []), amount, start, end, timeline)
    return series


def _amounts(stage: Stage, tally: WaveTally, partitions: int) -> dict[Series, int]:
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


def _spread_amount(
    values: list[float], amount: float, start: float, end: float, timeline: Timeline
) -> list[float]:
    """Add an amount, evenly over the buckets from `start` to `end`."""
    width = timeline.width_seconds
    first = int(start / width)
    last = max(first, min(ceil(end / width), MAX_BUCKETS) - 1)
    result = values + [0.0] * (last + 1 - len(values))
    length = end - start
    for bucket in range(first, last + 1):
        overlap = min(end, (bucket + 1) * width) - max(start, bucket * width)
        share = overlap / length if length > 0 else 1.0
        result[bucket] = round(result[bucket] + amount * share, DIGITS)
    return result


def _add_pairs(values: list[float]) -> list[float]:
    padded = [*values, 0.0] if len(values) % 2 else values
    return _add_series(padded[::2], padded[1::2])
