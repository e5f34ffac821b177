"""Read a chunk of any kind as a table of texts.

A cell of a CSV is its text. In JSON a text is itself, a number or a boolean its JSON text, a list
or an object its compact JSON, and null or an absent key a missing value. So the same rows make the
same report, as CSV or as JSON.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl
import polars.selectors as cs
from pydantic_core import to_json

from fanout.errors import PermanentError
from fanout.hints import did_you_mean, shorten_name
from fanout.models.outcome import ErrorInfo
from fanout.records import Chunk, Record
from fanout.splitting.records import parse_records
from fanout.workload import Failure
from workloads.reports.reading.filters import pick_cells
from workloads.reports.reading.tidy import read_tidy
from workloads.reports.statistics.census import Census, Counts, first_names, take_census

_NO_COLUMN = "none"


@dataclass(frozen=True)
class Table:
    """The rows of a chunk that parse, and the failures of those that do not.

    Attributes:
        texts: The requested columns as texts; null where a value is missing.
        indexes: The index in the source of each row.
        census: What the rows have.
    """

    chunk: Chunk
    texts: pl.DataFrame
    indexes: Sequence[int]
    failures: list[Failure]
    census: Census

    def line(self, row: int) -> int | None:
        """The line of the source on which a row begins; None where it has no lines."""
        return self._lines[self.indexes[row] - self.chunk.first_index]

    @cached_property
    def _lines(self) -> list[int | None]:
        return [record.line for record in parse_records(self.chunk)]


def read_table(chunk: Chunk, columns: Sequence[str], null_values: Sequence[str]) -> Table:
    """Read some columns of a chunk; all rows of a CSV that lacks one of them are failures."""
    if chunk.kind == "csv":
        existing = [*(chunk.columns or []), *chunk.selection]
        absent = frozenset(columns).difference(existing)
        if absent:
            return _refuse_table(chunk, columns, sorted(absent), existing)
        tidy = None if chunk.fault is not None else read_tidy(chunk, columns)
        if tidy is not None:
            indexes = range(chunk.first_index, chunk.first_index + chunk.count)
            texts = _set_nulls(tidy, columns, null_values)
            census = Census(tidy.height > 0, nulls=_count_nulls(tidy, texts, columns, null_values))
            return Table(chunk, texts, indexes, [], census)
    rows, failures = _separate_failures(parse_records(chunk))
    # A frame knows its height by its columns: where a report reads none, any name will do.
    names = columns or [_NO_COLUMN]
    raw = pl.DataFrame(
        {column: [_cell_text(row.value.get(column)) for row in rows] for column in names},
        schema=dict.fromkeys(names, pl.String),
    )
    texts = _set_nulls(raw, columns, null_values)
    nulls = _count_nulls(raw, texts, columns, null_values)
    census = take_census([row.value for row in rows], columns, nulls)
    return Table(chunk, texts, [row.index for row in rows], failures, census)


def row_position(line: int | None, index: int) -> str:
    """The position of a row, for a person."""
    return f"item {index}" if line is None else f"line {line}"


def _refuse_table(
    chunk: Chunk, columns: Sequence[str], absent: list[str], existing: Sequence[str]
) -> Table:
    """A table without rows; its census shows at the end whether other blobs have the columns."""
    hint = did_you_mean(absent[0], existing)
    message = f"the source has no column '{shorten_name(absent[0])}'{hint}"
    fault = ErrorInfo(type=PermanentError.__name__, message=message)
    indexes = range(chunk.first_index, chunk.first_index + chunk.count)
    texts = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    census = Census(has_rows=True, absent=frozenset(absent), names=first_names(existing))
    return Table(chunk, texts, [], [Failure(index, fault) for index in indexes], census)


def _set_nulls(
    texts: pl.DataFrame, columns: Sequence[str], null_values: Sequence[str]
) -> pl.DataFrame:
    """Replace texts that mean a missing value by null."""
    missing = pl.Series(null_values, dtype=pl.String).implode()
    # A selector takes every name as it is; `pl.col` has a meaning of its own for "*" and "^x$".
    cells = [(column, cs.by_name(column).as_expr()) for column in columns]
    return texts.with_columns(
        pl.when(~cell.is_in(missing)).then(cell).alias(column) for column, cell in cells
    )


def _count_nulls(
    raw: pl.DataFrame, texts: pl.DataFrame, columns: Sequence[str], null_values: Sequence[str]
) -> Counts:
    """Count the texts, empty ones aside, that were replaced by null; most columns have none."""
    words = [text for text in dict.fromkeys(null_values) if text]
    counts: Counts = {}
    for column in columns if words else ():
        replaced = texts[column].null_count() - raw[column].null_count()
        if replaced:
            cells = pick_cells(raw, column)
            found = {word: int((cells == word).sum()) for word in words}
            counts[column] = {word: count for word, count in found.items() if count}
    return {column: by_word for column, by_word in counts.items() if by_word}


def _separate_failures(records: Iterable[Record]) -> tuple[list[Record], list[Failure]]:
    """The records that are rows, and the failures of the others."""
    rows: list[Record] = []
    failures: list[Failure] = []
    for record in records:
        if record.error is not None:
            failures.append(Failure(record.index, record.error))
        elif not isinstance(record.value, dict):
            failures.append(Failure(record.index, _no_object_error(record)))
        else:
            rows.append(record)
    return rows, failures


def _no_object_error(record: Record) -> ErrorInfo:
    position = row_position(record.line, record.index)
    message = f"{position}: a row of a report is a JSON object"
    return ErrorInfo(type="JsonItemError", message=message)


def _cell_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return to_json(value).decode()
