"""The finished report: figures by group, in order, as JSON and as CSV for a spreadsheet."""

import csv
import io
import json
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workloads.reports.exact import Exact, rounded, square_root
from workloads.reports.parameters import ROWS, Metric, ReportParameters, Sort
from workloads.reports.partial import Group, Key, Partial, Tally

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
    """Every group, in the order that the parameters ask for."""

    parameters: ReportParameters
    rows: int
    groups: list[ReportGroup]

    @classmethod
    def of(cls, partial: Partial, parameters: ReportParameters) -> "Report":
        """Compute the figures of all rows."""
        groups = [
            ReportGroup(key, _figures(group, partial.fractional, parameters))
            for key, group in partial.groups.items()
        ]
        groups.sort(key=lambda group: [_natural(text) for text in group.key])
        if parameters.sort is not None:
            groups = _sorted(groups, parameters.sort, parameters.group_by)
        return cls(parameters, partial.rows, groups)

    def to_json(self) -> bytes:
        """Write parameters, rows, and for each group its key, rows and metrics by column."""
        document = {
            "workload": "reports",
            "parameters": self.parameters.model_dump(mode="json"),
            "rows": self.rows,
            "groups": [self._group_to_json(group) for group in self.groups],
        }
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"

    def to_csv(self) -> bytes:
        """Write a line for each group; no text in it is taken for a formula."""
        text = io.StringIO()
        writer = csv.writer(text)
        names = list(self.parameters.metric_names())
        writer.writerow([_safe(name) for name in (*self.parameters.group_by, *names)])
        for group in self.groups:
            keys = ["" if part is None else _safe(part) for part in group.key]
            writer.writerow([*keys, *(group.figures[name] for name in names)])
        return text.getvalue().encode()

    def _group_to_json(self, group: ReportGroup) -> dict[str, Any]:
        metrics = {
            column: {metric: group.figures[f"{column}.{metric}"] for metric in wanted}
            for column, wanted in self.parameters.metrics.items()
        }
        key = dict(zip(self.parameters.group_by, group.key, strict=True))
        return {"key": key, "rows": group.figures[ROWS], "metrics": metrics}


def _figures(
    group: Group, fractional: frozenset[int], parameters: ReportParameters
) -> dict[str, Figure]:
    figures: dict[str, Figure] = {ROWS: group.rows}
    columns = zip(parameters.metrics.items(), group.tallies, strict=True)
    for number, ((column, metrics), tally) in enumerate(columns):
        for metric in metrics:
            figure = _figure(metric, tally, is_fractional=number in fractional)
            figures[f"{column}.{metric}"] = figure
    return figures


def _figure(metric: Metric, tally: Tally, *, is_fractional: bool) -> Figure:
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


def _sorted(groups: list[ReportGroup], sort: Sort, group_by: list[str]) -> list[ReportGroup]:
    """Sort by one thing, stable; groups where it is missing stay last."""
    position = group_by.index(sort.by) if sort.by in group_by else None

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
