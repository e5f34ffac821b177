"""Check a report's parameters against its source before anything starts."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from fanout.errors import FieldProblem
from fanout.hints import did_you_mean, shorten_name, similar_names
from workloads.reports.parameters import ReportParameters, View, key_column
from workloads.reports.statistics.census import Census

_MAX_CHOICES = 50


def find_problems(
    parameters: ReportParameters, columns: list[str] | None
) -> Iterator[FieldProblem]:
    """Name every column and metric that does not exist.

    Args:
        parameters: The parameters of the run.
        columns: The columns of the source; None where they are not known beforehand.
    """
    if columns is not None:
        yield from _unknown_columns(parameters, columns)
    for prefix, view in _views(parameters):
        for reference in _figure_references(view):
            if reference.name not in reference.choices:
                choices = _list_choices(reference.name, reference.choices)
                name = shorten_name(reference.name)
                message = f"the report has no {reference.noun}'{name}'; it has {choices}"
                yield FieldProblem(f"parameters.{prefix}{reference.field}", message)


@dataclass(frozen=True)
class _Reference:
    """A name of a figure or key that a parameter refers to, and the names that exist."""

    field: str
    name: str
    choices: list[str]
    noun: str = "metric "


def _views(parameters: ReportParameters) -> Iterator[tuple[str, View]]:
    """Yield every report, and the path to it in the parameters."""
    for number, view in enumerate(parameters.views):
        yield ("" if view is parameters else f"reports[{number}]."), view


def _figure_references(view: View) -> Iterator[_Reference]:
    figures = list(view.figure_names())
    if view.sort is not None:
        yield _Reference("sort.by", view.sort.by, [*view.key_names, *figures], noun="")
    if view.top is not None:
        yield _Reference("top.by", view.top.by, figures)
    if view.chart.metric is not None:
        yield _Reference("chart.metric", view.chart.metric, figures)


def find_absent_columns(parameters: ReportParameters, census: Census) -> Iterator[FieldProblem]:
    """Name every column that no row of the source had, now that all were seen."""
    if not census.has_rows:
        return
    for field, column in _column_references(parameters):
        if column in census.absent:
            message = _unknown_column(column, census.names, "no row of the source has a column")
            yield FieldProblem(f"parameters.{field}", message)


def _unknown_columns(parameters: ReportParameters, columns: list[str]) -> Iterator[FieldProblem]:
    for field, column in _column_references(parameters):
        if column not in columns:
            message = _unknown_column(column, columns, "the source has no column")
            yield FieldProblem(f"parameters.{field}", message)


def _unknown_column(column: str, columns: Collection[str], fault: str) -> str:
    hint = did_you_mean(column, columns)
    return f"{fault} '{shorten_name(column)}'; it has {_list_choices(column, columns)}{hint}"


def _column_references(parameters: ReportParameters) -> Iterator[tuple[str, str]]:
    """Yield every column that the parameters name, after the path to it."""
    for number, condition in enumerate(parameters.filter):
        yield f"filter[{number}].column", condition.column
    for prefix, view in _views(parameters):
        for number, condition in enumerate(view.conditions):
            yield f"{prefix}where[{number}].column", condition.column
        for number, key in enumerate(view.group_by):
            field = f"{prefix}group_by[{number}]"
            yield (field if isinstance(key, str) else f"{field}.column"), key_column(key)
        for column in view.metrics:
            yield f"{prefix}metrics.{shorten_name(column)}", column


def _list_choices(name: str, choices: Collection[str]) -> str:
    """List the names that exist, similar ones first."""
    if not choices:
        return "none"
    names = list(dict.fromkeys([*similar_names(name, choices), *choices]))
    rest = f" and {len(names) - _MAX_CHOICES} more" if len(names) > _MAX_CHOICES else ""
    return ", ".join(f"'{shorten_name(choice)}'" for choice in names[:_MAX_CHOICES]) + rest
