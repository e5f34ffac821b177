"""Summarise a chunk: read it as a table, refuse what does not parse, filter, and tally the rest."""

import polars as pl

from fanout.models.outcome import ErrorInfo
from fanout.records import Chunk
from fanout.workload import ChunkResult, Failure
from workloads.reports.filters import kept
from workloads.reports.numbers import Numbers, parse
from workloads.reports.parameters import ReportParameters
from workloads.reports.partial import Partial
from workloads.reports.table import Table, place, read_table
from workloads.reports.tallies import tally

_MAX_SHOWN_CHARACTERS = 100


def summarise(chunk: Chunk, parameters: ReportParameters) -> ChunkResult[Partial]:
    """Make the partial report of a chunk.

    A row that does not parse, as a record or where the report needs a number, is a failure and in
    no group. Of the rows that the filter leaves out, the cells of metrics are not looked at.
    """
    table = read_table(chunk, parameters.columns, parameters.null_values)
    compared = [c.column for c in parameters.filter if c.is_numeric]
    numbers = {column: parse(table.texts[column]) for column in {*compared, *parameters.metrics}}
    keep = kept(parameters.filter, table.texts, numbers)
    refused = _refused(compared, list(parameters.metrics), numbers, keep)
    failures = [*table.failures, *_failures(table, refused)]
    used = _used(keep, refused, table.texts.height)
    keys = table.texts.select(parameters.group_by)
    columns = [numbers[column] for column in parameters.metrics]
    squared = ["std" in metrics for metrics in parameters.metrics.values()]
    rows = table.texts.height
    if used is not None:
        keys, rows = keys.filter(used) if keys.width else keys, int(used.sum())
        columns = [column.filter(used) for column in columns]
    return ChunkResult(tally(keys, rows, columns, squared), failures)


def _refused(
    compared: list[str],
    measured: list[str],
    numbers: dict[str, Numbers],
    keep: pl.Series | None,
) -> dict[int, str]:
    """Find the rows with a cell that should be a number and is none, and the first such column."""
    refused: dict[int, str] = {}
    for column in dict.fromkeys([*compared, *measured]):
        mask = numbers[column].refused
        if mask is None:
            continue
        if keep is not None and column not in compared:
            mask &= keep
        for row in mask.arg_true():
            refused.setdefault(row, column)
    return dict(sorted(refused.items()))


def _used(keep: pl.Series | None, refused: dict[int, str], rows: int) -> pl.Series | None:
    """Tell which rows are in the report; None if all are."""
    if not refused:
        return keep
    sound = pl.repeat(value=True, n=rows, eager=True).scatter(list(refused), False)
    return sound if keep is None else sound & keep


def _failures(table: Table, refused: dict[int, str]) -> list[Failure]:
    kind = "CsvValueError" if table.chunk.kind == "csv" else "JsonValueError"
    failures = []
    for row, column in refused.items():
        index, text = table.indexes[row], table.texts[column][row]
        shown = text if len(text) <= _MAX_SHOWN_CHARACTERS else text[:_MAX_SHOWN_CHARACTERS] + "…"
        where = place(table.line(row), index)
        message = f"{where}: column '{column}' has '{shown}', which is not a number"
        failures.append(Failure(index, ErrorInfo(type=kind, message=message)))
    return failures
