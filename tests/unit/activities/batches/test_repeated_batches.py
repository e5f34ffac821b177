"""Whoever carries out a batch again gives what its first execution gave, and changes nothing."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.batches.compensate_batch import compensate
from activities.batches.process_batch import process
from activities.planning.plan_compensation import plan_undo
from fanout.adapters.settings import settings as settings_of_app
from fanout.errors import TransientError
from fanout.messages.batches import BatchResult, ProcessAsk
from fanout.messages.run import RunRef
from fanout.models.outcome import ErrorInfo
from fanout.models.request import RunRequest
from fanout.naming import blob_paths, row_keys
from fanout.records import Chunk
from fanout.workload import ChunkResult, Context, Failure
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline
from tests.support.workloads.probe_workloads import Probe, ProbeItem, Sum, SumParameters
from workloads import registry

ATTEMPTS = 3
POLICY = {"max_attempts": ATTEMPTS, "base_seconds": 0, "jitter_seconds": 0}
SOURCE = {"kind": "csv", "container": "inbox", "blob": "rows.csv"}
Activity = Callable[[ProcessAsk, Any], BatchResult]


class Counting(Probe):
    """Ends each item as it says, and counts how often it was asked to."""

    name: ClassVar[str] = "counting-probe"
    calls: ClassVar[int] = 0

    def process(self, item: ProbeItem, context: Context[Any]) -> Any:
        type(self).calls += 1
        return super().process(item, context)

    def compensate(self, item: ProbeItem, output: Any, context: Context[Any]) -> None:
        type(self).calls += 1
        super().compensate(item, output, context)


class Shop(Counting):
    """The same, of a service."""

    name: ClassVar[str] = "shop-probe"
    downstream: ClassVar[str | None] = "shop"


class Mending(Sum):
    """Refuses the rows that it is told to."""

    name: ClassVar[str] = "mending"
    refused: ClassVar[frozenset[int]] = frozenset()

    def process_chunk(
        self, chunk: Chunk, context: Context[SumParameters]
    ) -> ChunkResult[dict[str, Any]]:
        made = super().process_chunk(chunk, context)
        fault = ErrorInfo(type="Refused", message="not this one")
        mine = range(chunk.first_index, chunk.first_index + chunk.count)
        failures = [Failure(index, fault) for index in mine if index in self.refused]
        return ChunkResult(made.partial, failures)


for workload in (Counting(), Shop(), Mending()):
    registry.register(workload)

ITEM = st.fixed_dictionaries(
    {"ending": st.sampled_from(["ok", "ok", "permanent", "transient", "crash", "no-id"])},
    optional={
        "good": st.integers(1, ATTEMPTS + 1),
        "retry_after": st.integers(1, 9),
        "undo": st.sampled_from(["ok", "permanent"]),
        "undo_good": st.integers(1, ATTEMPTS + 1),
    },
)


@pytest.fixture(scope="module", autouse=True)
def set_up() -> Iterator[None]:
    """Settings, which the plan of a workload with a downstream asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FANOUT_STORAGE", "UseDevelopmentStorage=true")
        settings_of_app.cache_clear()
        yield
    settings_of_app.cache_clear()


def untimed(result: BatchResult) -> BatchResult:
    """What it came to, however long it took."""
    return result.model_copy(update={"work_ms": None})


def refs(run: LocalRun, partition: int, batch: int) -> Iterator[ProcessAsk]:
    """The batch in one round after the other."""
    for retry_round in range(ATTEMPTS + 1):
        yield ProcessAsk(
            run_id=RUN_ID,
            attempt=run.attempt,
            partition=partition,
            first_cut=batch,
            retry_round=retry_round,
        )


def carried_out(
    run: LocalRun, ref: ProcessAsk, activity: Activity, stage: row_keys.Stage
) -> BatchResult:
    """Carry out a batch, and then again: where its answer got lost, and where both were at work."""
    first = activity(ref, run.files)
    path = blob_paths.part_path(RUN_ID, blob_paths.generation(run.attempt, stage), ref.name)
    part, calls = run.files.read(path), Counting.calls
    repeated = activity(ref.model_copy(update={"is_repeated": True}), run.files)
    assert Counting.calls == calls, "nothing was done"
    second = activity(ref, run.files)
    for again in (repeated, second):
        assert again.work_ms is None
        answered = {"has_answered": first.has_answered and first.succeeded > 0}
        assert again == untimed(first).model_copy(update=answered)
    assert run.files.read(path) == part
    return first


