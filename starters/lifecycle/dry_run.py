"""A dry run: what a request would do, without doing it."""

import secrets
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain, islice
from math import ceil
from typing import Any

from pydantic_core import to_json

from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.sources.planning import CutOptions
from fanout.adapters.sources.reading import Scratch, SourceCuts, cut_as, read_pieces
from fanout.errors import FieldProblem, InvalidRequestError, SourceChangedError
from fanout.models.estimate import DryRun, Estimate
from fanout.models.plan import Cut, PlanManifest
from fanout.models.request import RunRequest
from fanout.pricing.azure import count_hub_operations
from fanout.pricing.forecast import (
    EXPECTED,
    EXPECTED_ITEM_SECONDS,
    WORST,
    WORST_ITEM_SECONDS,
    Forecast,
    Job,
)
from fanout.pricing.report import report_usage
from fanout.records import Record
from fanout.splitting.records import parse_records
from fanout.splitting.sizing import cuts_per_partition, shard_count
from fanout.workload import ChunkWorkload, SagaWorkload, Workload
from workloads import registry

# So many items are counted one by one; those of a larger source are estimated from them.
MAX_COUNTED = 100_000
FIRST_ITEMS = 5
# As JSON: a few bytes of a source may stand for an item of megabytes.
MAX_SHOWN_BYTES = 65_536
# A folder that no run can have, for the copies that cutting needs.
_FOLDER = "~dry-run/"
COST_DIGITS = 6


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
    options = CutOptions(
        batch, limit, is_chunk, request.concurrency.batches, request.select, files.budget
    )
    source = cut_as(request.source, files.store, options, scratch)
    cuts = [*source]
    counted = sum(cut.items for cut in cuts)
    is_exact = counted < limit or counted == request.max_items
    items = counted if is_exact else _estimate_items(request, source, cuts, counted)
    first = _first_items(request, source, cuts, files)
    share = items / counted if counted else 0
    all_cuts, source_bytes = ceil(len(cuts) * share), ceil(_bytes_of(source, cuts) * share)
    is_fixed = batch is not None or source.parts is not None
    job = _job(request, workload, items, source_bytes, all_cuts if is_fixed else None)
    estimate = estimate_job(job, all_cuts, request.timeouts.item_seconds)
    return DryRun(items=items, is_exact=is_exact, first_items=first, estimate=estimate)


def _bytes_of(source: SourceCuts, cuts: list[Cut]) -> int:
    """The bytes of the source in these cuts; 0 where it is many blobs."""
    return sum(map(source.size_of, cuts)) if source.parts is None else 0


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
        pieces = read_pieces(
            request.source, cut, manifest, files.store, request.select, files.budget
        )
        for record in chain.from_iterable(map(parse_records, pieces)):
            yield {"error": record.error.message} if record.error else _item_or_length(record)


def _item_or_length(record: Record) -> object:
    """An item, or how long it is where that is too long for an answer."""
    size = len(to_json(record.value))
    if size <= MAX_SHOWN_BYTES:
        return record.value
    where = "" if record.line is None else f"line {record.line}: "
    return {"error": f"{where}the item is sound; its {size:,} bytes of JSON are not shown"}


def _job(
    request: RunRequest, workload: Workload[Any], items: int, source_bytes: int, batches: int | None
) -> Job:
    """What there is to do; how long an item takes is not known."""
    return Job(
        items=items,
        source_bytes=source_bytes,
        width=request.concurrency.batches,
        fixed_batches=batches,
        steps=len(workload.steps) if isinstance(workload, SagaWorkload) else 0,
        is_chunk=isinstance(workload, ChunkWorkload),
    )


def estimate_job(job: Job, cuts: int, worst_item_seconds: float | None = None) -> Estimate:
    """Estimate what a job takes.

    Args:
        job: What there is to do.
        cuts: In how many cuts the source is planned.
        worst_item_seconds: How long an item may take; None is as long as nobody knows.
    """
    worst_seconds = worst_item_seconds or WORST_ITEM_SECONDS
    expected_seconds = min(EXPECTED_ITEM_SECONDS, worst_seconds)
    expected = Forecast(replace(job, item_seconds=expected_seconds), EXPECTED)
    worst = Forecast(replace(job, item_seconds=worst_seconds), WORST)
    usage = report_usage(expected.usage, job.items)
    is_fitted = job.fixed_batches is None
    partitions = ceil(cuts / cuts_per_partition(cuts, job.width, is_adaptive=is_fitted))
    return Estimate(
        batches=expected.batches,
        batches_are_fitted=is_fitted,
        partitions=partitions,
        shards=min(shard_count(job.width), partitions),
        activities=expected.activities,
        storage_operations=usage.storage_operations.total + count_hub_operations(expected.usage),
        least_cost_dollars=round(usage.usd.total, COST_DIGITS),
        expected_item_seconds=expected_seconds,
        expected=usage,
        worst_item_seconds=worst_seconds,
        worst=report_usage(worst.usage, job.items),
    )
