"""Planning: cuts the source and writes down where each cut is."""

from array import array
from collections.abc import Iterable, Iterator
from functools import partial

from azure.core.exceptions import ResourceNotFoundError

from activities.planning.replan import plan_redo
from activities.planning.restore import is_first_plan_lost, restore_first_plan
from activities.planning.work import make_work, write_plan
from fanout.adapters.run_files.files import RunFiles, kept_request
from fanout.adapters.settings import settings
from fanout.adapters.sources.planning import CutOptions
from fanout.adapters.sources.reading import SourceCuts, cut_as
from fanout.adapters.sources.scans import cut_scanned, prepare_scans
from fanout.adapters.telemetry.logs import logger
from fanout.errors import (
    FieldProblem,
    InvalidRequestError,
    SourceChangedError,
    UnreadableDocumentError,
)
from fanout.messages.payloads import shorten
from fanout.messages.planning import MAX_REFUSAL_BYTES, PlanResult, Work
from fanout.messages.run import RunInput
from fanout.models.limits import Limits
from fanout.models.plan import Cut, PartitionPlan, PlanManifest
from fanout.models.request import BatchLimits, RunRequest
from fanout.naming import blob_paths, functions
from fanout.splitting.sizing import cuts_per_partition, max_span
from fanout.workload import ChunkWorkload, SagaWorkload
from workloads import registry

log = logger(functions.BEGIN)

_FIELDS = len(Cut._fields)
# Whoever plans has each of them in memory; and each is the work of an activity.
MAX_CUTS = 2_000_000
_TOO_MANY_CUTS = (
    f"the source makes more than {MAX_CUTS:,} batches: let a batch take more items and bytes"
)


def plan_run(run: RunInput, files: RunFiles) -> PlanResult:
    """Cut the source of a run and write its plan; done twice, it writes the same again.

    A large blob is not cut at once: the answer is how many of its ranges are to be scanned first.
    A source that cannot be run over (gone, changed meanwhile) is a refusal, which no repetition
    would change; any other failure is raised, and the activity is tried again.
    """
    request = kept_request(files, run.run_id, run.attempt)
    scratch, options = files.scratch(run.run_id), _cut_options(request, files)
    try:
        if run.attempt > 1:
            return _result(request, work=_plan_redo(run, request, files))
        if run.scanned:
            source = cut_scanned(scratch)
        elif scans := prepare_scans(request.source, options, scratch, files.scan_range_bytes):
            return _result(request).model_copy(update={"scans": scans})
        else:
            source = cut_as(request.source, files.store, options, scratch)
        table = _read_cuts(source)
    except (InvalidRequestError, SourceChangedError) as error:
        log.warning("the source is refused", exc_info=error)
        refusal = shorten(str(error), MAX_REFUSAL_BYTES)
        return _result(request).model_copy(update={"refusal": refusal})
    manifest = _manifest(request, source, table)
    write_plan(files, run.run_id, blob_paths.FIRST, manifest, _partitions(table, manifest))
    log.info("planned %d items in %d cuts", manifest.items, manifest.cuts)
    work = make_work(request, manifest)
    return _result(request, work=_fit_span(work, source, table, options))


def plan_rest_of_undo(run: RunInput, files: RunFiles) -> PlanResult:
    """Plan a later attempt of a run that is being compensated: it goes on with that alone."""
    request = kept_request(files, run.run_id, run.attempt)
    work = plan_redo(run, request, files, undoes=True)
    return _result(request, work=work).model_copy(update={"undoes": True})


def _plan_redo(run: RunInput, request: RunRequest, files: RunFiles) -> Work:
    """Plan a later attempt, and before it the first again where that plan is lost."""
    try:
        return plan_redo(run, request, files)
    except (UnreadableDocumentError, ResourceNotFoundError) as fault:
        if not is_first_plan_lost(files, run.run_id):
            raise
        log.warning("plans the source anew", exc_info=fault)
        first = kept_request(files, run.run_id)
        source = cut_as(
            first.source, files.store, _cut_options(first, files), files.scratch(run.run_id)
        )
        table = _read_cuts(source)
        manifest = _manifest(first, source, table)
        restore_first_plan(files, run.run_id, manifest, partial(_partitions, table, manifest))
    return plan_redo(run, request, files)


