"""The finished report: figures by group, in order, as JSON and as CSV for a spreadsheet."""

import csv
import io
import json
import re
from dataclasses import dataclass, field
from typing import Any
from unicodedata import category, normalize

from workloads.reports.metrics import ROWS, figure_name
from workloads.reports.parameters import ReportParameters, View
from workloads.reports.rendering.figures import compute_figures, is_huge
from workloads.reports.rendering.order import ReportGroup, select_groups
from workloads.reports.statistics.census import Counts
from workloads.reports.statistics.partial import Partial, Summary

# A spreadsheet runs such texts as formulas: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\u2212")
_BREAKS = ("\t", "\r", "\n")
# Letters that stand unseen before others by their categories, and fillers, which are blank.
_UNSEEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Me", "Mn"))
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Report:
    """The groups of a report with their figures, in its order.

    Attributes:
        parameters: All parameters of the run.
        view: Those of this report.
        rows: Rows of all groups, also of those that are not shown.
        total_groups: All groups, also those that are not shown.
        groups: The groups that are shown.
        nulls: How many cells of its columns have a text that means a missing value, by column and
            text, in all rows of the source.
    """

    parameters: ReportParameters
    view: View
    rows: int
    total_groups: int
    groups: list[ReportGroup]
    nulls: Counts = field(default_factory=dict)

    @classmethod
    def from_partial(
        cls, partial: Partial, view: View, parameters: ReportParameters, nulls: Counts
    ) -> "Report":
        """Compute the figures of all rows."""
        groups = [
            ReportGroup(key, compute_figures(group, partial.fractional, view))
            for key, group in partial.groups.items()
        ]
        columns = {*view.columns, *(condition.column for condition in parameters.filter)}
        own_nulls = {c: dict(sorted(nulls[c].items())) for c in sorted(columns) if c in nulls}
        shown = select_groups(groups, view)
        return cls(parameters, view, partial.rows, len(groups), shown, own_nulls)

    @property
    def stem(self) -> str:
        """The name of its files without the suffix."""
        return "report" if self.view.label is None else f"report-{self.view.label}"

    @property
    def column_names(self) -> list[str]:
        """The names of its keys and figures in a table: one that repeats gets an underscore."""
        names: list[str] = []
        for name in (*self.view.key_names, *self.view.figure_names()):
            while name in names:
                name += "_"
            names.append(name)
        return names

    @property
    def notes(self) -> list[str]:
        """What whoever reads it should know: texts taken as missing, figures that were rounded."""
        missing = [
            f"{count:,} {'cell' if count == 1 else 'cells'} '{text}' of the column '{column}' "
            "count as missing (null_values)"
            for column, counts in self.nulls.items()
            for text, count in counts.items()
        ]
        rounded = [
            f"'{name}' has whole numbers beyond 64 bits: in Parquet they are the nearest floats"
            for name in self.view.figure_names()
            if any(is_huge(group.figures[name]) for group in self.groups)
        ]
        return missing + rounded

    def to_json(self) -> bytes:
        """Write parameters, rows, and for each group its key, rows and metrics by column."""
        common = self.parameters.model_dump(mode="json", include={"filter", "null_values"})
        document = {
            "workload": "reports",
            "parameters": common | self.view.model_dump(mode="json", exclude={"reports"}),
            "rows": self.rows,
            "total_groups": self.total_groups,
            "nulls": self.nulls,
            "notes": self.notes,
            "groups": [self._group_to_json(group) for group in self.groups],
        }
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"

    def to_csv(self) -> bytes:
        """Write a line for each group; no text in it can run as a formula."""
        text = io.StringIO()
        writer = csv.writer(text)
        names = list(self.view.figure_names())
        writer.writerow([_guard_formula(name) for name in self.column_names])
        for group in self.groups:
            key = ["" if part is None else _guard_formula(part) for part in group.key]
            writer.writerow([*key, *(group.figures[name] for name in names)])
        return text.getvalue().encode()

    def _group_to_json(self, group: ReportGroup) -> dict[str, Any]:
        figures_by_column = {
            column: {metric: group.figures[figure_name(column, metric)] for metric in metrics}
            for column, metrics in self.view.metrics.items()
        }
        key = dict(zip(self.view.key_names, group.key, strict=True))
        return {"key": key, "rows": group.figures[ROWS], "metrics": figures_by_column}


def make_reports(summary: Summary, parameters: ReportParameters) -> list[Report]:
    """Make every report of the parameters; without any rows they are empty."""
    partials = summary.views or [Partial({})] * len(parameters.views)
    pairs = zip(partials, parameters.views, strict=True)
    nulls = summary.census.nulls
    return [Report.from_partial(partial, view, parameters, nulls) for partial, view in pairs]


def _guard_formula(text: str) -> str:
    if text[:1].isalnum() and text[:1].isascii():  # as nearly all do
        return text
    may_run = text.startswith(_BREAKS) or _plain_start(text).startswith(_FORMULA_STARTS)
    return f"'{text}" if may_run and not _NUMBER.fullmatch(text) else text


def _plain_start(text: str) -> str:
    """The first letter that a spreadsheet minds: not blank, not invisible, of the usual width.

    A full-width ``=`` begins a formula like any other: an input method of East Asia writes it so.
    Of some letters two become, ``==`` of U+2A75.
    """
    return normalize("NFKC", next(filter(_is_seen, text), ""))


def _is_seen(letter: str) -> bool:
    is_blank = letter.isspace() or letter in _FILLERS
    return not is_blank and category(letter) not in _UNSEEN
