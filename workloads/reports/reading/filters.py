"""Which rows a report is about."""

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import polars as pl

from workloads.reports.conditions import Condition
from workloads.reports.reading.numbers import MAX_EXACT, Numbers

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def kept(
    conditions: list[Condition], texts: pl.DataFrame, numbers: dict[str, Numbers]
) -> pl.Series | None:
    """Tell of each row whether every condition holds; None if there are no conditions.

    Args:
        conditions: What must hold.
        texts: The rows.
        numbers: The columns that are compared as numbers, parsed.
    """
    if not conditions:
        return None
    return reduce(operator.and_, (_holds(condition, texts, numbers) for condition in conditions))


def _holds(condition: Condition, texts: pl.DataFrame, numbers: dict[str, Numbers]) -> pl.Series:
    column = texts[condition.column]
    if condition.op == "is_null":
        return column.is_null()
    if condition.op == "not_null":
        return column.is_not_null()
    if condition.is_numeric:
        return _numbers_hold(condition, numbers[condition.column])
    return _texts_hold(condition, column)


def _texts_hold(condition: Condition, column: pl.Series) -> pl.Series:
    return _compared(column, condition.op, condition.texts).fill_null(value=False)


def _numbers_hold(condition: Condition, numbers: Numbers) -> pl.Series:
    values = condition.numbers
    if numbers.huge is None and all(abs(value) <= MAX_EXACT for value in values):
        floats = numbers.floats()  # so small, none of them is rounded
        return _compared(floats, condition.op, values).fill_null(value=False)
    holds = [_number_holds(number, condition.op, values) for number in numbers.exactly()]
    return pl.Series(holds, dtype=pl.Boolean)


def _number_holds(number: int | float | None, op: str, values: list[int | float]) -> bool:
    """Compare as Python does: exactly, whole numbers with floats too."""
    if number is None:
        return False
    if op in ("in", "not_in"):
        return (number in values) == (op == "in")
    return bool(_COMPARISONS[op](number, values[0]))


def _compared(column: pl.Series, op: str, values: list[Any]) -> pl.Series:
    if op in ("in", "not_in"):
        found = column.is_in(pl.Series(values, dtype=column.dtype).implode())
        return found if op == "in" else ~found
    compared: pl.Series = _COMPARISONS[op](column, values[0])
    return compared
