"""The scout: `begin` carries out the first batch of a run itself, in a time box.

A small run of quick items is done then, in one activity. Of a larger one it is known how long an
item takes, so that its first wave is as wide, and its batches are as large, as suits that.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from activities.batches.boxes.rests import batch_cuts, batch_part_path
from activities.batches.fence import Fence
from activities.batches.process_batch import BatchEnd, process_anew
from activities.batches.steer import note_ask, steer_shard
from activities.endings.known_run import KnownRun
from activities.endings.settle import settle_and_end
from activities.events import RaiseEvent
from fanout.adapters.rows.attempts import AttemptRows
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles, kept_request
from fanout.adapters.run_files.part_reader import BatchOutcomes, join_cuts
from fanout.adapters.telemetry.logs import logger
from fanout.governor.shard_work import (
    batches_of_round,
    begin_round,
    end_wave,
    make_ask,
    note_rests,
)
from fanout.governor.tallies import add_results
from fanout.messages.batches import BatchResult, ProcessAsk
from fanout.messages.beginning import BeginAsk, BeginResult
from fanout.messages.ending import SettleAsk, SettleResult
from fanout.messages.planning import PlanResult
from fanout.messages.rests import SCOUT_EVENT
from fanout.messages.shards import ShardAsk, ShardOrder, ShardWork
from fanout.models.plan import Origin
from fanout.models.source import InlineSource, TextSource
from fanout.naming import blob_paths, functions
from fanout.naming.moments import moment_text
from fanout.workload import ChunkWorkload, MapWorkload
from workloads import registry

log = logger(functions.BEGIN)


def is_quick_to_plan(ask: BeginAsk, files: RunFiles) -> bool:
    """Tell whether the plan takes so short that nobody needs to see that it is made."""
    source = kept_request(files, ask.run_id, ask.attempt).source
    return isinstance(source, InlineSource | TextSource)


def may_send_scout(ask: BeginAsk, plan: PlanResult, files: RunFiles) -> bool:
    """Tell whether the first batch may begin before anything is known of the items.

    Not where other services or a rate have a say in when it begins; nor where there are more, and
    it cannot give back what takes long.
    """
    work = plan.work
    has_say = plan.downstream is not None or plan.limits.items_per_second is not None
    if ask.attempt > 1 or ask.is_resumed or has_say or not work.cuts:
        return False
    workload = registry.get(kept_request(files, ask.run_id, ask.attempt).workload)
    if isinstance(workload, MapWorkload):
        return work.cuts == 1 or work.max_span > 1
    return isinstance(workload, ChunkWorkload) and work.cuts == 1


def first_work(ask: BeginAsk, plan: PlanResult) -> ShardWork:
    """Where the first shard is when it asks for the first time."""
    work = ShardWork.first(ask, plan, plan.work, 0, "process")
    return work.model_copy(update={"call": 1})


@dataclass
class _Told:
    """Events on their way, and whether there was one."""

    raise_event: RaiseEvent
    has_told: bool = field(default=False)

    def tell(self, instance: str, name: str, value: Any = None) -> None:
        self.has_told = True
        self.raise_event(instance, name, value)


@dataclass(frozen=True)
class Scouting:
    """What it takes to carry out the first batch.

    Attributes:
        raise_event: Tells the orchestration that slow items were met.
        max_bytes: How long a result file gets, before compression.
    """

    raise_event: RaiseEvent
    max_bytes: int


@dataclass(frozen=True)
class Scout:
    """The first batch of a run that has just been planned.

    Attributes:
        ask: Which attempt of which run.
        plan: Its plan.
        order: What its first shard was granted.
        files: Where the run is kept.
        rows: Its rows.
        known: Those as they are now.
    """

    ask: BeginAsk
    plan: PlanResult
    order: ShardOrder
    files: RunFiles
    rows: Rows
    known: AttemptRows

    def carry_out(self, scouting: Scouting) -> BeginResult:
        """Carry out the batch, and what is left to do if that was all."""
        begun = BeginResult(plan=self.plan, order=self.order)
        if self.order.action != "go":
            return begun
        work = begin_round(first_work(self.ask, self.plan), self.order, self.ask.at)
        batch = self._batch(work)
        Fence.around(self.ask, self.rows).note_open()
        told = _Told(scouting.raise_event)
        end = process_anew(batch, self.files, self.rows, told.tell)
        begun = begun.model_copy(update={"scout": end.result})
        # The orchestration goes on beside it already, has a back-off to wait out, or has others
        # work off the first shard, as it has the other ones.
        if told.has_told or end.result.retryable or work.shards > 1:
            return begun
        work = _end_first_wave(work, end.result, batch.span)
        last = make_ask(work.model_copy(update={"call": 2}), moment_text(datetime.now(UTC)))
        if work.is_done:
            settled = self._settle(batch, last, end, scouting)
            return begun.model_copy(update={"settled": settled})
        next_order = steer_shard(last, self.rows)
        is_known = next_order.action != "resume"
        return begun.model_copy(update={"next_order": next_order}) if is_known else begun

    def _batch(self, work: ShardWork) -> ProcessAsk:
        (batch,) = batches_of_round(work)
        # Only one that has the whole plan before it has others to tell.
        instance = work.instance if work.shards == 1 else ""
        ask = ProcessAsk(**batch.model_dump(), box=work.box)
        return ask.model_copy(update={"instance": instance, "event": SCOUT_EVENT})

    def _settle(
        self, batch: ProcessAsk, last: ShardAsk, end: BatchEnd, scouting: Scouting
    ) -> SettleResult | None:
        """End the run, of which all is known; None leaves that to the orchestration."""
        ask = self.ask.message(
            SettleAsk, counts=last.work.counts, reasons=["done"], last=last, at=last.at
        )
        try:
            known = self._known_run(batch, last, end)
            return settle_and_end(
                ask, self.files, self.rows, scouting.max_bytes, scouting.raise_event, known
            )
        except Exception:
            # The activity `settle` does it again, for as long as the orchestrator has patience.
            log.exception("could not end the run at once")
            return None

    def _known_run(self, batch: ProcessAsk, last: ShardAsk, end: BatchEnd) -> KnownRun | None:
        """What is known of a run whose only batch this has written; None if it has not."""
        if end.lines is None:
            return None
        part = batch_part_path(batch)
        origin = Origin(
            partition=batch.partition,
            first_cut=batch.first_cut,
            span=batch.span,
            part=part,
            partial=None if end.partial is None else blob_paths.partial_path(part),
        )
        cut = join_cuts(batch_cuts(batch, self.files))
        outcomes = BatchOutcomes(cut, origin, end.lines, end.partial)
        state = note_ask(self.known.state, last, self.rows)
        request = kept_request(self.files, batch.run_id, batch.attempt)
        return KnownRun(self.known, state, request, [outcomes])


def _end_first_wave(work: ShardWork, result: BatchResult, span: int) -> ShardWork:
    work = work.model_copy(update={"tally": add_results(work.tally, [result], 0)})
    has_rest = result.cuts is not None and result.cuts < span
    if has_rest and result.cuts is not None:
        work = note_rests(work, [work.first_cut + result.cuts])
    return end_wave(work, is_complete=True)
