"""Whatever batches give back, and whatever dies meanwhile, each cut is carried out by one batch."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.parts import Parts
from fanout.messages.batches import BatchResult, ProcessAsk
from fanout.messages.payloads import dump
from fanout.messages.rests import RestNews
from fanout.messages.run import RunInput
from fanout.messages.shards import ShardCounts
from fanout.naming import blob_paths, functions
from fanout.naming.blob_paths import BatchName
from localhost.durable.errors import InstanceFinishedError
from tests.support.doubles.memory_tables import memory_rows
from tests.support.replays.durable_hub import Hub, hub
from tests.support.replays.scripted_runs import Script, planned, scripted_app

ITEMS = 10
ITEM_MS = 100.0
MOST_SECONDS = 0.02
LONGEST_WAIT_SECONDS = 1.0


@dataclass(repr=False)
class Course:
    """What becomes of batches: they leave parts and records as the activity does.

    Attributes:
        seconds: How long each is at work, at most.
        left_to_call: How many more calls somebody waits for, by `are_called`.
        left: What each has left: how many cuts it has kept, or None where it is a part.
        results: What each part says.
        under_way: How many are at work now, and `most` at most.
    """

    draws: random.Random
    durable: list[Hub]
    odds: dict[str, float]
    seconds: float = MOST_SECONDS
    left: dict[BatchName, int | None] = field(default_factory=dict)
    results: dict[BatchName, BatchResult] = field(default_factory=dict)
    seen: set[BatchName] = field(default_factory=set)
    left_to_call: int = 0
    are_called: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    most: int = 0

    def happens(self, what: str) -> bool:
        return self.draws.random() < self.odds[what]

    async def has_called(self, number: int) -> None:
        """Wait until there were so many more calls, or for a while."""
        self.left_to_call, self.are_called = number, asyncio.Event()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.are_called.wait(), LONGEST_WAIT_SECONDS)

    async def __call__(self, ask: ProcessAsk) -> dict[str, Any]:
        self.left_to_call -= 1
        if self.left_to_call == 0:
            self.are_called.set()
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return dump(await self._process(ask))
        finally:
            self.under_way -= 1

    async def _process(self, ask: ProcessAsk) -> BatchResult:
        name = ask.name
        if (ask.is_repeated or ask.box) and name in self.left:
            kept = self.left[name]
            if kept is None:
                return self.results[name]
            return await self._keep(name, kept)
        if ask.box is not None and name.span > 1 and self.happens("gives back"):
            kept = self.left.setdefault(name, self.draws.randint(1, name.span - 1))
            if kept is not None:
                await self._tell(ask, kept)
                self._break(name)
                return await self._keep(name, kept)
        self._break(name)
        await self._work()
        return self._write(name)

    async def _keep(self, name: BatchName, kept: int) -> BatchResult:
        await self._work()
        own = BatchName(name.partition, name.first_cut, kept, name.retry_round)
        return self._write(own).model_copy(update={"cuts": kept})

    async def _tell(self, ask: ProcessAsk, kept: int) -> None:
        if not self.happens("tells"):
            return
        news = json.dumps(RestNews(cuts=kept, item_ms=ITEM_MS).dump())
        for _ in range(1 + self.happens("tells")):
            with suppress(InstanceFinishedError, KeyError):
                await self.durable[0].engine.raise_event(ask.instance, ask.event, news)

    async def _work(self) -> None:
        await asyncio.sleep(self.draws.random() * self.seconds)

    def _break(self, name: BatchName) -> None:
        """Fail, once for each batch, with what it has left still there."""
        if name not in self.seen and self.happens("breaks"):
            self.seen.add(name)
            raise OSError("storage is away")

    def _write(self, name: BatchName) -> BatchResult:
        """Write a part unless there is one, and give what it says."""
        if name not in self.left:
            before = self._waiting_before(name)
            again = self.draws.randint(1, before) if self.happens("again") else 0
            again = 0 if name.retry_round == 2 else again
            self.left[name] = None
            self.results[name] = BatchResult(
                succeeded=before - again,
                retryable=again,
                retries=before if name.retry_round else 0,
                work_ms=ITEM_MS * before,
            )
        return self.results[name]

    def _waiting_before(self, name: BatchName) -> int:
        if name.retry_round == 0:
            return ITEMS * name.span
        before = BatchName(name.partition, name.first_cut, name.span, name.retry_round - 1)
        return self.results[before].retryable


@dataclass(repr=False)
class Stage:
    """An engine that carries out one scripted run after the other."""

    runner: asyncio.Runner
    hubs: list[Hub]
    scripts: dict[str, Script]
    rows: Rows

    def run(self, course: Course, deaths: list[int], **plan: Any) -> ShardCounts:
        run_id = f"r{len(self.scripts)}"
        self.scripts[run_id] = Script(planned(**plan), course)
        ended = self.runner.run(self._run(run_id, course, deaths))
        assert ended["outcome"] == "succeeded"
        return read_attempt(self.rows, run_id, 1).state.counts("process")

    def count(self, function: str) -> int:
        """How often a function was called so far."""
        calls = self.hubs[0].executor.calls
        return sum(call.function == function for call in calls)

    async def _run(self, run_id: str, course: Course, deaths: list[int]) -> Any:
        durable, asked = self.hubs[0], dump(RunInput(run_id=run_id))
        instance = await durable.start(functions.RUN, asked, instance_id=run_id)
        for number in deaths:
            await course.has_called(number)
            try:
                await durable.engine.terminate(run_id, "its worker died")
            except InstanceFinishedError:
                break
            record = await durable.status(run_id, "Terminated", "Completed")
            if record.runtime_status == "Completed":
                break
            asked = dump(RunInput(run_id=run_id, is_resumed=True))
            await durable.start(functions.RUN, asked, instance_id=run_id)
        return await durable.result(instance)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    path: Path = tmp_path_factory.mktemp("rests") / "hub.db"
    scripts: dict[str, Script] = {}
    rows = memory_rows()
    with asyncio.Runner() as runner:
        engine = hub(scripted_app(scripts, rows), path)
        yield Stage(runner, [runner.run(engine.__aenter__())], scripts, rows)
        runner.run(engine.__aexit__(None, None, None))


ODDS = {
    "gives back": st.sampled_from([0.5, 1.0]),
    "tells": st.sampled_from([0.0, 0.5, 1.0]),
    "breaks": st.sampled_from([0.0, 0.0, 0.2]),
    "again": st.sampled_from([0.0, 0.0, 0.3]),
}
SHAPE = {
    "batches": st.integers(1, 60),
    "per_partition": st.integers(5, 40),
    "shards": st.integers(1, 2),
    "at_once": st.integers(1, 6),
    "max_span": st.integers(2, 20),
}


SOME_BREAK = {"gives back": 0.5, "tells": 0.5, "breaks": 0.2, "again": 0.0}
SMALL = {"batches": 9, "per_partition": 5, "shards": 1, "at_once": 3, "max_span": 2}


@example(seed=0, odds=SOME_BREAK, shape=SMALL, deaths=[])
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    odds=st.fixed_dictionaries(ODDS),
    shape=st.fixed_dictionaries(SHAPE),
    deaths=st.lists(st.integers(1, 12), max_size=2),
)
def test_each_cut_is_carried_out_by_one_batch_and_each_item_counted_once(
    stage: Stage, seed: int, odds: dict[str, float], shape: dict[str, int], deaths: list[int]
):
    course = Course(random.Random(seed), stage.hubs, odds)
    shape = {**shape}
    shape["shards"] = min(shape["shards"], -(-shape["batches"] // shape["per_partition"]))
    counts = stage.run(course, deaths, **shape)
    assert counts.lost_batches == 0
    assert counts.succeeded == ITEMS * shape["batches"]
    done = Counter(
        divide(name.partition, cut, shape["per_partition"])
        for name, kept in course.left.items()
        if kept is None and name.retry_round == 0
        for cut in range(name.first_cut, name.first_cut + name.span)
    )
    assert done == Counter(range(shape["batches"])), "some cut was done by two, or by none"
    insist_on_parts(course, shape)
    if not deaths:
        assert course.most <= shape["at_once"] * shape["shards"]


@pytest.mark.parametrize("tells", [0.0, 1.0])
def test_rounds_of_a_wave_with_rests_are_no_wider_than_it_was(stage: Stage, tells: float):
    odds = {"gives back": 1.0, "tells": tells, "breaks": 0.0, "again": 1.0}
    course = Course(random.Random(2), stage.hubs, odds)
    shape = {"batches": 60, "per_partition": 60, "at_once": 4, "max_span": 20}
    assert stage.run(course, [], **shape).succeeded == ITEMS * shape["batches"]
    assert course.most <= 4


def test_a_rest_that_finds_no_room_is_asked_for_again_when_there_is_some(stage: Stage):
    """Not whenever anything happens, and not each of them: that would be the square of them."""
    odds = {"gives back": 1.0, "tells": 1.0, "breaks": 0.0, "again": 0.0}
    course = Course(random.Random(1), stage.hubs, odds, seconds=0.4)
    before = stage.count(functions.STEER)
    shape = {"batches": 700, "per_partition": 700, "at_once": 60, "max_span": 20}
    assert stage.run(course, [], **shape).succeeded == ITEMS * shape["batches"]
    rests = sum(kept is not None for kept in course.left.values())
    assert rests > 60
    assert stage.count(functions.STEER) - before <= 1.2 * rests + 10


def divide(partition: int, cut: int, per_partition: int) -> int:
    """The number of a cut in the whole plan."""
    return partition * per_partition + cut


def insist_on_parts(course: Course, shape: dict[str, int]) -> None:
    """Whoever lists the parts finds those of every batch, and no record."""
    parts = Parts()
    for name in course.left:
        parts.note(blob_paths.part_path("r", blob_paths.FIRST, name), 1)
    found = parts.without_rest_records().newest
    cuts = Counter(
        divide(partition, cut, shape["per_partition"])
        for (partition, first), part in found.items()
        for cut in range(first, first + part.span)
    )
    assert cuts == Counter(range(shape["batches"]))
    names = {BatchName(*key, part.span, part.retry_round) for key, part in found.items()}
    assert all(course.left[name] is None for name in names)
    assert sum(course.results[name].retryable for name in names) == 0
