"""A dry run: what a request would do, without doing it."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import Any

from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.sources.reading import Scratch, SourceCuts, cut_source, read_chunk
from fanout.errors import FieldProblem, InvalidRequestError, SourceChangedError
from fanout.models.estimate import DryRun, Estimate
from fanout.models.plan import Cut, PlanManifest
from fanout.models.request import RunRequest
from fanout.splitting.records import parse_records
from fanout.splitting.sizing import cuts_per_partition, shard_count
from fanout.workload import ChunkWorkload, SagaWorkload, Workload
from workloads import registry

# So many items are counted one by one; those of a larger source are estimated from them.
MAX_COUNTED = 100_000
FIRST_ITEMS = 5
# A folder that no run can have, for the copies that cutting needs.
_FOLDER = "~dry-run/"

# For a batch: the source is read, a part file is written and read again. For an activity: calls of
# tables and queues, as measured on the Azure Storage backend.
BLOB_OPERATIONS_A_BATCH = 3
HISTORY_OPERATIONS_AN_ACTIVITY = 8
MIN_BILLED_SECONDS = 1.0
# List prices in US dollars (East US). They change, so the answer has the figures behind the cost.
DOLLARS_A_MILLION_EXECUTIONS = 0.40
DOLLARS_A_GB_SECOND = 0.000026
DOLLARS_TEN_THOUSAND_BLOB_OPERATIONS = 0.05
DOLLARS_TEN_THOUSAND_HISTORY_OPERATIONS = 0.0004
INSTANCE_GB = 2.0


def dry_run(request: RunRequest, files: RunFiles) -> DryRun:
    """Plan a request and estimate what its run would take; nothing is started or kept.

    Raises:
        InvalidRequestError: The source changed while it was read, or cannot be read.
    """
    prefix = f"{_FOLDER}{secrets.token_hex(8)}/"
    files.write(f"{prefix}begun", b"")  # makes the container, if there is none yet
    try:
        scratch = Scratch(files.store, files.container, prefix, files.allowed)
        return _plan(request, scratch, files)
    except SourceChangedError as error:
        raise InvalidRequestError([FieldProblem("source", str(error))]) from error
    finally:
        for name in [*files.names(prefix)]:
            files.delete(name)


def _plan(request: RunRequest, scratch: Scratch, files: RunFiles) -> DryRun:
    limit = min(MAX_COUNTED, request.max_items or MAX_COUNTED)
    workload = registry.get(request.workload)
    batch, is_chunk = request.batch or workload.batch, isinstance(workload, ChunkWorkload)
    source = cut_source(request.source, files.store, batch, limit, scratch, is_chunk=is_chunk)
    cuts = [*source]
    counted = sum(cut.items for cut in cuts)
    is_exact = counted < limit or counted == request.max_items
    items = counted if is_exact else _estimate_items(request, source, cuts, counted)
    first = _first_items(request, source, cuts, files)
    batches = ceil(len(cuts) * items / counted) if counted else 0
    load = _load(workload, batches)
    estimate = _estimate(request, batches, load, is_adaptive=batch is None)
    return DryRun(items=items, is_exact=is_exact, first_items=first, estimate=estimate)


def _estimate_items(request: RunRequest, source: SourceCuts, cuts: list[Cut], counted: int) -> int:
    """Estimate the items of a whole blob from the bytes that the counted ones take."""
    read = cuts[-1].end
    whole = source.length if source.data is None and source.length else read
    items = max(counted, round(counted * whole / max(1, read)))
    return min(items, request.max_items or items)


def _first_items(
    request: RunRequest, source: SourceCuts, cuts: list[Cut], files: RunFiles
) -> list[object]:
    manifest = PlanManifest(
        items=sum(cut.items for cut in cuts),
        cuts=len(cuts),
        partitions=1,
        cuts_per_partition=max(1, len(cuts)),
        header=source.header,
        delimiter=source.delimiter,
        etag=source.etag,
        length=source.length,
        data=source.data,
        parts=source.parts,
    )
    return [*islice(_items(request, manifest, cuts, files), FIRST_ITEMS)]


def _items(
    request: RunRequest, manifest: PlanManifest, cuts: Iterable[Cut], files: RunFiles
) -> Iterable[object]:
    for cut in cuts:
        chunk = read_chunk(request.source, cut, manifest, files.store, request.select)
        for record in parse_records(chunk):
            yield {"error": record.error.message} if record.error else record.value


@dataclass(frozen=True)
class _Load:
    """What the batches of a run take.

    Attributes:
        activities: How many activities are carried out.
        orchestrations: How many sub-orchestrations, those of sagas.
        blob_operations: How many calls of Blob storage.
    """

    activities: int
    orchestrations: int
    blob_operations: int


def _load(workload: Workload[Any], batches: int) -> _Load:
    """Estimate the work of a run in which nothing fails."""
    if not isinstance(workload, SagaWorkload):
        return _Load(batches, 0, BLOB_OPERATIONS_A_BATCH * batches)
    # A batch whose sagas nothing holds up is one activity; their items are written down first.
    return _Load(batches, batches, (BLOB_OPERATIONS_A_BATCH + 1) * batches)


def _estimate(request: RunRequest, batches: int, load: _Load, *, is_adaptive: bool) -> Estimate:
    """Reckon activities, storage operations and cost; adaptive batches are taken as of one cut."""
    size = cuts_per_partition(batches, request.concurrency.batches, is_adaptive=is_adaptive)
    partitions = ceil(batches / size)
    shards = min(shard_count(request.concurrency.batches), partitions)
    activities = load.activities + 2
    blob = load.blob_operations + 2 * partitions + 10
    history = HISTORY_OPERATIONS_AN_ACTIVITY * (activities + load.orchestrations + shards)
    dollars = (
        activities * DOLLARS_A_MILLION_EXECUTIONS / 1e6
        + activities * MIN_BILLED_SECONDS * INSTANCE_GB * DOLLARS_A_GB_SECOND
        + blob * DOLLARS_TEN_THOUSAND_BLOB_OPERATIONS / 1e4
        + history * DOLLARS_TEN_THOUSAND_HISTORY_OPERATIONS / 1e4
    )
    return Estimate(
        batches=batches,
        batches_are_fitted=is_adaptive,
        partitions=partitions,
        shards=shards,
        activities=activities,
        storage_operations=blob + history,
        least_cost_dollars=round(dollars, 4),
    )
