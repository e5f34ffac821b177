"""The real orchestrators and rows of Fanout over activities that follow a script."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

import azure.durable_functions as df

from activities.batches.steer import steer_shard
from activities.endings.finish import close_attempt, finish_attempt
from activities.endings.settle import decide_verdict
from activities.planning.begin import admit_and_plan
from activities.planning.plan_compensation import plan_undo_once
from fanout.adapters.rows.rows import Rows
from fanout.messages.batches import BatchRef, BatchResult, ProcessAsk
from fanout.messages.beginning import BeginAsk
from fanout.messages.ending import EndedRun, FinishAsk, FinishResult, SettleAsk, SettleResult
from fanout.messages.fan_in import FinalizeAsk, Layout, MergeRef, RangeRef
from fanout.messages.payloads import dump
from fanout.messages.planning import PlanResult, ScanResult, Work
from fanout.messages.run import RunEnd, RunInput, RunRef
from fanout.messages.sagas import (
    FindUndoAsk,
    FindUndoResult,
    RunSagasResult,
    SagaRecord,
    SagaStart,
    StepCall,
    StepPlan,
    StepResult,
)
from fanout.messages.shards import ShardAsk
from fanout.models.limits import Limits
from fanout.models.request import RetryPolicy, Tolerance
from fanout.naming import functions
from orchestrators import fan_in, queued_run, run, saga, shard

AT_ONCE = RetryPolicy(base_seconds=0.01, factor=1, max_seconds=0.01, jitter_seconds=0.01)

FINALIZED = RunEnd(outcome="succeeded")
ONE_RANGE = Layout(ranges=1)

Behaviour = Callable[[BatchRef], Any]


def succeed(ref: BatchRef) -> dict[str, Any]:
    """End a batch of ten items well."""
    return BatchResult(succeeded=10).model_dump(mode="json")


@dataclass
class Script:
    """What the activities of one run do.

    Attributes:
        plan: What `begin` plans; an exception is raised instead.
        batch: Gives the result of a batch, or what to wait for it, or raises.
        finalize: The result of the fan-in; an exception is raised instead. Without counts, those of
            the rows stand.
        layout: The result of `lay_out`; with one range it is at the end, as `finalize` says.
        fan_in: Does what a range or a merge is to do, or raises.
        written: Every range that was asked for, in order.
        merged: Every merge that was asked for, in order.
        finalized: Every call of `finalize`, in order.
        asked: Every batch that was asked for, in order.
        undo: Gives the result of a batch's compensation, or raises.
        undone: Every compensation that was asked for, in order.
        undo_plan: The result of `plan_compensation`.
        plan_undo: Does what is to be done when the compensation is planned, or raises.
        scanned: Every range that was scanned, in order.
        refused_scan: The range that finds the source changed, if any does.
        earlier: How often the run of a schedule finds that an earlier one has not ended; None: it
            was not queued.
        start: Starts the run that was queued.
        dies_after: How many batches and compensations answer before its orchestrations die; None:
            they do not. Those after them answer when it `is_taken_up`, and are not heard.
        publish: What publishing its end raises, if it fails.
        steps: Of the sagas of this run; every batch has ten.
        step: Gives the result of a step, or raises.
        find_undo: Gives what an earlier attempt has left of a saga, or raises.
        record: Does what is to be done when a saga's end is written down, or raises.
        recorded: Every end that was written down, in order.
        published: Every ending that was to be published, in order.
        attempt: Which attempt of the run it is; from the second on it is a redrive.
    """

    plan: PlanResult | Exception
    batch: Behaviour = succeed
    finalize: RunEnd | Exception = FINALIZED
    layout: Layout = ONE_RANGE
    fan_in: Callable[[RangeRef | MergeRef], None] = lambda _: None
    written: list[RangeRef] = field(default_factory=list)
    merged: list[MergeRef] = field(default_factory=list)
    finalized: list[FinalizeAsk] = field(default_factory=list)
    asked: list[ProcessAsk] = field(default_factory=list)
    undo: Behaviour = succeed
    undone: list[BatchRef] = field(default_factory=list)
    undo_plan: Work = field(default_factory=Work)
    plan_undo: Callable[[], None] = lambda: None
    scanned: list[int] = field(default_factory=list)
    refused_scan: int | None = None
    earlier: int | None = None
    start: Callable[[], Awaitable[Any]] | None = None
    dies_after: int | None = None
    is_taken_up: asyncio.Event = field(default_factory=asyncio.Event)
    publish: Exception | None = None
    steps: list[StepPlan] = field(default_factory=list)
    step: Callable[[StepCall], Any] = lambda _: StepResult()
    find_undo: Callable[[FindUndoAsk], FindUndoResult] = lambda _: FindUndoResult()
    record: Callable[[SagaRecord], None] = lambda _: None
    recorded: list[SagaRecord] = field(default_factory=list)
    published: list[EndedRun] = field(default_factory=list)
    attempt: int = 1

    @property
    def is_dying(self) -> bool:
        """Whether so many were asked for that its orchestrations are to die."""
        asked = len(self.asked) + len(self.undone)
        return self.dies_after is not None and asked > self.dies_after

    async def lives(self) -> None:
        """Wait until somebody listens."""
        if self.is_dying:
            await self.is_taken_up.wait()


def planned(
    batches: int,
    *,
    per_partition: int = 2,
    shards: int = 1,
    at_once: int = 2,
    rate: float | None = None,
    tolerance: Tolerance | None = None,
    max_span: int = 1,
    **more: Any,
) -> PlanResult:
    """Plan batches of ten items each, so many at once in each shard."""
    work = work_of(batches, per_partition, shards).model_copy(update={"max_span": max_span})
    limits = Limits(
        batches_in_flight=max(1, at_once * shards),
        items_per_second=rate,
        tolerance=tolerance or Tolerance(percentage=100),
    )
    given = {"retry": AT_ONCE, "limits": limits, "work": work}
    return PlanResult(**(given | more))


def work_of(batches: int, per_partition: int, shards: int) -> Work:
    """Batches of ten items each."""
    return Work(
        items=10 * batches,
        cuts=batches,
        partitions=-(-batches // per_partition),
        cuts_per_partition=per_partition,
        shards=shards,
        items_per_cut=10,
    )


RaiseEvent = Callable[[str, str], Awaitable[None]]


async def raise_nothing(instance: str, name: str) -> None:
    """Wake nobody."""


def scripted_app(
    scripts: dict[str, Script], rows: Rows, raise_event: RaiseEvent = raise_nothing
) -> df.DFApp:
    """Make an app whose activities look up their script by the run's id."""
    app = df.DFApp()
    for blueprint in (run.bp, shard.bp, saga.bp, fan_in.bp, queued_run.bp):
        app.register_functions(blueprint)
    _register_steering(app, scripts, rows)
    _register_work(app, scripts)
    _register_fan_in(app, scripts)
    _register_around(app, scripts, rows, raise_event)
    _register_sagas(app, scripts)
    return app


