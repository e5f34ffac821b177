"""The tables of the durable store, and how a file of an older version becomes one of this."""

import sqlite3
from contextlib import closing

VERSION = 2
APPLICATION_ID = 0x46414E4F  # "FANO"

_TABLES = """
CREATE TABLE instances (
  instance_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  version TEXT,
  status TEXT NOT NULL,
  input TEXT,
  output TEXT,
  custom_status TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  parent_id TEXT,
  parent_execution_id TEXT,
  parent_task INTEGER,
  trace_parent TEXT
) WITHOUT ROWID;
CREATE INDEX instances_by_creation ON instances (created_at, instance_id);
CREATE INDEX instances_unfinished ON instances (created_at)
  WHERE status IN ('Pending', 'Running', 'Suspended', 'ContinuedAsNew');

-- One row a turn: its events as JSON texts joined by `events.SEPARATOR`, and the notes on it.
CREATE TABLE history (
  instance_id TEXT NOT NULL,
  turn INTEGER NOT NULL,
  events TEXT NOT NULL,
  notes TEXT,
  PRIMARY KEY (instance_id, turn)
);

-- What arrived for an instance and is not yet in its history: completions, one a line, or one
-- external event with its name.
CREATE TABLE inbox (
  seq INTEGER PRIMARY KEY,
  instance_id TEXT NOT NULL,
  execution_id TEXT,
  name TEXT,
  events TEXT NOT NULL
);
CREATE INDEX inbox_by_instance ON inbox (instance_id);

CREATE TABLE payloads (
  payload_id TEXT PRIMARY KEY,
  instance_id TEXT NOT NULL,
  text TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX payloads_by_instance ON payloads (instance_id);

CREATE TABLE entities (
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  state TEXT,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (name, key)
) WITHOUT ROWID;

CREATE TABLE operations (
  seq INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  message TEXT NOT NULL
);
"""


# What leads from each version to the next; a new file goes the same way from version 1 on.
_MIGRATIONS: dict[int, str] = {
    1: "CREATE INDEX instances_by_status ON instances (status, created_at);",
}


# An extended error code has the primary one in its lowest byte. A table that is missing is an
# SQLITE_ERROR.
_PRIMARY_CODE = 0xFF
_DAMAGE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class StoreError(Exception):
    """The store's file cannot be used; the message says why and what to do."""


def prepare(connection: sqlite3.Connection, path: str) -> None:
    """Create the tables in an empty file, or check that an existing one is ours and current.

    Raises:
        StoreError: The file belongs to something else, is damaged, or is of a newer version.
    """
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        raise unusable_error(path, error) from error


def missing_parts(connection: sqlite3.Connection) -> list[str]:
    """Name the tables, columns and indexes that a current store has and this one lacks."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        _prepare(fresh, ":memory:")
        return sorted(_parts(fresh) - _parts(connection))


def _parts(connection: sqlite3.Connection) -> set[str]:
    entries = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
    parts = {f"{kind} '{name}'" for kind, name in entries}
    for kind, name in entries:
        if kind == "table":
            columns = connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
            parts |= {f"column '{column}' of '{name}'" for (column,) in columns}
    return parts


def unusable_error(path: str, error: sqlite3.Error) -> StoreError:
    """Say what SQLite cannot do with a file; only one that is damaged has to go."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code & _PRIMARY_CODE in _DAMAGE:
        return StoreError(
            f"{path} is not a durable store or is damaged ({error}); "
            "move it away and start again to begin with an empty one"
        )
    return StoreError(
        f"{path} cannot be used now ({error}); it is not damaged. See that no other program has "
        "it open, that its folder may be written and that the disk is not full"
    )


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables == 0:
        connection.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;"
            f"{_TABLES} COMMIT;"
        )
        version = 1
    elif application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program; name another data folder")
    elif version > VERSION:
        raise StoreError(
            f"{path} was written by a newer version of this host (schema {version}, this one knows "
            f"{VERSION}); update the host, or move the file away to begin with an empty one"
        )
    elif version not in (*_MIGRATIONS, VERSION):
        raise StoreError(
            f"{path} has the impossible schema version {version} and is damaged; "
            "move it away and start again to begin with an empty one"
        )
    for step in range(version, VERSION):
        connection.executescript(
            f"BEGIN; {_MIGRATIONS[step]} PRAGMA user_version = {step + 1}; COMMIT;"
        )
    connection.execute("SELECT count(*) FROM (SELECT 1 FROM instances LIMIT 1)").fetchone()
