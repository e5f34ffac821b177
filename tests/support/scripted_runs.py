"""The real orchestrators and governor of Fanout over activities that follow a script."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import azure.durable_functions as df

from entities import admission, governor
from fanout import names
from fanout.models.limits import Limits
from fanout.models.request import RetryPolicy, Tolerance
from fanout.models.wave import BatchRef, BatchResult, PlanResult, RunEnd, Work
from orchestrators import run, shard

AT_ONCE = RetryPolicy(base_seconds=0.01, factor=1, max_seconds=0.01, jitter_seconds=0.01)

FINALIZED = RunEnd(outcome="succeeded")

Behaviour = Callable[[BatchRef], Any]


def succeed(ref: BatchRef) -> dict[str, Any]:
    """End a batch of ten items well."""
    return BatchResult(succeeded=10).model_dump(mode="json")


@dataclass
class Script:
    """What the activities of one run do.

    Attributes:
        plan: The result of `plan`; an exception is raised instead.
        batch: Gives the result of a batch, or raises.
        finalize: The result of `finalize`; an exception is raised instead. Without counts, those of
            the governor stand.
        asked: Every batch that was asked for, in order.
        undo: Gives the result of a batch's compensation, or raises.
        undone: Every compensation that was asked for, in order.
        undo_plan: The result of `plan_compensation`.
        scanned: Every range that was scanned, in order.
        refused_scan: The range that finds the source changed, if any does.
    """

    plan: PlanResult | Exception
    batch: Behaviour = succeed
    finalize: RunEnd | Exception = FINALIZED
    asked: list[BatchRef] = field(default_factory=list)
    undo: Behaviour = succeed
    undone: list[BatchRef] = field(default_factory=list)
    undo_plan: Work = field(default_factory=Work)
    scanned: list[int] = field(default_factory=list)
    refused_scan: int | None = None


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
        batches=max(1, at_once * shards),
        items_per_second=rate,
        tolerance=tolerance or Tolerance(percentage=100),
    )
    given = {"workload": "scripted", "retry": AT_ONCE, "limits": limits, "work": work}
    return PlanResult(**(given | more))


def work_of(batches: int, per_partition: int, shards: int) -> Work:
    """Batches of ten items each."""
    return Work(
        items=10 * batches,
        batches=batches,
        partitions=-(-batches // per_partition),
        batches_per_partition=per_partition,
        shards=shards,
        batch_items=10,
    )


def scripted_app(scripts: dict[str, Script]) -> df.DFApp:
    """Make an app whose activities look up their script by the run's id."""
    app = df.DFApp()
    for blueprint in (run.bp, shard.bp, governor.bp, admission.bp):
        app.register_functions(blueprint)

    @app.activity_trigger(input_name="ref", activity=names.PLAN)
    def plan(ref):
        script = scripts[ref["run_id"]]
        if ref["scanned"]:
            return _given(script.plan.model_copy(update={"scans": 0}))
        return _given(script.plan)

    @app.activity_trigger(input_name="ref", activity=names.SCAN)
    def scan(ref):
        script = scripts[ref["run_id"]]
        script.scanned.append(ref["number"])
        return "it changed" if ref["number"] == script.refused_scan else ""

    @app.activity_trigger(input_name="ref", activity=names.PLAN_COMPENSATION)
    def plan_compensation(ref):
        return _given(scripts[ref["run_id"]].undo_plan)

    @app.activity_trigger(input_name="ref", activity=names.PROCESS_BATCH)
    def process_batch(ref):
        script = scripts[ref["run_id"]]
        script.asked.append(BatchRef.model_validate(ref))
        return script.batch(script.asked[-1])

    @app.activity_trigger(input_name="ref", activity=names.COMPENSATE_BATCH)
    def compensate_batch(ref):
        script = scripts[ref["run_id"]]
        script.undone.append(BatchRef.model_validate(ref))
        return script.undo(script.undone[-1])

    @app.activity_trigger(input_name="ref", activity=names.FINALIZE)
    def finalize(ref):
        return _given(scripts[ref["run_id"]].finalize)

    return app


def _given(result: Any) -> dict[str, Any]:
    if isinstance(result, Exception):
        raise result
    return result.model_dump(mode="json")
