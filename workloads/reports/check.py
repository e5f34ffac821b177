"""What is wrong with a report's parameters for a source, before anything starts."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from fanout.errors import FieldProblem
from workloads.reports.parameters import ReportParameters, View, column_of

_MAX_LISTED = 50


def problems(parameters: ReportParameters, columns: list[str] | None) -> Iterator[FieldProblem]:
    """Name every column and metric that does not exist.

    Args:
        parameters: What was asked for.
        columns: The columns of the source; None where they are not known beforehand.
    """
    if columns is not None:
        for field, column in _named_columns(parameters):
            if column not in columns:
                message = f"the source has no column '{column}'; it has {_listed(column, columns)}"
                yield FieldProblem(f"parameters.{field}", message)
    for prefix, view in _views(parameters):
        for wanted in _named_figures(view):
            if wanted.name not in wanted.choices:
                listed = _listed(wanted.name, wanted.choices)
                message = f"the report has no {wanted.what}'{wanted.name}'; it has {listed}"
                yield FieldProblem(f"parameters.{prefix}{wanted.field}", message)


@dataclass(frozen=True)
class _Wanted:
    """A name of a part of the report, where it stands, and which there are."""

    field: str
    name: str
    choices: list[str]
    what: str = "metric "


def _views(parameters: ReportParameters) -> Iterator[tuple[str, View]]:
    """Give every report, and where it stands."""
    for number, view in enumerate(parameters.views):
        yield ("" if view is parameters else f"reports[{number}]."), view


def _named_figures(view: View) -> Iterator[_Wanted]:
    metrics = list(view.metric_names())
    if view.sort is not None:
        yield _Wanted("sort.by", view.sort.by, [*view.key_names, *metrics], what="")
    if view.top is not None:
        yield _Wanted("top.by", view.top.by, metrics)
    if view.chart.metric is not None:
        yield _Wanted("chart.metric", view.chart.metric, metrics)


def _named_columns(parameters: ReportParameters) -> Iterator[tuple[str, str]]:
    for number, condition in enumerate(parameters.filter):
        yield f"filter[{number}].column", condition.column
    for prefix, view in _views(parameters):
        for number, condition in enumerate(view.conditions):
            yield f"{prefix}where[{number}].column", condition.column
        for number, key in enumerate(view.group_by):
            field = f"{prefix}group_by[{number}]"
            yield (field if isinstance(key, str) else f"{field}.column"), column_of(key)
        for column in view.metrics:
            yield f"{prefix}metrics.{column}", column


def _listed(wanted: str, known: Collection[str]) -> str:
    """List what there is, the names like the wanted one first."""
    if not known:
        return "none"
    by_folded = {name.casefold(): name for name in known}
    close = [by_folded[name] for name in get_close_matches(wanted.casefold(), by_folded, n=3)]
    names = list(dict.fromkeys([*close, *known]))
    rest = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(f"'{name}'" for name in names[:_MAX_LISTED]) + rest
