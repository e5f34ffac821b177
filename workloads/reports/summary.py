"""Summarise a chunk: read it as a table, refuse what does not parse, filter, and tally the rest.

All reports of a run are made in this one pass: each column is read and parsed once, whoever needs
it. A row that one of them has to refuse is refused, and in none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from fanout.models.outcome import ErrorInfo
from fanout.records import Chunk
from fanout.workload import ChunkResult, Failure
from workloads.reports.conditions import Condition
from workloads.reports.parameters import DateKey, ReportParameters, View
from workloads.reports.reading.dates import Dates, bucketed
from workloads.reports.reading.filters import kept
from workloads.reports.reading.numbers import Numbers, parse
from workloads.reports.reading.table import Table, place, read_table
from workloads.reports.statistics.partial import Group, Partial, Summary
from workloads.reports.statistics.sketches import distinct_texts, spread
from workloads.reports.statistics.tallies import tally

_MAX_SHOWN_CHARACTERS = 100


def summarise(chunk: Chunk, parameters: ReportParameters) -> ChunkResult[Summary]:
    """Make the partial reports of a chunk.

    A row that does not parse, as a record or where a report needs a number or a date, is a failure
    and in no group. Of the rows that the filters leave out, only the cells that they compare are
    looked at.
    """
    table = read_table(chunk, parameters.columns, parameters.null_values)
    columns = _Columns(table.texts)
    common = kept(parameters.filter, table.texts, columns.compared(parameters.filter))
    keeps = [_both(common, _kept(view, columns)) for view in parameters.views]
    refused: dict[int, _Refusal] = {}
    _note(refused, columns.not_compared(parameters.filter), None)
    for view, keep in zip(parameters.views, keeps, strict=True):
        _note(refused, columns.not_compared(view.conditions), common)
        _note(refused, columns.not_usable(view), keep)
    sound = _sound(refused, table.texts.height)
    partials = [
        _partial(view, columns, _both(keep, sound))
        for view, keep in zip(parameters.views, keeps, strict=True)
    ]
    failures = [*table.failures, *_failures(table, refused)]
    return ChunkResult(Summary(tuple(partials)), failures)


@dataclass(frozen=True)
class _Refusal:
    """Why a row is refused: the column of the first bad cell, and what its text is not."""

    column: str
    wanted: str


class _Columns:
    """The columns of a chunk, each parsed at most once as what it is used for."""

    def __init__(self, texts: pl.DataFrame) -> None:
        self.texts = texts
        self._numbers: dict[str, Numbers] = {}
        self._dates: dict[DateKey, Dates] = {}

    def numbers(self, column: str) -> Numbers:
        if column not in self._numbers:
            self._numbers[column] = parse(self.texts[column])
        return self._numbers[column]

    def dates(self, key: DateKey) -> Dates:
        if key not in self._dates:
            self._dates[key] = bucketed(self.texts[key.column], key)
        return self._dates[key]

    def compared(self, conditions: list[Condition]) -> dict[str, Numbers]:
        """The columns that conditions compare as numbers."""
        return {c.column: self.numbers(c.column) for c in conditions if c.is_numeric}

    def not_compared(
        self, conditions: list[Condition]
    ) -> Iterator[tuple[_Refusal, pl.Series | None]]:
        """Tell which rows conditions cannot compare."""
        for column, numbers in self.compared(conditions).items():
            yield _Refusal(column, "a number"), numbers.refused

    def not_usable(self, view: View) -> Iterator[tuple[_Refusal, pl.Series | None]]:
        """Tell which rows a report cannot use."""
        for key in view.group_by:
            if isinstance(key, DateKey):
                yield _Refusal(key.column, "a date"), self.dates(key).refused
        for column in view.measured:
            yield _Refusal(column, "a number"), self.numbers(column).refused

    def keys(self, view: View) -> pl.DataFrame:
        """The columns that make the groups of a report."""
        named = [
            (self.dates(key).keys if isinstance(key, DateKey) else self.texts[key]).alias(name)
            for key, name in zip(view.group_by, view.key_names, strict=True)
        ]
        return pl.DataFrame(named)


def _kept(view: View, columns: _Columns) -> pl.Series | None:
    return kept(view.conditions, columns.texts, columns.compared(view.conditions))


def _both(one: pl.Series | None, other: pl.Series | None) -> pl.Series | None:
    """Where both hold; None holds everywhere."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _note(
    refused: dict[int, _Refusal],
    found: Iterator[tuple[_Refusal, pl.Series | None]],
    keep: pl.Series | None,
) -> None:
    """Note the first reason for each row that is kept and refused."""
    for refusal, mask in found:
        if mask is None:
            continue
        for row in (mask if keep is None else mask & keep).arg_true():
            refused.setdefault(row, refusal)


def _sound(refused: dict[int, _Refusal], rows: int) -> pl.Series | None:
    """Tell which rows are not refused; None if none is."""
    if not refused:
        return None
    return pl.repeat(value=True, n=rows, eager=True).scatter(list(refused), False)


def _partial(view: View, columns: _Columns, used: pl.Series | None) -> Partial:
    """Tally the rows that a report uses."""
    keys, rows = columns.keys(view), columns.texts.height
    numbers = {column: columns.numbers(column) for column in view.measured}
    texts = columns.texts.select(view.told_apart)
    if used is not None:
        rows = int(used.sum())
        keys, texts = (frame.filter(used) if frame.width else frame for frame in (keys, texts))
        numbers = {column: values.filter(used) for column, values in numbers.items()}
    squared = ["std" in view.metrics[column] for column in numbers]
    tallied = tally(keys, rows, list(numbers.values()), squared)
    if not view.told_apart and not view.ranked:
        return tallied
    sketches = [distinct_texts(keys, texts[column]) for column in view.told_apart]
    spreads = [spread(keys, numbers[column]) for column in view.ranked]
    groups = {
        key: Group(
            group.rows,
            group.tallies,
            tuple(of.get(key, b"") for of in sketches),
            tuple(of.get(key, {}) for of in spreads),
        )
        for key, group in tallied.groups.items()
    }
    return Partial(groups, tallied.fractional)


def _failures(table: Table, refused: dict[int, _Refusal]) -> list[Failure]:
    kind = "CsvValueError" if table.chunk.kind == "csv" else "JsonValueError"
    failures = []
    for row, refusal in sorted(refused.items(), key=lambda item: item[0]):
        index, text = table.indexes[row], table.texts[refusal.column][row]
        shown = text if len(text) <= _MAX_SHOWN_CHARACTERS else text[:_MAX_SHOWN_CHARACTERS] + "…"
        where = place(table.line(row), index)
        message = f"{where}: column '{refusal.column}' has '{shown}', which is not {refusal.wanted}"
        failures.append(Failure(index, ErrorInfo(type=kind, message=message)))
    return failures