def _cut_options(request: RunRequest, files: RunFiles) -> CutOptions:
    return CutOptions(
        batch_limits(request),
        request.max_items,
        _takes_chunks(request),
        request.concurrency.batches,
        request.select,
        files.budget,
    )


def batch_limits(request: RunRequest) -> BatchLimits | None:
    """How much a batch takes by the request, or else the workload; None fits it to the work."""
    return request.batch or registry.get(request.workload).batch


def _takes_chunks(request: RunRequest) -> bool:
    return isinstance(registry.get(request.workload), ChunkWorkload)


def _read_cuts(cuts: Iterable[Cut]) -> "array[int]":
    """Hold the cuts as plain numbers: 48 bytes a cut, so a million of them fit anywhere.

    Raises:
        InvalidRequestError: They are more than a plan may have.
    """
    table = array("q")
    for cut in cuts:
        table.extend(cut)
        if len(table) > MAX_CUTS * _FIELDS:
            raise InvalidRequestError([FieldProblem("batch", _TOO_MANY_CUTS)])
    return table


def _cut_at(table: "array[int]", number: int) -> Cut:
    return Cut(*table[number * _FIELDS : (number + 1) * _FIELDS])


def _fit_span(work: Work, source: SourceCuts, table: "array[int]", options: CutOptions) -> Work:
    """Say how many cuts a batch may take, where the request does not set the batches."""
    if options.limits is not None or source.parts is not None or not work.cuts:
        return work
    largest = items = 0
    for number in range(work.cuts):
        cut = _cut_at(table, number)
        largest, items = max(largest, source.size_of(cut)), max(items, cut.items)
    span = max_span(largest, work.items_per_cut, is_chunk=options.is_chunk)
    fitting = options.max_span(largest, items, source.columns)
    return work.model_copy(update={"max_span": min(span, fitting)})


def _partitions(table: "array[int]", manifest: PlanManifest) -> Iterator[PartitionPlan]:
    return (_partition(table, manifest, number) for number in range(manifest.partitions))


def _manifest(request: RunRequest, source: SourceCuts, table: "array[int]") -> PlanManifest:
    count = len(table) // _FIELDS
    last = _cut_at(table, count - 1) if count else None
    is_adaptive = batch_limits(request) is None and source.parts is None
    in_flight = request.concurrency.batches
    a_partition = cuts_per_partition(count, in_flight, is_adaptive=is_adaptive)
    return PlanManifest(
        has_digests=True,
        items=last.first_index + last.items if last else 0,
        cuts=count,
        partitions=-(-count // a_partition),
        cuts_per_partition=a_partition,
        header=source.header,
        delimiter=source.delimiter,
        etag=source.etag,
        length=source.length,
        data=source.data,
        parts=source.parts,
    )


def _partition(table: "array[int]", manifest: PlanManifest, partition: int) -> PartitionPlan:
    first = partition * manifest.cuts_per_partition
    numbers = range(first, first + manifest.cuts_in(partition))
    return PartitionPlan(partition=partition, cuts=[_cut_at(table, number) for number in numbers])


def _result(request: RunRequest, work: Work | None = None) -> PlanResult:
    workload = registry.get(request.workload)
    downstream = workload.downstream
    rate = settings().downstream_rates.get(downstream) if downstream is not None else None
    return PlanResult(
        work=work or Work(),
        limits=Limits.of(request.concurrency, request.tolerance).at_most(rate),
        retry=request.retry,
        on_exceeded=request.on_exceeded,
        downstream=downstream,
        downstream_rate=rate,
        is_saga=isinstance(workload, SagaWorkload),
    )
