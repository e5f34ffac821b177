"""A chunk as a table of texts: whatever its kind, a report sees the same.

A cell of a CSV is its text. In JSON a text is itself, a number or a boolean its JSON text, a list
or an object its compact JSON, and null or an absent key a missing value. So the same rows make the
same report, as CSV or as JSON.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl
from pydantic_core import to_json

from fanout.errors import PermanentError
from fanout.models.outcome import ErrorInfo
from fanout.records import Chunk, Record
from fanout.splitting.records import parse_records
from fanout.workload import Failure
from workloads.reports.reading.tidy import read_tidy


@dataclass(frozen=True)
class Table:
    """The rows of a chunk that parse, and the failures of those that do not.

    Attributes:
        texts: The wanted columns as texts; null where a value is missing.
        indexes: Of each row in the source.
    """

    chunk: Chunk
    texts: pl.DataFrame
    indexes: Sequence[int]
    failures: list[Failure]

    def line(self, row: int) -> int | None:
        """Tell the line of the source on which a row begins; None where it has no lines."""
        return self._lines[self.indexes[row] - self.chunk.first_index]

    @cached_property
    def _lines(self) -> list[int | None]:
        return [record.line for record in parse_records(self.chunk)]


def read_table(chunk: Chunk, columns: Sequence[str], null_values: Sequence[str]) -> Table:
    """Read the wanted columns of a chunk.

    Raises:
        PermanentError: The chunk is CSV and lacks one of them.
    """
    if chunk.kind == "csv":
        _check_columns([*(chunk.columns or []), *chunk.selection], columns)
        tidy = None if chunk.fault is not None else read_tidy(chunk, columns)
        if tidy is not None:
            indexes = range(chunk.first_index, chunk.first_index + chunk.count)
            return Table(chunk, _with_nulls(tidy, columns, null_values), indexes, [])
    good, failures = _divided(parse_records(chunk))
    texts = pl.DataFrame(
        {column: [_text(record.value.get(column)) for record in good] for column in columns},
        schema=dict.fromkeys(columns, pl.String),
        height=len(good),
    )
    indexes_of_good = [record.index for record in good]
    return Table(chunk, _with_nulls(texts, columns, null_values), indexes_of_good, failures)


def place(line: int | None, index: int) -> str:
    """Name where a row stands, for a person."""
    return f"item {index}" if line is None else f"line {line}"


def _check_columns(known: Sequence[str], wanted: Sequence[str]) -> None:
    unknown = [column for column in wanted if column not in known]
    if unknown:
        raise PermanentError(f"the source has no column '{unknown[0]}'")


def _with_nulls(
    texts: pl.DataFrame, columns: Sequence[str], null_values: Sequence[str]
) -> pl.DataFrame:
    """Put null where a text means that a value is missing."""
    missing = pl.Series(null_values, dtype=pl.String).implode()
    return texts.with_columns(
        pl.when(~pl.col(column).is_in(missing)).then(pl.col(column)).alias(column)
        for column in columns
    )


def _divided(records: Iterable[Record]) -> tuple[list[Record], list[Failure]]:
    good: list[Record] = []
    failures: list[Failure] = []
    for record in records:
        if record.error is not None:
            failures.append(Failure(record.index, record.error))
        elif not isinstance(record.value, dict):
            failures.append(Failure(record.index, _no_object(record)))
        else:
            good.append(record)
    return good, failures


def _no_object(record: Record) -> ErrorInfo:
    where = place(record.line, record.index)
    return ErrorInfo(type="JsonItemError", message=f"{where}: a row of a report is a JSON object")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return to_json(value).decode()
