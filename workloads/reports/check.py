"""What is wrong with a report's parameters for a source, before anything starts."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from fanout.errors import FieldProblem
from workloads.reports.parameters import ReportParameters

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
    metrics = list(parameters.metric_names())
    sort, metric = parameters.sort, parameters.chart.metric
    if sort is not None and sort.by not in (choices := [*parameters.group_by, *metrics]):
        message = f"the report has no '{sort.by}'; it has {_listed(sort.by, choices)}"
        yield FieldProblem("parameters.sort.by", message)
    if metric is not None and metric not in metrics:
        message = f"the report has no metric '{metric}'; it has {_listed(metric, metrics)}"
        yield FieldProblem("parameters.chart.metric", message)


def _named_columns(parameters: ReportParameters) -> Iterator[tuple[str, str]]:
    for number, condition in enumerate(parameters.filter):
        yield f"filter[{number}].column", condition.column
    for number, column in enumerate(parameters.group_by):
        yield f"group_by[{number}]", column
    for column in parameters.metrics:
        yield f"metrics.{column}", column


def _listed(wanted: str, known: Collection[str]) -> str:
    """List what there is, the names like the wanted one first."""
    if not known:
        return "none"
    by_folded = {name.casefold(): name for name in known}
    close = [by_folded[name] for name in get_close_matches(wanted.casefold(), by_folded, n=3)]
    names = list(dict.fromkeys([*close, *known]))
    rest = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(f"'{name}'" for name in names[:_MAX_LISTED]) + rest
