"""The columns of a chunk: each is parsed at most once for each use."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from workloads.reports.conditions import Condition
from workloads.reports.parameters import DateKey, View
from workloads.reports.reading.dates import Dates, truncate_dates
from workloads.reports.reading.filters import match_rows, pick_cells
from workloads.reports.reading.numbers import Numbers, parse_numbers
from workloads.reports.statistics.room import MAX_KEY_CHARACTERS

_SHORT_TEXT = f"a text of up to {MAX_KEY_CHARACTERS} characters, as the name of a group has to be"


@dataclass(frozen=True)
class InvalidRows:
    """Rows whose cells of a column are not what a report needs.

    Attributes:
        expected: What the cells should be: "a number".
        mask: True for each such row.
    """

    column: str
    expected: str
    mask: pl.Series


class Columns:
    """The columns of a table of texts, as texts, numbers and dates."""

    def __init__(self, texts: pl.DataFrame) -> None:
        self.texts = texts
        self._numbers: dict[str, Numbers] = {}
        self._dates: dict[DateKey, Dates] = {}

    def numbers(self, column: str) -> Numbers:
        """A column as numbers."""
        if column not in self._numbers:
            self._numbers[column] = parse_numbers(pick_cells(self.texts, column))
        return self._numbers[column]

    def dates(self, key: DateKey) -> Dates:
        """A column as dates, truncated as a key says."""
        if key not in self._dates:
            self._dates[key] = truncate_dates(pick_cells(self.texts, key.column), key)
        return self._dates[key]

    def keys(self, view: View) -> pl.DataFrame:
        """The columns that make the groups of a report."""
        keys = [
            (self.dates(key).keys if isinstance(key, DateKey) else self.texts[key]).alias(name)
            for key, name in zip(view.group_by, view.key_names, strict=True)
        ]
        return pl.DataFrame(keys)

    def match_rows(self, conditions: list[Condition]) -> pl.Series | None:
        """Mark the rows that meet every condition; None if there are no conditions."""
        return match_rows(conditions, self.texts, self._condition_numbers(conditions))

    def find_incomparable(self, conditions: list[Condition]) -> Iterator[InvalidRows]:
        """Find the rows that conditions cannot compare."""
        for column, numbers in self._condition_numbers(conditions).items():
            yield from _invalid_rows(column, "a number", numbers.invalid)

    def find_unusable(self, view: View) -> Iterator[InvalidRows]:
        """Find the rows that a report cannot use."""
        for key in view.group_by:
            if isinstance(key, DateKey):
                yield from _invalid_rows(key.column, "a date", self.dates(key).invalid)
            else:
                yield from _invalid_rows(key, _SHORT_TEXT, find_long(pick_cells(self.texts, key)))
        for column in view.number_columns:
            yield from _invalid_rows(column, "a number", self.numbers(column).invalid)

    def _condition_numbers(self, conditions: list[Condition]) -> dict[str, Numbers]:
        return {c.column: self.numbers(c.column) for c in conditions if c.is_numeric}


def find_long(texts: pl.Series) -> pl.Series | None:
    """Mark the texts that are too long to name a group; None if there are none."""
    longest = texts.str.len_bytes().max()
    if longest is None or int(str(longest)) <= MAX_KEY_CHARACTERS:
        return None
    is_long = (texts.str.len_chars() > MAX_KEY_CHARACTERS).fill_null(value=False)
    return is_long if is_long.any() else None


def _invalid_rows(column: str, expected: str, mask: pl.Series | None) -> Iterator[InvalidRows]:
    if mask is not None:
        yield InvalidRows(column, expected, mask)
