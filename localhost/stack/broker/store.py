"""The broker's memory on disk: one SQLite file, written once per turn of the event loop.

Changes are gathered as they are made, the last one of each message counting, and committed
together; nobody is told of a change before. A killed process loses nothing that was committed.
The file is not forced to the platter at each commit: a power cut may cost the last moments.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localhost.stack.broker.message import DeadLetter, Message, State

FILE = "broker.sqlite3"
APPLICATION_ID = 0x46_4F_53_42
VERSION = 1
WAIT_SECONDS = 5.0

_SCHEMA = """
CREATE TABLE messages (
  queue TEXT NOT NULL, number INTEGER NOT NULL, content BLOB NOT NULL, enqueued_at REAL NOT NULL,
  message_id TEXT, time_to_live_seconds REAL, scheduled_at REAL, state INTEGER NOT NULL,
  delivery_count INTEGER NOT NULL, is_locked INTEGER NOT NULL,
  source TEXT, reason TEXT, description TEXT,
  PRIMARY KEY (queue, number)
);
CREATE TABLE numbers (entity TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE known_ids (
  entity TEXT NOT NULL, message_id TEXT NOT NULL, number INTEGER NOT NULL, until REAL NOT NULL,
  PRIMARY KEY (entity, message_id)
) WITHOUT ROWID;
"""
# Files of brokers that had no sessions lack it.
_SESSIONS = """
CREATE TABLE IF NOT EXISTS session_states (
  queue TEXT NOT NULL, session_id TEXT NOT NULL, state BLOB NOT NULL,
  PRIMARY KEY (queue, session_id)
) WITHOUT ROWID;
"""
# A change of state does not write the content again.
_PUT = """
INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET state = excluded.state, delivery_count = excluded.delivery_count,
  is_locked = excluded.is_locked
"""


class StoreError(Exception):
    """The file cannot be used; the message says why."""


@dataclass(frozen=True)
class KnownId:
    """A message id by which duplicates are found."""

    entity: str
    message_id: str
    number: int
    until: float


class Store:
    """The file in `folder`, open for this process alone.

    Raises:
        StoreError: Another process has it, or it is not a broker's.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        self._messages: dict[tuple[str, int], Message | None] = {}
        self._numbers: dict[str, int] = {}
        self._known: dict[tuple[str, str], KnownId | None] = {}
        self._states: dict[tuple[str, str], bytes | None] = {}
        self._connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            is_busy = isinstance(error, sqlite3.OperationalError)
            why = "another broker uses it" if is_busy else "it is not a broker's"
            raise StoreError(f"{path} cannot be opened: {why} ({error}).") from error

    def put(self, queue: str, message: Message) -> None:
        """Note that the message is in the queue, as given."""
        self._messages[queue, message.sequence_number] = message

    def remove(self, queue: str, sequence_number: int) -> None:
        """Note that the message is no longer in the queue."""
        self._messages[queue, sequence_number] = None

    def count(self, entity: str, last_sequence_number: int) -> None:
        """Note the last number given out."""
        self._numbers[entity] = last_sequence_number

    def remember(self, entity: str, message_id: str, sequence_number: int, until: float) -> None:
        """Note a message id."""
        self._known[entity, message_id] = KnownId(entity, message_id, sequence_number, until)

    def forget(self, entity: str, message_id: str) -> None:
        """Note that a message id is free."""
        self._known[entity, message_id] = None

    def keep_state(self, queue: str, session_id: str, state: bytes | None) -> None:
        """Note the state of a session; None: it has none."""
        self._states[queue, session_id] = state

    def has_changes(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._messages or self._numbers or self._known or self._states)

    def commit(self) -> None:
        """Write what was noted, all or nothing."""
        if not self.has_changes():
            return
        self._connection.execute("BEGIN")
        try:
            self._write()
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        self._messages.clear()
        self._numbers.clear()
        self._known.clear()
        self._states.clear()

    def messages(self) -> Iterator[tuple[str, Message]]:
        """Every message with its queue, in the order of the numbers."""
        rows = self._connection.execute("SELECT * FROM messages ORDER BY queue, number").fetchall()
        return ((row[0], _message(row)) for row in rows)

    def numbers(self) -> list[tuple[str, int]]:
        """The last number of each entity."""
        return self._connection.execute("SELECT entity, last FROM numbers").fetchall()

    def known_ids(self) -> list[KnownId]:
        """The message ids that are remembered, the first to be forgotten first."""
        rows = self._connection.execute("SELECT * FROM known_ids ORDER BY until").fetchall()
        return [KnownId(*row) for row in rows]

    def session_states(self) -> list[tuple[str, str, bytes]]:
        """The states of sessions, with their queues."""
        return self._connection.execute("SELECT * FROM session_states").fetchall()

    def close(self) -> None:
        """Close the file; what was not committed is gone."""
        self._connection.close()

    def _prepare(self) -> None:
        connection = self._connection
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if (application, version) == (0, 0):
            connection.executescript(
                f"BEGIN EXCLUSIVE; PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {VERSION};{_SCHEMA}COMMIT;"
            )
        elif (application, version) != (APPLICATION_ID, VERSION):
            raise sqlite3.DatabaseError(f"application {application:#x}, version {version}")
        connection.executescript(_SESSIONS)
        # The lock is only taken by the first transaction; take it now, for as long as this runs.
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")

    def _write(self) -> None:
        connection = self._connection
        puts = [(queue, m) for (queue, _), m in self._messages.items() if m is not None]
        removed_keys = [key for key, message in self._messages.items() if message is None]
        connection.executemany(_PUT, [_row(queue, message) for queue, message in puts])
        connection.executemany("DELETE FROM messages WHERE queue = ? AND number = ?", removed_keys)
        connection.executemany(
            "INSERT OR REPLACE INTO numbers VALUES (?, ?)", self._numbers.items()
        )
        known_rows = [
            (k.entity, k.message_id, k.number, k.until)
            for k in self._known.values()
            if k is not None
        ]
        free_keys = [key for key, value in self._known.items() if value is None]
        connection.executemany("INSERT OR REPLACE INTO known_ids VALUES (?, ?, ?, ?)", known_rows)
        connection.executemany(
            "DELETE FROM known_ids WHERE entity = ? AND message_id = ?", free_keys
        )
        connection.executemany(
            "DELETE FROM session_states WHERE queue = ? AND session_id = ?", self._states
        )
        states = [(*key, state) for key, state in self._states.items() if state is not None]
        connection.executemany("INSERT INTO session_states VALUES (?, ?, ?)", states)


def _row(queue: str, message: Message) -> tuple[object, ...]:
    letter = message.dead_letter or DeadLetter("", None, None)
    return (
        queue,
        message.sequence_number,
        message.content,
        message.enqueued_at,
        message.message_id,
        message.time_to_live_seconds,
        message.scheduled_at,
        message.state.value,
        message.delivery_count,
        message.is_locked,
        letter.source or None,
        letter.reason,
        letter.description,
    )


def _message(row: tuple[Any, ...]) -> Message:
    _, number, content, enqueued_at, message_id, ttl, scheduled_at, state, *rest = row
    delivery_count, is_locked, source, reason, description = rest
    return Message(
        sequence_number=number,
        content=content,
        enqueued_at=enqueued_at,
        message_id=message_id,
        time_to_live_seconds=ttl,
        scheduled_at=scheduled_at,
        state=State(state),
        delivery_count=delivery_count,
        is_locked=bool(is_locked),
        dead_letter=DeadLetter(source, reason, description) if source else None,
    )
