"""Summarise a chunk: read it as a table, refuse rows that do not parse, filter, and tally the rest.

One pass makes all reports of a run: each column is read and parsed once. A row that one report has
to refuse is in no report.
"""

from collections.abc import Iterable

import polars as pl
import polars.selectors as cs

from fanout.hints import shorten_name
from fanout.models.outcome import ErrorInfo
from fanout.records import Chunk
from fanout.workload import ChunkResult, Failure
from workloads.reports.metrics import ExactMetric
from workloads.reports.parameters import ReportParameters, View
from workloads.reports.reading.columns import Columns, InvalidRows
from workloads.reports.reading.table import Table, read_table, row_position
from workloads.reports.statistics.distinct import NOTHING
from workloads.reports.statistics.partial import Group, Partial, Summary
from workloads.reports.statistics.room import insist_on_room
from workloads.reports.statistics.sketches import count_buckets, sketch_groups
from workloads.reports.statistics.tallies import tally

_MAX_TEXT_CHARACTERS = 100
# True for each row that is kept; None keeps all.
_Mask = pl.Series | None


def summarise(chunk: Chunk, parameters: ReportParameters) -> ChunkResult[Summary]:
    """Make the partial reports of a chunk.

    A row that does not parse, as a record or where a report needs a number or a date, is a failure
    and in no group. Of a row that the filters leave out, only the cells that they compare have to
    parse.
    """
    table = read_table(chunk, parameters.columns, parameters.null_values)
    columns, views = Columns(table.texts), parameters.views
    common = columns.match_rows(parameters.filter)
    masks = [_intersect(common, columns.match_rows(view.conditions)) for view in views]
    refusals: dict[int, InvalidRows] = {}
    _note_refusals(refusals, columns.find_incomparable(parameters.filter), None)
    for view, mask in zip(views, masks, strict=True):
        _note_refusals(refusals, columns.find_incomparable(view.conditions), common)
        _note_refusals(refusals, columns.find_unusable(view), mask)
    usable = _usable_rows(refusals, table.texts.height)
    partials = [
        _tally_view(view, columns, _intersect(mask, usable))
        for view, mask in zip(views, masks, strict=True)
    ]
    failures = [*table.failures, *_make_failures(table, refusals)]
    return ChunkResult(Summary(tuple(partials), table.census), failures)


def _intersect(first: _Mask, second: _Mask) -> _Mask:
    if first is None or second is None:
        return second if first is None else first
    return first & second


def _note_refusals(
    refusals: dict[int, InvalidRows], invalid: Iterable[InvalidRows], kept_rows: _Mask
) -> None:
    """Note the first reason for each row that is kept and invalid."""
    for rows in invalid:
        for row in (rows.mask if kept_rows is None else rows.mask & kept_rows).arg_true():
            refusals.setdefault(row, rows)


def _usable_rows(refusals: dict[int, InvalidRows], rows: int) -> _Mask:
    """Mark the rows that are not refused."""
    if not refusals:
        return None
    return pl.repeat(value=True, n=rows, eager=True).scatter(list(refusals), False)


def _tally_view(view: View, columns: Columns, used_rows: _Mask) -> Partial:
    """Tally the rows that a report uses."""
    keys, rows = columns.keys(view), columns.texts.height
    numbers = {column: columns.numbers(column) for column in view.number_columns}
    texts = columns.texts.select(map(cs.by_name, view.distinct_columns))
    if used_rows is not None:
        rows = int(used_rows.sum())
        keys, texts = (frame.filter(used_rows) if frame.width else frame for frame in (keys, texts))
        numbers = {column: values.filter(used_rows) for column, values in numbers.items()}
    needs_squares = [ExactMetric.STD in view.metrics[column] for column in numbers]
    partial = tally(keys, rows, list(numbers.values()), needs_squares)
    if not view.distinct_columns and not view.quantile_columns:
        insist_on_room(partial.groups)
        return partial
    sketches = [sketch_groups(keys, texts[column]) for column in view.distinct_columns]
    buckets = [count_buckets(keys, numbers[column]) for column in view.quantile_columns]
    groups = {
        key: Group(
            group.rows,
            group.tallies,
            tuple(by_group.get(key, NOTHING) for by_group in sketches),
            tuple(by_group.get(key, {}) for by_group in buckets),
        )
        for key, group in partial.groups.items()
    }
    insist_on_room(groups)
    return Partial(groups, partial.fractional)


def _make_failures(table: Table, refusals: dict[int, InvalidRows]) -> list[Failure]:
    kind = "CsvValueError" if table.chunk.kind == "csv" else "JsonValueError"
    failures = []
    for row, reason in sorted(refusals.items(), key=lambda item: item[0]):
        index = table.indexes[row]
        text = _shorten(table.texts[reason.column][row])
        position = row_position(table.line(row), index)
        message = (
            f"{position}: column '{shorten_name(reason.column)}' has '{text}', "
            f"which is not {reason.expected}"
        )
        failures.append(Failure(index, ErrorInfo(type=kind, message=message)))
    return failures


def _shorten(text: str) -> str:
    if len(text) <= _MAX_TEXT_CHARACTERS:
        return text
    return text[:_MAX_TEXT_CHARACTERS] + "…"