def _register_steering(app: df.DFApp, scripts: dict[str, Script], rows: Rows) -> None:
    def plan_of(ref: RunInput, _: Any) -> PlanResult:
        plan = scripts[ref.run_id].plan
        if isinstance(plan, Exception):
            raise plan
        return plan.model_copy(update={"scans": 0}) if ref.scanned else plan

    @app.activity_trigger(input_name="asked", activity=functions.BEGIN)
    def begin(asked):
        return dump(admit_and_plan(BeginAsk.model_validate(asked), None, rows, plan_of))

    @app.activity_trigger(input_name="asked", activity=functions.STEER)
    def steer(asked):
        return dump(steer_shard(ShardAsk.model_validate(asked), rows))

    @app.activity_trigger(input_name="asked", activity=functions.SETTLE)
    def settle(asked):
        verdict = decide_verdict(SettleAsk.model_validate(asked), rows)
        script = scripts[asked["run_id"]]
        layout = None if verdict.compensates else _laid_out(script)
        return dump(SettleResult(verdict=verdict, layout=layout))

    @app.activity_trigger(input_name="ref", activity=functions.PLAN_COMPENSATION)
    def plan_compensation(ref):
        found = RunRef.model_validate(ref)
        script = scripts[found.run_id]
        script.plan_undo()
        return dump(plan_undo_once(found, None, rows, lambda *_: script.undo_plan))


