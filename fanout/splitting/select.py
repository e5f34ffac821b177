"""Merge the fields that a run selects into each of its items."""

from collections.abc import Iterable, Iterator
from typing import Any

from fanout.errors import FanoutError
from fanout.models.outcome import ErrorInfo
from fanout.models.selection import (
    ConstantSelector,
    IndexSelector,
    PathSelector,
    Selection,
    Selector,
)
from fanout.naming.error_types import ErrorType
from fanout.records import Record


class _MissingError(FanoutError):
    """An item has nothing at a path."""


def select(records: Iterable[Record], selection: Selection, origin: str | None) -> Iterator[Record]:
    """Merge the selected fields into each item, over those that it has of the same name.

    An item that is no object stands in the new one under ``value``. An item that has nothing at a
    path is refused.
    """
    for record in records:
        if record.error is not None:
            yield record
            continue
        try:
            fields = {
                name: _value(selector, record, origin) for name, selector in selection.items()
            }
        except _MissingError as error:
            where = f"line {record.line}: " if record.line is not None else ""
            fault = ErrorInfo(type=ErrorType.SELECT, message=f"{where}{error}", retryable=False)
            yield record._replace(value=None, error=fault)
            continue
        item = record.value if isinstance(record.value, dict) else {"value": record.value}
        yield record._replace(value=item | fields)


def _value(selector: Selector, record: Record, origin: str | None) -> Any:
    if isinstance(selector, PathSelector):
        return _at_path(record.value, selector.path)
    if isinstance(selector, ConstantSelector):
        return selector.const
    return record.index if isinstance(selector, IndexSelector) else origin


def _at_path(value: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdecimal():
            if int(name) >= len(value):
                raise _MissingError(f"the item has nothing at '{path}'")
            value = value[int(name)]
        else:
            raise _MissingError(f"the item has nothing at '{path}'")
    return value
