"""Whatever batches come to in whatever round, each has all its rounds, in order, and none twice."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fanout.adapters.rows.attempts import read_attempt
from fanout.adapters.rows.rows import Rows
from fanout.downstream import breaker
from fanout.messages.batches import BatchRef, BatchResult
from fanout.messages.shards import ShardCounts
from fanout.naming import functions
from tests.support.doubles.memory_tables import memory_rows
from tests.support.replays.durable_hub import Hub, hub
from tests.support.replays.scripted_runs import Script, planned, scripted_app

ITEMS = 10
Key = tuple[int, int]


@dataclass
class Course:
    """What becomes of each batch.

    Attributes:
        rounds: How many items want another one after each; after the last none does.
        breaks: Rounds whose activity fails the first time.
        outage: How many batches find the downstream down first of all.
    """

    rounds: dict[Key, list[int]]
    breaks: dict[Key, set[int]]
    outage: int = 0
    taken: dict[Key, list[BatchRef]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, ref: BatchRef) -> dict[str, Any]:
        key = (ref.partition, ref.first_cut)
        known = self.taken[key]
        known.append(ref)
        if self.outage > 0:
            self.outage -= 1
            return _told(BatchResult(retryable=ITEMS, untried=ITEMS, has_tripped=True))
        number = len({one.retry_round for one in known}) - 1
        if number in self.breaks.get(key, ()) and not ref.is_repeated:
            raise OSError("storage is away")
        return _told(self.result(key, number))

    def result(self, key: Key, number: int) -> BatchResult:
        """What a batch comes to in a round of this number."""
        left = [ITEMS, *self.rounds.get(key, [])]
        waiting = left[min(number, len(left) - 1)] if number < len(left) else 0
        again = left[number + 1] if number + 1 < len(left) else 0
        done = max(0, waiting - again)
        return BatchResult(
            succeeded=done, retryable=again, retries=waiting if number else 0, has_answered=True
        )


def _told(result: BatchResult) -> dict[str, Any]:
    return result.model_dump(mode="json")


@dataclass
class Stage:
    """An engine that carries out one scripted run after the other."""

    runner: asyncio.Runner
    durable: Hub
    scripts: dict[str, Script]
    rows: Rows

    def run(self, course: Course, **plan: Any) -> ShardCounts:
        run_id = f"r{len(self.scripts)}"
        self.scripts[run_id] = Script(planned(**plan), course)
        asked = self.durable.run(functions.RUN, {"run_id": run_id}, instance_id=run_id)
        assert self.runner.run(asked)["outcome"] == "succeeded"
        return read_attempt(self.rows, run_id, 1).state.counts("process")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    path: Path = tmp_path_factory.mktemp("waves") / "hub.db"
    scripts: dict[str, Script] = {}
    rows = memory_rows()
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr(breaker, "FIRST_COOL_DOWN_SECONDS", 0.02)
        patch.setattr(breaker, "PROBE_WAIT_SECONDS", 0.02)
        engine = hub(scripted_app(scripts, rows), path)
        yield Stage(runner, runner.run(engine.__aenter__()), scripts, rows)
        runner.run(engine.__aexit__(None, None, None))


keys = st.tuples(st.integers(0, 3), st.integers(0, 4))
descending = st.lists(st.integers(1, ITEMS), max_size=3).map(lambda some: sorted(some)[::-1])
SHAPE = {
    "batches": st.integers(1, 8),
    "per_partition": st.integers(1, 5),
    "shards": st.integers(1, 2),
    "at_once": st.integers(1, 4),
}


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    rounds=st.dictionaries(keys, descending, max_size=6),
    breaks=st.dictionaries(keys, st.sets(st.integers(0, 3)), max_size=6),
    shape=st.fixed_dictionaries(SHAPE),
)
def test_each_batch_has_all_its_rounds_in_order_and_a_broken_one_is_repaired_at_once(
    stage: Stage,
    rounds: dict[Key, list[int]],
    breaks: dict[Key, set[int]],
    shape: dict[str, int],
):
    course = Course(rounds, breaks)
    counts = stage.run(course, **shape)
    every = {divmod(number, shape["per_partition"]) for number in range(shape["batches"])}
    assert course.taken.keys() == every
    for key, taken in course.taken.items():
        wanted = []
        for number in range(len(rounds.get(key, [])) + 1):
            wanted.append((number, False))
            if number in breaks.get(key, ()):
                wanted.append((number, True))
        assert [(ref.retry_round, ref.is_repeated) for ref in taken] == wanted
    retries = sum(sum(rounds.get(key, [])) for key in every)
    assert counts == ShardCounts(succeeded=ITEMS * len(every), retries=retries)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    rounds=st.dictionaries(keys, descending, max_size=4),
    breaks=st.dictionaries(keys, st.sets(st.integers(0, 2)), max_size=4),
    outage=st.integers(1, 4),
    shape=st.fixed_dictionaries(SHAPE),
)
def test_no_batch_is_forgotten_while_a_downstream_is_probed(
    stage: Stage,
    rounds: dict[Key, list[int]],
    breaks: dict[Key, set[int]],
    outage: int,
    shape: dict[str, int],
):
    course = Course(rounds, breaks, outage)
    counts = stage.run(course, downstream=f"shop-{len(stage.scripts)}", **shape)
    every = {divmod(number, shape["per_partition"]) for number in range(shape["batches"])}
    assert course.taken.keys() == every
    for taken in course.taken.values():
        numbers = [ref.retry_round for ref in taken]
        assert numbers == sorted(numbers)
        firsts = [ref.retry_round for ref in taken if not ref.is_repeated]
        assert len(set(firsts)) == len(firsts), "no round twice"
    assert counts.lost_batches == 0
