"""Filters: the rows that meet every condition of a report."""

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import polars as pl

from workloads.reports.conditions import Condition
from workloads.reports.reading.numbers import MAX_EXACT, Numbers

_CELLS = "cells"
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def match_rows(
    conditions: list[Condition], texts: pl.DataFrame, numbers: dict[str, Numbers]
) -> pl.Series | None:
    """Mark the rows that meet every condition; None if there are no conditions.

    Args:
        conditions: The conditions; all must hold.
        texts: The rows.
        numbers: The parsed columns of conditions that compare numbers.
    """
    if not conditions:
        return None
    return reduce(operator.and_, (_match(condition, texts, numbers) for condition in conditions))


def pick_cells(texts: pl.DataFrame, column: str) -> pl.Series:
    """A column without its name: methods of a series would take "^x$" for a pattern."""
    return texts[column].alias(_CELLS)


def _match(condition: Condition, texts: pl.DataFrame, numbers: dict[str, Numbers]) -> pl.Series:
    column = pick_cells(texts, condition.column)
    if condition.op == "is_null":
        return column.is_null()
    if condition.op == "not_null":
        return column.is_not_null()
    if condition.is_numeric:
        return _match_numbers(condition, numbers[condition.column])
    return _match_texts(condition, column)


def _match_texts(condition: Condition, column: pl.Series) -> pl.Series:
    return _compare(column, condition.op, condition.texts).fill_null(value=False)


def _match_numbers(condition: Condition, numbers: Numbers) -> pl.Series:
    values = condition.numbers
    if numbers.huge is None and all(abs(value) <= MAX_EXACT for value in values):
        floats = numbers.floats()  # none of them is rounded: they are small
        return _compare(floats, condition.op, values).fill_null(value=False)
    matches = [_is_match(number, condition.op, values) for number in numbers.exact_values()]
    return pl.Series(matches, dtype=pl.Boolean)


def _is_match(number: int | float | None, op: str, values: list[int | float]) -> bool:
    """Compare as Python does: exactly, whole numbers with floats too."""
    if number is None:
        return False
    if op in ("in", "not_in"):
        return (number in values) == (op == "in")
    return bool(_COMPARISONS[op](number, values[0]))


def _compare(column: pl.Series, op: str, values: list[Any]) -> pl.Series:
    if op in ("in", "not_in"):
        is_in = column.is_in(pl.Series(values, dtype=column.dtype).implode())
        return is_in if op == "in" else ~is_in
    matches: pl.Series = _COMPARISONS[op](column, values[0])
    return matches
