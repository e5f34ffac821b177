"""Reads every row of a store and finds those that nobody could read: no UTF-8, no JSON, no time.

SQLite's own check knows pages and indexes, not what stands in the rows.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from localhost.durable.protocol import times
from localhost.durable.records import RUNTIME_STATUSES
from localhost.durable.state.notes import Notes
from localhost.durable.storage import payloads

Row = tuple[Any, ...]
# More of one table than these are counted, not listed.
MOST_OF_A_TABLE = 20


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that cannot be read: where it is, and why."""

    place: str
    problem: str


@dataclass(frozen=True, slots=True)
class _Table:
    """A table, the columns by which a row of it is named, and what must hold for a row."""

    name: str
    keys: str
    columns: str
    check: Callable[[sqlite3.Connection, Row], None]


class _FaultError(Exception):
    """A row is not as it should be."""


def row_faults(connection: sqlite3.Connection) -> list[RowFault]:
    """Find what cannot be read in the tables, a number of each and how many more there are."""
    # Texts come as bytes: a row that is no UTF-8 would end the query otherwise.
    before, connection.text_factory = connection.text_factory, bytes
    try:
        return [fault for table in _TABLES for fault in _first_faults(connection, table)]
    finally:
        connection.text_factory = before


def _first_faults(connection: sqlite3.Connection, table: _Table) -> Iterator[RowFault]:
    faults = _table_faults(connection, table)
    yield from islice(faults, MOST_OF_A_TABLE)
    rest = sum(1 for _ in faults)
    if rest:
        yield RowFault(table.name, f"{rest:,} more rows cannot be read")


def _table_faults(connection: sqlite3.Connection, table: _Table) -> Iterator[RowFault]:
    key_count = table.keys.count(",") + 1
    sql = f"SELECT {table.keys}, {table.columns} FROM {table.name}"  # noqa: S608 - from below
    for row in connection.execute(sql):
        try:
            table.check(connection, tuple(map(_decode, row)))
        except (_FaultError, ValueError, TypeError, KeyError, RecursionError) as error:
            names = ", ".join(map(_name, row[:key_count]))
            yield RowFault(f"{table.name} ({names})", str(error) or type(error).__name__)


def _decode(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _FaultError(f"a text is not UTF-8: {error}") from error


def _name(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _check_json(column: str, text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise _FaultError(f"{column} is not JSON: {error}") from error


def _check_time(column: str, text: Any) -> None:
    try:
        times.instant(text)
    except (ValueError, TypeError) as error:
        raise _FaultError(f"{column} is not a time: {error}") from error


def _check_instance(connection: sqlite3.Connection, row: Row) -> None:
    _, status, created_at, updated_at, input_text, custom_status, *_ = row
    if status not in RUNTIME_STATUSES:
        raise _FaultError(f"its status is '{status}'")
    _check_time("created_at", created_at)
    _check_time("updated_at", updated_at)
    for column, text in (("input", input_text), ("custom_status", custom_status)):
        if text is not None:
            _check_json(column, text)


def _check_turn(connection: sqlite3.Connection, row: Row) -> None:
    _, _, text, notes = row
    _check_events(connection, f"[{text}]")
    try:
        Notes.load(notes)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _FaultError(f"the notes cannot be read: {error}") from error


def _check_inbox(connection: sqlite3.Connection, row: Row) -> None:
    for line in row[-1].split("\n"):
        _check_events(connection, f"[{line}]")


def _check_events(connection: sqlite3.Connection, text: str) -> None:
    for payload_id in payloads.references(text):
        found = connection.execute("SELECT 1 FROM payloads WHERE payload_id = ?", (payload_id,))
        if found.fetchone() is None:
            raise _FaultError(f"the large text {payload_id} is missing")
    for event in _check_json("the history", payloads.blank(text)):
        if not isinstance(event, dict) or not isinstance(event.get("EventType"), int):
            raise _FaultError(f"the history holds what is no event: {event!r:.100}")


def _check_text(connection: sqlite3.Connection, row: Row) -> None:
    """Nothing more: that it is text was found out before."""


def _check_entity(connection: sqlite3.Connection, row: Row) -> None:
    _, _, state, updated_at = row
    _check_time("updated_at", updated_at)
    if state is not None:
        _check_json("state", state)


def _check_operation(connection: sqlite3.Connection, row: Row) -> None:
    if not isinstance(_check_json("message", row[-1]), dict):
        raise _FaultError("the message is no object")


_TABLES = (
    _Table(
        "instances",
        "instance_id",
        "status, created_at, updated_at, input, custom_status, name, execution_id, version, output,"
        " parent_id, parent_execution_id, trace_parent",
        _check_instance,
    ),
    _Table("history", "instance_id, turn", "events, notes", _check_turn),
    _Table("inbox", "seq", "instance_id, execution_id, name, events", _check_inbox),
    _Table("payloads", "payload_id", "instance_id, text", _check_text),
    _Table("entities", "name, key", "state, updated_at", _check_entity),
    _Table("operations", "seq", "name, key, message", _check_operation),
)
