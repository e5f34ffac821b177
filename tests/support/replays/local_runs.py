"""A run's activities called one after the other, as its orchestrators would, on blobs in memory."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

from pydantic_core import from_json

from activities.batches.compensate_batch import compensate
from activities.batches.process_batch import process
from activities.planning.plan import plan_run
from activities.planning.plan_compensation import plan_undo
from activities.results.finalize import finalize_run
from activities.results.lay_out import lay_out_run
from activities.results.merge_partials import merge_level
from activities.results.write_results import write_range
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.part_reader import read_batches
from fanout.adapters.settings import DEFAULT_MAX_RESULT_FILE_BYTES
from fanout.messages.batches import BatchRef, BatchResult, ProcessAsk
from fanout.messages.fan_in import FanInWork, FinalizeAsk, LayOutAsk, MergeRef, RangeRef
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunEnd, RunInput, RunRef, Verdict
from fanout.models.outcome import Outcome
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.models.status import ResultManifest
from fanout.naming import blob_paths
from fanout.naming.result_names import ResultKind
from fanout.splitting.sizes.budget import Budget
from tests.support.doubles.memory_store import MemoryStore
from tests.support.workloads import probe_workloads

RUN_ID = "r"


@dataclass
class LocalRun:
    """One run; its request is claimed when it is made.

    Attributes:
        results: What each call of `process_batch` came to.
        attempt: The attempt that it is in.
        rounds: How many rounds each batch took, by partition and batch.
        spans: How many cuts each batch takes, in turn, where the plan lets it.
        compensates: Whether it has been compensated.
        max_bytes: How long a result file of outcomes gets.
        container: Where it is kept.
    """

    request: RunRequest
    store: MemoryStore = field(default_factory=MemoryStore)
    results: list[BatchResult] = field(default_factory=list)
    rounds: Counter[tuple[int, int]] = field(default_factory=Counter)

    attempt: int = 1
    spans: tuple[int, ...] = (1,)
    is_cancelled: bool = False
    compensates: bool = False
    max_bytes: int = DEFAULT_MAX_RESULT_FILE_BYTES
    container: str = "runs"

    def __post_init__(self) -> None:
        self.files = RunFiles(self.store, self.container)  # type: ignore[arg-type]  # the double of it
        self.request = self.request.model_copy(update={"run_id": RUN_ID})
        assert self.files.claim(RUN_ID, self.request)

    def use(self, budget: Budget) -> None:
        """Have its batches take so much memory, and no more."""
        self.files = replace(self.files, budget=budget)

    def plan(self) -> PlanResult:
        return plan_run(RunInput(run_id=RUN_ID, attempt=self.attempt), self.files)

    def batch(
        self, partition: int = 0, first_cut: int = 0, retry_round: int = 0, span: int = 1
    ) -> BatchResult:
        ask = ProcessAsk(
            run_id=RUN_ID,
            attempt=self.attempt,
            partition=partition,
            first_cut=first_cut,
            span=span,
            retry_round=retry_round,
        )
        return process(ask, self.files)

    def batches(self, work: Work) -> Iterator[tuple[int, int, int]]:
        """Every batch: its partition, its first cut, and its span, as `spans` gives them."""
        spans = cycle(self.spans)
        for partition in range(work.partitions):
            first = partition * work.cuts_per_partition
            here = min(work.cuts_per_partition, work.cuts - first)
            at = 0
            while at < here:
                span = min(next(spans), work.max_span, here - at)
                yield partition, at, span
                at += span

    def work_off(self, plan: PlanResult) -> None:
        """Give every batch as many rounds as it wants."""
        for partition, first_cut, span in self.batches(plan.work):
            wants_another = True
            while wants_another:
                retry_round = self.rounds[partition, first_cut]
                result = self.batch(partition, first_cut, retry_round, span)
                self.results.append(result)
                self.rounds[partition, first_cut] += 1
                wants_another = result.retryable > 0

    def compensate(self) -> list[BatchResult]:
        """Plan the compensation, and give every batch as many rounds of it as it wants."""
        self.compensates = True
        work = plan_undo(RunRef(run_id=RUN_ID, attempt=self.attempt), self.files)
        results = []
        for partition, first_cut, _ in self.batches(work):
            result, retry_round = BatchResult(retryable=1), 0
            while result.retryable:
                ref = BatchRef(
                    run_id=RUN_ID,
                    attempt=self.attempt,
                    partition=partition,
                    first_cut=first_cut,
                    retry_round=retry_round,
                )
                result = compensate(ref, self.files)
                results.append(result)
                retry_round += 1
        return results

    def finalize(self) -> RunEnd:
        """Fan in, as the orchestrator `fan_in` does."""
        tolerance = self.files.request(RUN_ID, self.attempt).tolerance
        verdict = Verdict(
            tolerance=tolerance, is_cancelled=self.is_cancelled, compensates=self.compensates
        )
        ask = LayOutAsk(run_id=RUN_ID, attempt=self.attempt, verdict=verdict)
        layout = lay_out_run(ask, self.files, self.max_bytes)
        if layout.end is not None:
            return layout.end
        work = FanInWork(**ask.model_dump(), ranges=layout.ranges, has_partials=layout.has_partials)
        while wave := work.wave:
            for number in wave:
                self._fan_in(work, number)
            work = work.after_wave
        last = FinalizeAsk(**ask.model_dump(), ranges=layout.ranges, level=work.top)
        return finalize_run(last, self.files)

    def _fan_in(self, work: FanInWork, number: int) -> None:
        if work.level == 0:
            write_range(work.message(RangeRef, number=number), self.files, self.max_bytes)
            return
        below = work.width_of(work.level - 1)
        merge = work.message(MergeRef, number=number, level=work.level, below=below)
        merge_level(merge, self.files)

    def redrive(self, **asked: Any) -> RunEnd:
        """Make another attempt of the run."""
        self.claim_redrive(**asked)
        return self.run()

    def claim_redrive(self, **asked: Any) -> None:
        self.attempt += 1
        redrive = RedriveRequest.model_validate(asked)
        assert self.files.claim_attempt(RUN_ID, self.attempt, redrive)
        self.rounds.clear()
        self.results.clear()

    def run(self) -> RunEnd:
        self.work_off(self.plan())
        return self.finalize()

    def part(self, partition: int = 0, batch: int = 0, retry_round: int = 0) -> list[Outcome]:
        name = blob_paths.BatchName(partition, batch, retry_round=retry_round)
        return lines(self.files.read(blob_paths.part_path(RUN_ID, blob_paths.FIRST, name)))

    def outcomes_now(self) -> list[Outcome]:
        """Every outcome as the parts have it, in source order."""
        ref = RunRef(run_id=RUN_ID, attempt=self.attempt)
        found = read_batches(self.files, ref, self.files.manifest(RUN_ID))
        return [outcome for batch in found for outcome in lines(batch.lines)]

    def manifest(self) -> ResultManifest:
        data = self.files.read(blob_paths.results_manifest_path(RUN_ID))
        return ResultManifest.model_validate_json(data)

    def outcomes(self) -> list[Outcome]:
        """Every outcome in the result files, file by file as the manifest lists them."""
        listed = [
            file
            for file in self.manifest().files
            if file.name.endswith(".jsonl") and not file.name.startswith(ResultKind.DEAD_LETTERS)
        ]
        return [
            outcome
            for file in listed
            for outcome in lines(self.files.read(blob_paths.result_path(RUN_ID, file.name)))
        ]


def lines(data: bytes) -> list[Outcome]:
    """Parse a file of outcomes."""
    return [Outcome.model_validate(from_json(line)) for line in data.splitlines()]


def inline(items: list[Any], workload: str = probe_workloads.Probe.name, **more: Any) -> RunRequest:
    """Ask for a run over items in the request itself, in one batch unless `more` says otherwise."""
    source = {"kind": "inline", "items": items}
    request = {"workload": workload, "source": source, "batch": {"max_items": 1000}}
    return RunRequest.model_validate(request | more)


def halted(plan: PlanResult, cuts: int) -> PlanResult:
    """A plan whose shards stop after so many cuts."""
    fewer = min(cuts, plan.work.cuts)
    partitions = -(-fewer // plan.work.cuts_per_partition)
    counts = {"cuts": fewer, "partitions": partitions}
    return plan.model_copy(update={"work": plan.work.model_copy(update=counts)})
