"""What runs have in flight, and how long their histories get: read from those of all shards."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dateutil.parser import isoparse

from fanout.governor.wave_size import MAX_WIDTH
from fanout.messages.batches import BatchRef
from fanout.messages.payloads import MAX_PAYLOAD_BYTES
from fanout.messages.run import RunEnd
from fanout.naming import functions
from fanout.splitting.sizing import BATCHES_A_SHARD
from orchestrators.rounds import MAX_BREAKDOWNS
from tests.support.doubles.memory_tables import memory_rows
from tests.support.replays.durable_hub import hub
from tests.support.replays.local_hub import local_hub
from tests.support.replays.local_runs import inline
from tests.support.replays.recorded_histories import Recording, payload_bytes, recordings
from tests.support.replays.recorded_runs import ORCHESTRATORS
from tests.support.replays.scenarios import result
from tests.support.replays.scripted_runs import Behaviour, Script, planned, scripted_app, succeed

CONCURRENCIES = (1, 3, 16, 64)
MOST_EVENTS = 1_000
MOST_TASKS_AT_ONCE = 200
SCHEDULED, FAILED = 4, 6
ENDED = (5, FAILED)
OPENS, CLOSES = (SCHEDULED, 7, 10), (*ENDED, 8, 9, 11)

AT_ONCE = {"base_seconds": 0.01, "factor": 1, "max_seconds": 0.01, "jitter_seconds": 0.01}
ITEMS: tuple[dict[str, Any], ...] = (
    {},
    {"good": 2},
    {"good": 3, "undo_good": 2},
    {"undo": "permanent"},
)


@dataclass(frozen=True)
class Seen:
    """How a run ended, and the histories of its orchestrations."""

    end: RunEnd
    run: list[Recording]
    shards: list[Recording]

    @property
    def all(self) -> list[Recording]:
        return [*self.run, *self.shards]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Seen]:
    return asyncio.run(_seen(tmp_path_factory.mktemp("flight") / "hub.db"))


async def _seen(path: Path) -> dict[tuple[str, int], Seen]:
    found = {}
    async with local_hub(path) as local:
        for concurrency in CONCURRENCIES:
            for on_exceeded in ("stop", "compensate"):
                run_id = f"{on_exceeded}-{concurrency}"
                end = await local.run(run_id, _request(concurrency, on_exceeded))
                parts = (local.recordings(run_id, functions.RUN), local.recordings(run_id))
                found[on_exceeded, concurrency] = Seen(end, *parts)
    return found


def items_of(concurrency: int) -> int:
    """Two items a batch, and batches enough for a few waves."""
    return 2 * (2 * concurrency + 8)


def _request(concurrency: int, on_exceeded: str) -> Any:
    items = [{"id": n} | ITEMS[n % len(ITEMS)] for n in range(items_of(concurrency))]
    if on_exceeded == "compensate":
        items[-1]["ending"] = "permanent"
    return inline(
        items,
        batch={"max_items": 2},
        concurrency={"batches": concurrency},
        retry=AT_ONCE,
        on_exceeded=on_exceeded,
    )


def in_flight(working: list[Recording], activity: str) -> list[int]:
    """How many batches were scheduled and not ended after each event, over all executions."""
    moments: list[tuple[datetime, int]] = []
    for recording in working:
        for event in recording.tasks(activity):
            if event["EventType"] == SCHEDULED:
                moments.append((isoparse(event["Timestamp"]), 1))
            elif event["EventType"] in ENDED:
                moments.append((isoparse(event["Timestamp"]), -1))
    # What ended at the same microsecond had ended before: the end is what made room.
    counts, now = [], 0
    for _, change in sorted(moments):
        now += change
        counts.append(now)
    return counts


def at_once(recording: Recording) -> int:
    """The most tasks that an execution had open at a time, of whatever kind."""
    counts, now = [0], 0
    for event in recording.history:
        now += (event["EventType"] in OPENS) - (event["EventType"] in CLOSES)
        counts.append(now)
    return max(counts)


@pytest.mark.parametrize("concurrency", CONCURRENCIES)
@pytest.mark.parametrize("on_exceeded", ["stop", "compensate"])
def test_a_run_never_has_more_batches_in_flight_than_it_may(
    seen: dict[tuple[str, int], Seen], on_exceeded: str, concurrency: int
):
    stages = [functions.PROCESS_BATCH]
    stages += [functions.COMPENSATE_BATCH] if on_exceeded == "compensate" else []
    for activity in stages:
        working = [one for one in seen[on_exceeded, concurrency].all if in_flight([one], activity)]
        counts = in_flight(working, activity)
        assert counts[-1] == 0
        assert max(counts) <= concurrency
        widths = {one.instance_id: max(in_flight([one], activity)) for one in working}
        assert sum(widths.values()) == concurrency, "a part of the width was never used"


def test_the_runs_ended_as_they_were_to(seen: dict[tuple[str, int], Seen]):
    for (on_exceeded, concurrency), one in seen.items():
        outcome = "succeeded" if on_exceeded == "stop" else "compensated"
        assert one.end.outcome == outcome
        assert one.end.items.total == items_of(concurrency)


def test_no_history_has_a_thousand_events_or_two_hundred_tasks_at_once(
    seen: dict[tuple[str, int], Seen],
):
    for one in seen.values():
        assert max(len(recording.history) for recording in one.all) < MOST_EVENTS
        assert max(map(at_once, one.all)) <= MOST_TASKS_AT_ONCE


def test_no_payload_is_longer_than_four_kibibytes(seen: dict[tuple[str, int], Seen]):
    for one in seen.values():
        for recording in one.all:
            for event in recording.history:
                for key in ("Input", "Result"):
                    assert payload_bytes(event.get(key)) <= MAX_PAYLOAD_BYTES


def away(first: int) -> Behaviour:
    """Activities of which those from some batch on fail four times; all want another round."""
    asked: Counter[int] = Counter()

    def behave(ref: BatchRef) -> dict[str, Any]:
        asked[ref.first_cut] += 1
        if ref.first_cut >= first and asked[ref.first_cut] < MAX_BREAKDOWNS:
            raise OSError("storage is away")
        if asked[ref.first_cut] > (MAX_BREAKDOWNS if ref.first_cut >= first else 1):
            return succeed(ref)
        return result(retryable=10)

    return behave


@pytest.fixture(scope="module")
def outages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Recording]]:
    """Histories of shards while storage is away: one as wide as most, one as wide as there are."""
    scripts = {
        "usual": Script(planned(80, per_partition=80, at_once=BATCHES_A_SHARD), away(64)),
        "widest": Script(planned(100, per_partition=100, at_once=MAX_WIDTH), away(0)),
    }

    async def histories() -> list[Recording]:
        app = scripted_app(scripts, memory_rows())
        async with hub(app, tmp_path_factory.mktemp("outage") / "hub.db") as durable:
            await asyncio.gather(
                *(durable.run(functions.RUN, {"run_id": one}, instance_id=one) for one in scripts)
            )
            return recordings(durable.executor.calls, ORCHESTRATORS)

    found = asyncio.run(histories())
    return {
        run_id: [one for one in found if one.instance_id.startswith(run_id)] for run_id in scripts
    }


@pytest.mark.parametrize("width", ["usual", "widest"])
def test_a_history_stays_short_while_storage_is_away(
    outages: dict[str, list[Recording]], width: str
):
    failed = [e for one in outages[width] for e in one.history if e["EventType"] == FAILED]
    assert len(failed) >= (MAX_BREAKDOWNS - 1) * BATCHES_A_SHARD
    assert max(map(at_once, outages[width])) <= MOST_TASKS_AT_ONCE
    assert max(len(recording.history) for recording in outages[width]) < MOST_EVENTS
