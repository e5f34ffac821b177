"""Planning: cuts the source into batches and writes down where each one is."""

from array import array
from collections.abc import Iterable

from activities.planning.replan import plan_redo
from activities.planning.work import work_of, written
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import settings
from fanout.adapters.sources.planning import CutOptions
from fanout.adapters.sources.reading import SourceCuts, cut_source
from fanout.adapters.sources.scans import cut_scanned, prepare_scans
from fanout.adapters.telemetry.logs import logger
from fanout.errors import InvalidRequestError, SourceChangedError
from fanout.messages.payloads import shortened
from fanout.messages.planning import PlanResult, Work
from fanout.messages.run import RunRef
from fanout.models.limits import Limits
from fanout.models.plan import BatchCut, PartitionPlan, PlanManifest
from fanout.models.request import BatchLimits, RunRequest
from fanout.naming import blob_paths, functions
from fanout.splitting.sizing import batches_per_partition, max_span
from fanout.workload import ChunkWorkload, SagaWorkload
from workloads import registry

log = logger(functions.BEGIN)

MAX_REFUSAL_BYTES = 1000
_FIELDS = len(BatchCut._fields)


def plan_run(ref: RunRef, files: RunFiles) -> PlanResult:
    """Cut the source of a run and write its plan; done twice, it writes the same again.

    A large blob is not cut at once: the answer is how many of its ranges are to be scanned first.
    A source that cannot be run over (gone, changed meanwhile) is a refusal, which no repetition
    would change; any other failure is raised, and the activity is tried again.
    """
    request = files.request(ref.run_id, ref.attempt)
    if ref.attempt > 1:
        return _result(request, work=plan_redo(ref, request, files))
    scratch = files.scratch(ref.run_id)
    batch, is_chunk = batch_of(request), _takes_chunks(request)
    wanted = CutOptions(batch, request.max_items, is_chunk)
    try:
        scans = 0
        if not ref.scanned:
            scans = prepare_scans(request.source, wanted, scratch, files.scan_range_bytes)
        if scans:
            return _result(request).model_copy(update={"scans": scans})
        cuts = (
            cut_scanned(scratch)
            if ref.scanned
            else cut_source(
                request.source, files.store, batch, request.max_items, scratch, is_chunk=is_chunk
            )
        )
        table = _read(cuts)
    except (InvalidRequestError, SourceChangedError) as error:
        log.warning("the source is refused", exc_info=error)
        refusal = shortened(str(error), MAX_REFUSAL_BYTES)
        return _result(request).model_copy(update={"refusal": refusal})
    return _result(request, work=_written(ref, request, cuts, table, files))


def batch_of(request: RunRequest) -> BatchLimits | None:
    """How much a batch takes by the request, or else the workload; None fits it to the work."""
    return request.batch or registry.get(request.workload).batch


def _takes_chunks(request: RunRequest) -> bool:
    return isinstance(registry.get(request.workload), ChunkWorkload)


def _read(cuts: Iterable[BatchCut]) -> "array[int]":
    """Hold the cuts as plain numbers: 48 bytes a cut, so a million of them fit anywhere."""
    table = array("q")
    for cut in cuts:
        table.extend(cut)
    return table


def _cut(table: "array[int]", number: int) -> BatchCut:
    return BatchCut(*table[number * _FIELDS : (number + 1) * _FIELDS])


def _written(
    ref: RunRef, request: RunRequest, cuts: SourceCuts, table: "array[int]", files: RunFiles
) -> Work:
    manifest = _manifest(request, cuts, table)
    partitions = (_partition(table, manifest, number) for number in range(manifest.partitions))
    written(files, ref.run_id, blob_paths.FIRST, manifest, partitions)
    log.info("planned %d items in %d cuts", manifest.items, manifest.batches)
    work = work_of(request, manifest)
    if batch_of(request) is not None or cuts.parts is not None or not manifest.batches:
        return work
    bounds = zip(table[0::_FIELDS], table[1::_FIELDS], strict=True)
    largest = max(end - offset for offset, end in bounds)
    span = max_span(largest, work.batch_items, is_chunk=_takes_chunks(request))
    return work.model_copy(update={"max_span": span})


def _manifest(request: RunRequest, cuts: SourceCuts, table: "array[int]") -> PlanManifest:
    batches = len(table) // _FIELDS
    last = _cut(table, batches - 1) if batches else None
    are_grains = batch_of(request) is None and cuts.parts is None
    a_partition = batches_per_partition(batches, request.concurrency.batches, are_grains=are_grains)
    return PlanManifest(
        items=last.first_index + last.items if last else 0,
        batches=batches,
        partitions=-(-batches // a_partition),
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


def _result(request: RunRequest, work: Work | None = None) -> PlanResult:
    workload = registry.get(request.workload)
    downstream = workload.downstream
    rate = settings().downstream_rates.get(downstream) if downstream is not None else None
    return PlanResult(
        workload=request.workload,
        work=work or Work(),
        limits=Limits.of(request.concurrency, request.tolerance).at_most(rate),
        retry=request.retry,
        on_exceeded=request.on_exceeded,
        downstream=downstream,
        downstream_rate=rate,
        is_saga=isinstance(workload, SagaWorkload),
    )