def worked_off(run: LocalRun) -> None:
    """Carry out every batch of an attempt, each of its rounds more than once."""
    for partition, batch, _ in run.batches(run.plan().work):
        for ref in refs(run, partition, batch):
            if not carried_out(run, ref, process, "process").retryable:
                break


@pytest.mark.parametrize("workload", ["counting-probe", "async-probe", "shop-probe"])
@settings(max_examples=40)
@given(items=st.lists(ITEM, max_size=8), per_batch=st.integers(1, 8), is_redriven=st.booleans())
def test_a_batch_of_a_map_gives_what_its_part_says(
    workload: str, items: list[dict[str, Any]], per_batch: int, is_redriven: bool
):
    values = [item | {"id": n} for n, item in enumerate(items)]
    more = {"retry": POLICY, "batch": {"max_items": per_batch}, "tolerance": {"percentage": 100}}
    run = LocalRun(inline(values, workload, **more))
    worked_off(run)
    if is_redriven and items:
        run.finalize()
        run.claim_redrive()
        worked_off(run)


@settings(max_examples=40)
@given(
    refused=st.lists(st.frozensets(st.integers(0, 11)), min_size=1, max_size=3),
    per_batch=st.integers(1, 12),
    fail_attempts=st.integers(0, ATTEMPTS),
)
def test_a_chunk_gives_what_its_part_says(
    refused: list[frozenset[int]], per_batch: int, fail_attempts: int
):
    run = LocalRun(
        RunRequest.model_validate(
            {
                "workload": "mending",
                "source": SOURCE,
                "parameters": {"column": "n", "fail_attempts": fail_attempts},
                "batch": {"max_items": per_batch},
                "retry": POLICY,
                "tolerance": {"percentage": 100},
            }
        )
    )
    run.store.write("inbox", "rows.csv", "\n".join(["n", *map(str, range(12))]).encode())
    for number, some in enumerate(refused):
        if number:
            run.claim_redrive()
        Mending.refused = some
        worked_off(run)
        run.finalize()


@settings(max_examples=40)
@given(items=st.lists(ITEM, min_size=1, max_size=8), per_batch=st.integers(1, 8))
def test_a_compensation_gives_what_its_part_says(items: list[dict[str, Any]], per_batch: int):
    values = [item | {"id": n} for n, item in enumerate(items)]
    more = {"retry": POLICY, "batch": {"max_items": per_batch}, "on_exceeded": "compensate"}
    run = LocalRun(inline(values, "counting-probe", **more))
    run.work_off(run.plan())
    work = plan_undo(RunRef(run_id=RUN_ID), run.files)
    for partition, batch, _ in run.batches(work):
        for ref in refs(run, partition, batch):
            if not carried_out(run, ref, compensate, "compensate").retryable:
                break


def test_a_wait_that_was_asked_for_is_not_forgotten(monkeypatch: pytest.MonkeyPatch):
    def busy(*_: Any) -> None:
        raise TransientError("busy", retry_after=7)

    monkeypatch.setattr(Probe, "compensate", busy)
    run = LocalRun(inline([{"id": 0}], retry=POLICY, on_exceeded="compensate"))
    run.work_off(run.plan())
    plan_undo(RunRef(run_id=RUN_ID), run.files)
    first, second, third, _ = refs(run, 0, 0)
    for ref in (first, second):
        assert carried_out(run, ref, compensate, "compensate").retry_after == 7
    assert carried_out(run, third, compensate, "compensate").failed == 1


def test_who_comes_second_says_what_the_first_said_though_it_did_otherwise(
    monkeypatch: pytest.MonkeyPatch,
):
    run = LocalRun(inline([{"id": 0}, {"id": 1}], "counting-probe"))
    run.plan()
    ref = next(refs(run, 0, 0))
    others: list[BatchResult] = []

    def meanwhile(self: Probe, item: ProbeItem, context: Context[Any]) -> Any:
        monkeypatch.undo()
        others.append(process(ref, run.files))
        raise LookupError("too late")

    monkeypatch.setattr(Counting, "process", meanwhile)
    result = process(ref, run.files)
    assert (result.succeeded, result.retryable) == (2, 0)
    assert result == untimed(others[0])
    assert [outcome.status for outcome in run.part()] == ["succeeded"] * 2


def test_a_part_tells_of_a_downstream_that_is_down():
    items = [{"id": n, "ending": "transient"} for n in range(6)]
    run = LocalRun(inline(items, "shop-probe", retry=POLICY))
    run.plan()
    ref = next(refs(run, 0, 0))
    assert carried_out(run, ref, process, "process").has_tripped
