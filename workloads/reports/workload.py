"""The workload `reports`: figures of a table by group, as files, pictures and a page.

Polars, matplotlib and datasketches are imported where a chunk is summarised or a report drawn: the
app starts without them.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import RootModel

from fanout.errors import FieldProblem
from fanout.records import Chunk, SourceInfo
from fanout.workload import ChunkResult, ChunkWorkload, Context, RenderedFile
from workloads.reports.check import find_absent_columns, find_problems
from workloads.reports.parameters import ReportParameters
from workloads.reports.statistics.partial import Summary, dump, load

PARQUET = "application/vnd.apache.parquet"


class Row(RootModel[dict[str, Any]]):
    """A row of the table: its cells by column."""


class Reports(ChunkWorkload[Summary, ReportParameters]):
    """Filter, group and summarise rows, whose partial summaries merge exactly."""

    name = "reports"
    description = "Filters and groups rows, counts, adds up, averages and ranks them; draws charts."
    item_model = Row
    parameters_model = ReportParameters

    def check(self, parameters: ReportParameters, source: SourceInfo) -> list[FieldProblem]:
        """Name the columns and metrics that do not exist, and list the ones that do."""
        return list(find_problems(parameters, source.columns))

    def process_chunk(
        self, chunk: Chunk, context: Context[ReportParameters]
    ) -> ChunkResult[Summary]:
        """Tally the rows of a chunk by group, for every report; rows that do not parse fail."""
        from workloads.reports.summary import summarise

        return summarise(chunk, context.parameters)

    def merge(self, left: Summary, right: Summary) -> Summary:
        """Add up exactly."""
        return left.merge(right)

    def find_faults(self, partial: Summary, parameters: ReportParameters) -> list[FieldProblem]:
        """Name the columns that no row has: rows of JSON show only at the end that none does."""
        return list(find_absent_columns(parameters, partial.census))

    def render(
        self, partial: Summary | None, parameters: ReportParameters
    ) -> Iterable[RenderedFile]:
        """Write each report as JSON, CSV, Parquet and a picture, and all of them as a page."""
        from workloads.reports.rendering.chart import draw_png
        from workloads.reports.rendering.page import render_page
        from workloads.reports.rendering.parquet import encode_parquet
        from workloads.reports.rendering.picture import Picture
        from workloads.reports.rendering.report import make_reports

        reports = make_reports(partial or Summary(), parameters)
        for report in reports:
            stem, groups = report.stem, len(report.groups)
            yield RenderedFile(f"{stem}.json", report.to_json(), "application/json", groups)
            yield RenderedFile(f"{stem}.csv", report.to_csv(), "text/csv; charset=utf-8", groups)
            yield RenderedFile(f"{stem}.parquet", encode_parquet(report), PARQUET, groups)
            yield RenderedFile(f"{stem}.png", draw_png(Picture.from_report(report)), "image/png")
        yield RenderedFile("report.html", render_page(reports), "text/html; charset=utf-8")

    def dump_partial(self, partial: Summary) -> bytes:
        """Serialise as JSON, whole numbers and fractions in full."""
        return dump(partial)

    def load_partial(self, data: bytes) -> Summary:
        """Invert `dump_partial`."""
        return load(data)