def _register_work(app: df.DFApp, scripts: dict[str, Script]) -> None:
    @app.activity_trigger(input_name="ref", activity=functions.SCAN)
    def scan(ref):
        script = scripts[ref["run_id"]]
        script.scanned.append(ref["number"])
        is_refused = ref["number"] == script.refused_scan
        return dump(ScanResult(refusal="it changed" if is_refused else None))

    @app.activity_trigger(input_name="ref", activity=functions.PROCESS_BATCH)
    async def process_batch(ref):
        script, found = scripts[ref["run_id"]], ProcessAsk.model_validate(ref)
        script.asked.append(found)
        await script.lives()
        answer = script.batch(found)
        return await answer if isawaitable(answer) else answer

    @app.activity_trigger(input_name="ref", activity=functions.COMPENSATE_BATCH)
    async def compensate_batch(ref):
        script, found = scripts[ref["run_id"]], BatchRef.model_validate(ref)
        script.undone.append(found)
        await script.lives()
        return script.undo(found)


def _register_sagas(app: df.DFApp, scripts: dict[str, Script]) -> None:
    @app.activity_trigger(input_name="ref", activity=functions.RUN_SAGAS)
    def run_sagas(ref):
        first = 10 * (ref["partition"] * 100 + ref["first_cut"])
        starts = [SagaStart(index=first + n) for n in range(10)]
        return _given(RunSagasResult(steps=scripts[ref["run_id"]].steps, sagas=starts))

    @app.activity_trigger(input_name="call", activity=functions.SAGA_STEP)
    def saga_step(call):
        found = StepCall.model_validate(call)
        return _given(scripts[found.batch.run_id].step(found))

    @app.activity_trigger(input_name="ask", activity=functions.FIND_UNDO)
    def find_undo(ask):
        found = FindUndoAsk.model_validate(ask)
        return dump(scripts[found.batch.run_id].find_undo(found))

    @app.activity_trigger(input_name="record", activity=functions.RECORD_SAGA)
    def record_saga(record):
        found = SagaRecord.model_validate(record)
        script = scripts[found.batch.run_id]
        script.record(found)
        script.recorded.append(found)
        return found.end.status

    @app.activity_trigger(input_name="ref", activity=functions.CLOSE_SAGAS)
    def close_sagas(ref):
        return scripts[ref["run_id"]].batch(BatchRef.model_validate(ref))


def _register_fan_in(app: df.DFApp, scripts: dict[str, Script]) -> None:
    @app.activity_trigger(input_name="ref", activity=functions.LAY_OUT)
    def lay_out(ref):
        return dump(_laid_out(scripts[ref["run_id"]]))

    @app.activity_trigger(input_name="ref", activity=functions.WRITE_RESULTS)
    def write_results(ref):
        script = scripts[ref["run_id"]]
        script.written.append(RangeRef.model_validate(ref))
        script.fan_in(script.written[-1])
        return {"total": 10}

    @app.activity_trigger(input_name="ref", activity=functions.MERGE_PARTIALS)
    def merge_partials(ref):
        script = scripts[ref["run_id"]]
        script.merged.append(MergeRef.model_validate(ref))
        script.fan_in(script.merged[-1])
        return len(script.merged[-1].merged)

    @app.activity_trigger(input_name="ref", activity=functions.FINALIZE)
    def finalize(ref):
        script = scripts[ref["run_id"]]
        script.finalized.append(FinalizeAsk.model_validate(ref))
        return _given(script.finalize)


def _register_around(
    app: df.DFApp, scripts: dict[str, Script], rows: Rows, raise_event: RaiseEvent
) -> None:
    @app.activity_trigger(input_name="ending", activity=functions.FINISH)
    async def finish(ending):
        events = []
        written = finish_attempt(
            FinishAsk.model_validate(ending), rows, lambda *event: events.append(event)
        )
        for event in events:
            await raise_event(*event)
        script = scripts[ending["run_id"]]
        if not written.is_announced:
            script.published.append(written)
        if script.publish is not None:
            raise script.publish
        close_attempt(written, rows)
        return dump(FinishResult(end=written.end))

    @app.activity_trigger(input_name="queued", activity=functions.START_IN_TURN)
    async def start_in_turn(queued):
        script = scripts[queued["run_id"]]
        script.earlier -= 1
        if script.earlier >= 0:
            return False
        await script.start()
        return True


def _laid_out(script: Script) -> Layout:
    if script.layout.ranges > 1:
        return script.layout
    if isinstance(script.finalize, Exception):
        raise script.finalize
    return Layout(ranges=1, end=script.finalize)


def _given(result: Any) -> dict[str, Any]:
    if isinstance(result, Exception):
        raise result
    return result.model_dump(mode="json")
