"""The real orchestrators and governor of Fanout over activities that follow a script."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import azure.durable_functions as df

from entities import governor
from fanout import names
from fanout.models.request import RetryPolicy, Tolerance
from fanout.models.wave import BatchRef, BatchResult, PlanResult, RunEnd
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
    """

    plan: PlanResult | Exception
    batch: Behaviour = succeed
    finalize: RunEnd | Exception = FINALIZED
    asked: list[BatchRef] = field(default_factory=list)
    undo: Behaviour = succeed
    undone: list[BatchRef] = field(default_factory=list)


def planned(batches: int, *, per_partition: int = 2, shards: int = 1, **more: Any) -> PlanResult:
    """Plan batches of ten items each."""
    counts = {
        "items": 10 * batches,
        "batches": batches,
        "partitions": -(-batches // per_partition),
        "batches_per_partition": per_partition,
        "shards": shards,
    }
    given = {"workload": "scripted", "retry": AT_ONCE, "tolerance": Tolerance(percentage=100)}
    return PlanResult(**(given | counts | more))


def scripted_app(scripts: dict[str, Script]) -> df.DFApp:
    """Make an app whose activities look up their script by the run's id."""
    app = df.DFApp()
    for blueprint in (run.bp, shard.bp, governor.bp):
        app.register_functions(blueprint)

    @app.activity_trigger(input_name="ref", activity=names.PLAN)
    def plan(ref):
        return _given(scripts[ref["run_id"]].plan)

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
