"""The workload `reports`: a table becomes counts, sums and averages by group, and a chart.

Polars and matplotlib are imported where a chunk is summarised or a report drawn, and not before:
the app starts without them.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import RootModel

from fanout.errors import FieldProblem
from fanout.records import Chunk, SourceInfo
from fanout.workload import ChunkResult, ChunkWorkload, Context, RenderedFile
from workloads.reports.check import problems
from workloads.reports.parameters import ReportParameters
from workloads.reports.partial import Partial, dump, load


class Row(RootModel[dict[str, Any]]):
    """A row of the table: its cells by column."""


class Reports(ChunkWorkload[Partial, ReportParameters]):
    """Filter, group and summarise rows, whose partial summaries merge exactly."""

    name = "reports"
    description = "Filters and groups rows; counts, adds up and averages them; draws a chart."
    item_model = Row
    parameters_model = ReportParameters

    def check(self, parameters: ReportParameters, source: SourceInfo) -> list[FieldProblem]:
        """Name the columns and metrics that do not exist, and those that do."""
        return list(problems(parameters, source.columns))

    def process_chunk(
        self, chunk: Chunk, context: Context[ReportParameters]
    ) -> ChunkResult[Partial]:
        """Tally the rows of a chunk by group; rows that do not parse are failures."""
        from workloads.reports.summary import summarise

        return summarise(chunk, context.parameters)

    def merge(self, left: Partial, right: Partial) -> Partial:
        """Add up exactly."""
        return left.merge(right)

    def render(
        self, partial: Partial | None, parameters: ReportParameters
    ) -> Iterable[RenderedFile]:
        """Write ``report.json``, ``report.csv`` and ``report.png``."""
        from workloads.reports.chart import draw
        from workloads.reports.report import Report

        report = Report.of(partial or Partial({}), parameters)
        groups = len(report.groups)
        yield RenderedFile("report.json", report.to_json(), "application/json", groups)
        yield RenderedFile("report.csv", report.to_csv(), "text/csv; charset=utf-8", groups)
        yield RenderedFile("report.png", draw(report), "image/png")

    def dump_partial(self, partial: Partial) -> bytes:
        """Serialise as JSON, whole numbers and fractions in full."""
        return dump(partial)

    def load_partial(self, data: bytes) -> Partial:
        """Invert `dump_partial`."""
        return load(data)
