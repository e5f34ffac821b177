"""The finished report: figures by group, in order, as JSON and as CSV for a spreadsheet."""

import csv
import io
import json
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workloads.reports.metrics import DISTINCT, fraction_of, is_quantile
from workloads.reports.parameters import ROWS, ReportParameters, Sort, View
from workloads.reports.statistics import distinct
from workloads.reports.statistics.exact import Exact, rounded, square_root
from workloads.reports.statistics.partial import Group, Key, Partial, Summary, Tally
from workloads.reports.statistics.quantiles import Buckets, quantile

Figure = int | float | None

# What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,300}", re.ASCII)


@dataclass(frozen=True)
class ReportGroup:
    """A group: its key, and its figures by name: ``rows``, ``dep_delay.mean``."""

    key: Key
    figures: dict[str, Figure]


@dataclass(frozen=True)
class Report:
    """Groups with their figures, those that the report is to show, in its order.

    Attributes:
        parameters: All that was asked for.
        view: What was asked for of this report.
        rows: In all groups, also in those that are not shown.
        total_groups: How many groups there are, also those that are not shown.
    """

    parameters: ReportParameters
    view: View
    rows: int
    total_groups: int
    groups: list[ReportGroup]

    @classmethod
    def of(cls, partial: Partial, view: View, parameters: ReportParameters) -> "Report":
        """Compute the figures of all rows."""
        groups = [
            ReportGroup(key, _figures(group, partial.fractional, view))
            for key, group in partial.groups.items()
        ]
        total = len(groups)
        groups.sort(key=lambda group: [_natural(text) for text in group.key])
        if view.top is not None:
            best = Sort(by=view.top.by, descending=view.top.order == "desc")
            groups = _sorted(groups, best, [])[: view.top.n]
        if view.sort is not None:
            groups = _sorted(groups, view.sort, view.key_names)
        return cls(parameters, view, partial.rows, total, groups)

    @property
    def stem(self) -> str:
        """What its files are called, without the ending."""
        return "report" if self.view.label is None else f"report-{self.view.label}"

    def to_json(self) -> bytes:
        """Write parameters, rows, and for each group its key, rows and metrics by column."""
        common = self.parameters.model_dump(mode="json", include={"filter", "null_values"})
        document = {
            "workload": "reports",
            "parameters": common | self.view.model_dump(mode="json", exclude={"reports"}),
            "rows": self.rows,
            "total_groups": self.total_groups,
            "groups": [self._group_to_json(group) for group in self.groups],
        }
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"

    def to_csv(self) -> bytes:
        """Write a line for each group; no text in it is taken for a formula."""
        text = io.StringIO()
        writer = csv.writer(text)
        names = list(self.view.metric_names())
        writer.writerow([_safe(name) for name in (*self.view.key_names, *names)])
        for group in self.groups:
            keys = ["" if part is None else _safe(part) for part in group.key]
            writer.writerow([*keys, *(group.figures[name] for name in names)])
        return text.getvalue().encode()

    def _group_to_json(self, group: ReportGroup) -> dict[str, Any]:
        metrics = {
            column: {metric: group.figures[f"{column}.{metric}"] for metric in wanted}
            for column, wanted in self.view.metrics.items()
        }
        key = dict(zip(self.view.key_names, group.key, strict=True))
        return {"key": key, "rows": group.figures[ROWS], "metrics": metrics}


def reports_of(summary: Summary, parameters: ReportParameters) -> list[Report]:
    """Make every report that was asked for; without any rows they are empty."""
    partials = summary.views or [Partial({})] * len(parameters.views)
    pairs = zip(partials, parameters.views, strict=True)
    return [Report.of(partial, view, parameters) for partial, view in pairs]


def _figures(group: Group, fractional: frozenset[int], view: View) -> dict[str, Figure]:
    figures: dict[str, Figure] = {ROWS: group.rows}
    measured, ranked, told_apart = view.measured, view.ranked, view.told_apart
    for column, metrics in view.metrics.items():
        for metric in metrics:
            name = f"{column}.{metric}"
            if metric == DISTINCT:
                figures[name] = distinct.estimate(group.sketches[told_apart.index(column)])
                continue
            number = measured.index(column)
            tally, is_fractional = group.tallies[number], number in fractional
            if is_quantile(metric):
                buckets = group.buckets[ranked.index(column)]
                figures[name] = _quantile(metric, tally, buckets, is_fractional=is_fractional)
            else:
                figures[name] = _figure(metric, tally, is_fractional=is_fractional)
    return figures


def _quantile(metric: str, tally: Tally, buckets: Buckets, *, is_fractional: bool) -> Figure:
    if tally.low is None or tally.high is None:
        return None
    part = fraction_of(metric)
    return quantile(buckets, part, tally.low, tally.high, is_fractional=is_fractional)


def _figure(metric: str, tally: Tally, *, is_fractional: bool) -> Figure:
    """Round once; what has no value, such as the mean of nothing, is None."""
    if metric == "count":
        return tally.count
    if metric == "mean":
        return rounded(Fraction(tally.total) / tally.count) if tally.count else None
    if metric == "std":
        return _standard_deviation(tally)
    value: Exact | None = {"sum": tally.total, "min": tally.low, "max": tally.high}[metric]
    if value is None:
        return None
    return rounded(value) if is_fractional else int(value)


def _standard_deviation(tally: Tally) -> Figure:
    """Of a sample (divided by count - 1), from exact sums: no cancellation, whatever the offset."""
    if tally.count < 2:
        return None
    deviations = tally.squares - Fraction(tally.total) ** 2 / tally.count
    return square_root(deviations / (tally.count - 1))


def _sorted(groups: list[ReportGroup], sort: Sort, keys: list[str]) -> list[ReportGroup]:
    """Sort by one thing, stable; groups where it is missing stay last."""
    position = keys.index(sort.by) if sort.by in keys else None

    def value(group: ReportGroup) -> str | Figure:
        return group.figures[sort.by] if position is None else group.key[position]

    def order(group: ReportGroup) -> Any:
        found = value(group)
        return _natural(found) if isinstance(found, str) else found

    known = [group for group in groups if value(group) is not None]
    unknown = [group for group in groups if value(group) is None]
    return sorted(known, key=order, reverse=sort.descending) + unknown


def _natural(text: str | None) -> tuple[int, int, str]:
    """Order whole numbers by value, then texts, then what is missing."""
    if text is None:
        return 2, 0, ""
    if _WHOLE.fullmatch(text):
        return 0, int(text), text
    return 1, 0, text


def _safe(text: str) -> str:
    if text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
