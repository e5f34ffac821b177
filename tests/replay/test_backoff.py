"""Waits between retry rounds, read from the histories of runs over real activities."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from dateutil.parser import isoparse

from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.tickets import ANSWER
from fanout.models.request import RetryPolicy
from fanout.naming import functions
from tests.support.replays.local_hub import LocalHub, local_hub
from tests.support.replays.local_runs import inline
from tests.support.replays.recorded_histories import Recording, activity_input, payload

TASK_SCHEDULED, TASK_COMPLETED, TIMER_CREATED, ORCHESTRATOR_STARTED = 4, 5, 10, 12
SHARDS = 3
BATCHES = 16 * SHARDS
POLICY = RetryPolicy(
    max_attempts=5, base_seconds=0.05, factor=2, max_seconds=0.15, jitter_seconds=0.04
)
LEAST = (0.05, 0.1, 0.15, 0.15)
RETRY_AFTER = 0.12
# Every fourth batch is of the first kind, and so on: each shard has all of them.
KINDS: tuple[list[dict[str, Any]], ...] = (
    [{"good": 5}, {}],
    [{"ending": "permanent"}, {"ending": "permanent"}],
    [{"ending": "permanent"}, {"good": 3}],
    [{}, {}],
)


@dataclass(frozen=True)
class Wait:
    """A durable timer of a shard."""

    created: datetime
    fires: datetime

    @property
    def seconds(self) -> float:
        return (self.fires - self.created) / timedelta(seconds=1)


@dataclass(frozen=True)
class Round:
    """What one batch came to in one round."""

    ref: BatchRef
    result: BatchResult


def waits(recording: Recording) -> list[Wait]:
    """Every timer of an execution, and the time of the episode that created it."""
    now, found = None, []
    for event in recording.history:
        if event["EventType"] == ORCHESTRATOR_STARTED:
            now = isoparse(event["Timestamp"])
        if event["EventType"] == TIMER_CREATED:
            assert now is not None
            found.append(Wait(now, isoparse(event["FireAt"])))
    return found


def rounds(recording: Recording) -> Iterator[Round]:
    """Every batch that an execution tried, with what came of it."""
    scheduled = {
        event["EventId"]: BatchRef.model_validate(activity_input(event))
        for event in recording.tasks(functions.PROCESS_BATCH)
        if event["EventType"] == TASK_SCHEDULED
    }
    for event in recording.tasks(functions.PROCESS_BATCH):
        if event["EventType"] == TASK_COMPLETED:
            result = BatchResult.model_validate(payload(event["Result"])[ANSWER])
            yield Round(scheduled[event["TaskScheduledId"]], result)


def items(kinds: tuple[list[dict[str, Any]], ...]) -> list[dict[str, Any]]:
    endings = chain.from_iterable(kinds[batch % len(kinds)] for batch in range(BATCHES))
    return [{"id": number} | ending for number, ending in enumerate(endings)]


async def record(local: LocalHub, run_id: str, kinds: tuple[list[dict[str, Any]], ...]) -> None:
    request = inline(
        items(kinds),
        batch={"max_items": 2},
        concurrency={"batches": BATCHES},
        retry=POLICY.model_dump(),
        tolerance={"percentage": 100},
    )
    await local.run(run_id, request)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Recording]]:
    asked = ([{"good": 3, "retry_after": RETRY_AFTER}, {}],)

    async def histories() -> dict[str, list[Recording]]:
        async with local_hub(tmp_path_factory.mktemp("backoff") / "hub.db") as local:
            await record(local, "failing", KINDS)
            await record(local, "asked", asked)
            return {run_id: local.recordings(run_id) for run_id in ("failing", "asked")}

    return asyncio.run(histories())


def test_every_shard_has_one_history_with_all_its_rounds(recorded: dict[str, list[Recording]]):
    for shards in recorded.values():
        assert len({one.instance_id for one in shards}) == len(shards) == SHARDS
    for recording in recorded["failing"]:
        assert {one.ref.retry_round for one in rounds(recording)} == set(range(len(LEAST) + 1))


def test_the_waits_follow_the_back_off_within_the_jitter(recorded: dict[str, list[Recording]]):
    for recording in recorded["failing"]:
        for wait, least in zip(waits(recording), LEAST, strict=True):
            assert least <= wait.seconds < least + POLICY.jitter_seconds


def test_a_round_begins_when_its_wait_is_over(recorded: dict[str, list[Recording]]):
    for recording in recorded["failing"]:
        begun: dict[int, datetime] = {}
        for event in recording.tasks(functions.PROCESS_BATCH):
            if event["EventType"] == TASK_SCHEDULED:
                ref = BatchRef.model_validate(activity_input(event))
                begun.setdefault(ref.retry_round, isoparse(event["Timestamp"]))
        for number, wait in enumerate(waits(recording), start=1):
            assert begun[number] >= wait.fires


def test_no_two_shards_retry_at_the_same_instant(recorded: dict[str, list[Recording]]):
    for shards in recorded.values():
        fires = [wait.fires for recording in shards for wait in waits(recording)]
        assert len(set(fires)) == len(fires)


def test_no_two_shards_draw_the_same_jitter(recorded: dict[str, list[Recording]]):
    drawn = [
        round(wait.seconds - least, 6)
        for recording in recorded["failing"]
        for wait, least in zip(waits(recording), LEAST, strict=True)
    ]
    assert len(set(drawn)) == len(drawn)
    assert max(drawn) - min(drawn) > POLICY.jitter_seconds / 4


def test_the_other_side_is_left_alone_as_long_as_it_asked(recorded: dict[str, list[Recording]]):
    for recording in recorded["asked"]:
        found = waits(recording)
        for wait, least in zip(found, LEAST[:2], strict=True):
            longer = max(least, RETRY_AFTER)
            assert longer <= wait.seconds < longer + POLICY.jitter_seconds


def test_permanent_failures_are_never_retried(recorded: dict[str, list[Recording]]):
    for recording in recorded["failing"]:
        for one in rounds(recording):
            number = one.ref.partition * 16 + one.ref.first_cut
            kind = KINDS[number % len(KINDS)]
            wanting = [item for item in kind if item.get("good", 1) > one.ref.retry_round]
            tried = kind if one.ref.retry_round == 0 else wanting
            assert one.result.tried == len(tried) > 0
            gone = [item for item in tried if item.get("ending") == "permanent"]
            assert one.result.failed == (len(gone) if one.ref.retry_round == 0 else 0)
