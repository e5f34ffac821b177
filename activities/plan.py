"""The activity `plan`: cuts the source into batches and writes down where each one is."""

import math
from array import array
from collections.abc import Iterable
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from activities.replan import redo
from fanout import ids, names
from fanout.adapters.runs import RunFiles, kept_manifest, run_files
from fanout.adapters.sources import SourceCuts, cut_source
from fanout.adapters.telemetry import logged, logger
from fanout.errors import InvalidRequestError, SourceChangedError
from fanout.models.plan import BatchCut, PartitionPlan, PlanManifest
from fanout.models.request import RunRequest
from fanout.models.wave import PlanResult, RunRef
from fanout.payloads import dump, shortened

bp = df.Blueprint()
log = logger(names.PLAN)

MAX_SHARDS = 64
MAX_BATCHES_A_PARTITION = 100
BATCHES_A_SHARD = 16
MAX_REFUSAL_BYTES = 1000
_FIELDS = len(BatchCut._fields)


@bp.activity_trigger(input_name="ref", activity=names.PLAN)
def plan(ref: dict, context: func.Context) -> dict:
    """Plan a run; shell around `plan_run`."""
    with logged(context, ref["run_id"]):
        return dump(plan_run(RunRef.model_validate(ref), run_files()))


def plan_run(ref: RunRef, files: RunFiles) -> PlanResult:
    """Cut the source of a run and write its plan; done twice, it writes the same again.

    A source that cannot be run over (gone, changed meanwhile) is a refusal, which no repetition
    would change; any other failure is raised, and the activity is tried again.
    """
    request = files.request(ref.run_id, ref.attempt)
    if ref.attempt > 1:
        return _replan(ref, request, files)
    try:
        cuts = cut_source(
            request.source, files.store, request.batch, request.max_items, files.scratch(ref.run_id)
        )
        table = _read(cuts)
    except (InvalidRequestError, SourceChangedError) as error:
        log.warning("the source is refused", exc_info=error)
        return _result(request, None, refusal=shortened(str(error), MAX_REFUSAL_BYTES))
    manifest = _manifest(request, cuts, table)
    for partition in range(manifest.partitions):
        files.write_model(
            ids.partition_path(ref.run_id, partition), _partition(table, manifest, partition)
        )
    files.write_model(ids.plan_path(ref.run_id), manifest)
    log.info("planned %d items in %d batches", manifest.items, manifest.batches)
    return _result(request, manifest)


def _replan(ref: RunRef, request: RunRequest, files: RunFiles) -> PlanResult:
    """Plan a later attempt: the batches with items to redo, in the bytes that they had before."""
    todo = redo(files, ref)
    batches = len(todo.cuts)
    a_partition = batches_per_partition(batches, shard_count(request.concurrency.batches))
    manifest = kept_manifest(files, ref.run_id).model_copy(
        update={
            "batches": batches,
            "partitions": math.ceil(batches / a_partition),
            "batches_per_partition": a_partition,
        }
    )
    for partition in range(manifest.partitions):
        here = slice(partition * a_partition, (partition + 1) * a_partition)
        cuts, origins = todo.cuts[here], todo.origins[here]
        planned = PartitionPlan(partition=partition, cuts=cuts, origins=origins)
        files.write_model(ids.partition_path(ref.run_id, partition, ref.attempt), planned)
    files.write_model(ids.plan_path(ref.run_id, ref.attempt), manifest)
    log.info("planned attempt %d of %d batches", ref.attempt, batches)
    result = _result(request, manifest)
    return result.model_copy(update={"succeeded": todo.succeeded, "failed": todo.failed})


def _read(cuts: Iterable[BatchCut]) -> "array[int]":
    """Hold the cuts as plain numbers: 40 bytes a batch, so a million batches fit anywhere."""
    table = array("q")
    for cut in cuts:
        table.extend(cut)
    return table


def _cut(table: "array[int]", number: int) -> BatchCut:
    return BatchCut(*table[number * _FIELDS : (number + 1) * _FIELDS])


def _manifest(request: RunRequest, cuts: SourceCuts, table: "array[int]") -> PlanManifest:
    batches = len(table) // _FIELDS
    last = _cut(table, batches - 1) if batches else None
    a_partition = batches_per_partition(batches, shard_count(request.concurrency.batches))
    return PlanManifest(
        items=last.first_index + last.items if last else 0,
        batches=batches,
        partitions=math.ceil(batches / a_partition),
        batches_per_partition=a_partition,
        header=cuts.header,
        etag=cuts.etag,
        length=cuts.length,
        data=cuts.data,
        parts=cuts.parts,
    )


def _partition(table: "array[int]", manifest: PlanManifest, partition: int) -> PartitionPlan:
    first = partition * manifest.batches_per_partition
    numbers = range(first, first + manifest.batches_in(partition))
    return PartitionPlan(partition=partition, cuts=[_cut(table, number) for number in numbers])


def shard_count(concurrent_batches: int) -> int:
    """How many shards share a run that may have so many batches in flight."""
    return min(MAX_SHARDS, math.ceil(concurrent_batches / BATCHES_A_SHARD))


def batches_per_partition(batches: int, shards: int) -> int:
    """How many batches a partition has: few enough that every shard has work."""
    return min(MAX_BATCHES_A_PARTITION, max(1, math.ceil(batches / shards)))


def _result(
    request: RunRequest, manifest: PlanManifest | None, refusal: str | None = None
) -> PlanResult:
    counts: dict[str, Any] = {}
    if manifest is not None:
        shards = min(shard_count(request.concurrency.batches), manifest.partitions)
        counts = {
            "items": manifest.items,
            "batches": manifest.batches,
            "partitions": manifest.partitions,
            "batches_per_partition": manifest.batches_per_partition,
            "shards": shards,
            "width": max(1, request.concurrency.batches // max(1, shards)),
        }
    return PlanResult(
        workload=request.workload,
        retry=request.retry,
        tolerance=request.tolerance,
        on_exceeded=request.on_exceeded,
        refusal=refusal,
        **counts,
    )
