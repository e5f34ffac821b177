"""Whoever comes after an attempt that was ended by force waits for the parts that it will write."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fanout import ids
from fanout.adapters.runs import RunFiles
from fanout.adapters.stragglers import PATIENCE, are_written
from fanout.governor import GovernorState, RunState, ShardState
from fanout.ids import BatchName
from fanout.models.request import RetryPolicy
from fanout.models.shard import Retrying, ShardOrder, ShardWork, Wave
from fanout.models.wave import RunEnd
from tests.support.memory_store import MemoryStore

ENDED = datetime(2026, 1, 1, tzinfo=UTC)
GO = ShardOrder(action="go", cuts=5, span=2)


@pytest.fixture
def files() -> RunFiles:
    return RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it


def at_work(order: ShardOrder | None, *, is_forced: bool = True, **work: Any) -> GovernorState:
    """An attempt that was ended while a shard was so far."""
    about = {"batches": 20, "partitions": 2, "batches_per_partition": 10, "retry": RetryPolicy()}
    shard = ShardWork(run_id="r", shard=0, shards=1, partition=1, batch=4, **(about | work))
    end = RunEnd(outcome="cancelled", at=ENDED.isoformat(), is_forced=is_forced)
    return GovernorState(
        run=RunState(end=end), shards={shard.key: ShardState(call=1, order=order, work=shard)}
    )


def waits_for(files: RunFiles, state: GovernorState, seconds: float = 1) -> bool:
    return not are_written("r", 1, state, files, ENDED + timedelta(seconds=seconds))


def write(files: RunFiles, *names: BatchName, of: str = ids.FIRST) -> None:
    for name in names:
        files.write(ids.part_path("r", of, name), b"")


def test_all_batches_of_the_wave_that_was_granted_last_are_waited_for(files: RunFiles) -> None:
    state = at_work(GO)
    write(files, BatchName(1, 4, 2), BatchName(1, 6, 2))
    assert waits_for(files, state)
    write(files, BatchName(1, 8, 1))
    assert not waits_for(files, state)


def test_of_a_round_only_those_that_take_part(files: RunFiles) -> None:
    waits = Retrying(batches=[6], items=3, retry_round=2, since="", until="")
    state = at_work(GO, wave=Wave(end=9, span=2), retrying=waits)
    write(files, BatchName(1, 6, 2, retry_round=1))
    assert waits_for(files, state)
    write(files, BatchName(1, 6, 2, retry_round=2))
    assert not waits_for(files, state)


def test_of_a_repair_those_that_are_repaired_in_their_round(files: RunFiles) -> None:
    waits = Retrying(batches=[4], broken=[8], items=3, retry_round=1, since="", until="")
    state = at_work(GO, wave=Wave(end=9, span=2), retrying=waits)
    assert waits_for(files, state)
    write(files, BatchName(1, 8, 1))
    assert not waits_for(files, state)


def test_a_probe_is_one_batch(files: RunFiles) -> None:
    state = at_work(GO.model_copy(update={"is_probe": True}))
    assert waits_for(files, state)
    write(files, BatchName(1, 4, 2))
    assert not waits_for(files, state)


def test_parts_of_a_compensation_are_its_own(files: RunFiles) -> None:
    state = at_work(GO.model_copy(update={"cuts": 1, "span": 1}), stage="compensate")
    write(files, BatchName(1, 4))
    assert waits_for(files, state)
    write(files, BatchName(1, 4), of=ids.generation(1, "compensate"))
    assert not waits_for(files, state)


@pytest.mark.parametrize(
    "state",
    [
        at_work(None),
        at_work(ShardOrder(action="wait", wait_seconds=5)),
        at_work(ShardOrder(action="stop", reason="done")),
        at_work(GO, is_saga=True),
        at_work(GO, is_forced=False),
        GovernorState(),
    ],
)
def test_what_has_nothing_under_way_is_not_waited_for(
    files: RunFiles, state: GovernorState
) -> None:
    assert not waits_for(files, state)


def test_after_a_while_nobody_will_write_them_any_more(files: RunFiles) -> None:
    state, patience = at_work(GO), PATIENCE.total_seconds()
    assert waits_for(files, state, patience)
    assert not waits_for(files, state, patience + 1)
