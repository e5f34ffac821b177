"""Reports over bytes as a run makes them: cut, summarised batch by batch, merged, rendered."""

import json
import logging
from collections.abc import Iterator
from typing import Any

from fanout.models.request import BatchLimits
from fanout.records import Chunk
from fanout.splitting.split import split
from fanout.workload import Context, Failure
from workloads.reports import Reports
from workloads.reports.parameters import ReportParameters
from workloads.reports.rendering.report import Report, make_reports
from workloads.reports.statistics.partial import Summary

REPORTS = Reports()
WHOLE = BatchLimits(max_items=1_000_000, max_bytes=64 * 1_048_576)


def chunks(data: bytes, kind: str = "csv", limits: BatchLimits = WHOLE) -> Iterator[Chunk]:
    """Cut a blob, with its header if it is CSV, into batches."""
    parts = split([data], kind, limits)
    for cut in parts.cuts:
        raw = data[cut.offset : cut.end]
        yield Chunk(kind, raw, parts.columns, cut.first_index, cut.first_line, cut.items)


def inline(items: list[Any]) -> Chunk:
    """Make a batch of items that stand in the request."""
    return Chunk("inline", json.dumps(items).encode(), None, 0, 1, len(items))


def context(parameters: ReportParameters) -> Context[ReportParameters]:
    return Context("run", "run/0", 1, parameters, logging.getLogger("test"))


def summary(
    batches: list[Chunk], parameters: ReportParameters, cuts_per_partition: int = 100
) -> tuple[Summary | None, list[Failure]]:
    """Summarise batches and merge them by partition, then those; all are stored between."""
    failures: list[Failure] = []
    partitions: list[Summary] = []
    for number, batch in enumerate(batches):
        made = REPORTS.process_chunk(batch, context(parameters))
        failures += made.failures
        stored = REPORTS.load_partial(REPORTS.dump_partial(made.partial))
        if number % cuts_per_partition == 0:
            partitions.append(stored)
        else:
            partitions[-1] = REPORTS.merge(partitions[-1], stored)
    whole = partitions[0] if partitions else None
    for partition in partitions[1:]:
        whole = REPORTS.merge(whole, partition) if whole is not None else partition
    return whole, failures


def files(partial: Summary | None, parameters: ReportParameters) -> dict[str, bytes]:
    return {file.name: file.content for file in REPORTS.render(partial, parameters)}


def made(partial: Summary | None, parameters: ReportParameters) -> Report:
    """The first report."""
    return make_reports(partial or Summary(), parameters)[0]


def document(partial: Summary | None, parameters: ReportParameters) -> dict[str, Any]:
    """What the JSON of the first report says."""
    parsed: dict[str, Any] = json.loads(made(partial, parameters).to_json())
    return parsed


def report(data: bytes, kind: str = "csv", **parameters: Any) -> dict[str, Any]:
    """Report over one batch; nothing may fail."""
    wanted = ReportParameters.model_validate(parameters)
    partial, failures = summary(list(chunks(data, kind)), wanted)
    assert failures == []
    return document(partial, wanted)
