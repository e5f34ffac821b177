"""A store's file: made, brought to this version, or refused."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from localhost.durable.storage import schema
from localhost.durable.storage.schema import StoreError
from localhost.durable.storage.store import Store

# The whole of a file as the first version of this host made it. Never change it: files like it
# are on people's disks.
VERSION_1 = """
PRAGMA application_id = 1178685007;
PRAGMA user_version = 1;
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
CREATE TABLE history (
  instance_id TEXT NOT NULL,
  turn INTEGER NOT NULL,
  events TEXT NOT NULL,
  notes TEXT,
  PRIMARY KEY (instance_id, turn)
);
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
INSERT INTO instances VALUES ('done', 'run', 'x1', NULL, 'Completed', '"in"', '"out"', NULL,
  '2026-01-01T00:00:00.0000000Z', '2026-01-01T00:00:01.0000000Z', NULL, NULL, NULL, NULL);
INSERT INTO instances VALUES ('open', 'run', 'x2', NULL, 'Running', NULL, NULL, '"half"',
  '2026-01-02T00:00:00.0000000Z', '2026-01-02T00:00:01.0000000Z', NULL, NULL, NULL, NULL);
INSERT INTO history VALUES ('open', 0, '{"EventType":12}', NULL);
INSERT INTO inbox VALUES (7, 'open', NULL, 'go', '{"EventType":15}');
INSERT INTO payloads VALUES ('p', 'open', 'a large text');
INSERT INTO entities VALUES ('counter', 'a', '1', '2026-01-01T00:00:00.0000000Z');
INSERT INTO operations VALUES (8, 'counter', 'a', '{}');
"""


def make(path: Path, *scripts: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for script in scripts:
            connection.executescript(script)


def everything(path: Path) -> tuple[list[tuple[str, ...]], dict[str, list[tuple[object, ...]]]]:
    """The definitions and the rows of a file."""
    with closing(sqlite3.connect(path)) as connection:
        definitions = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"
        ).fetchall()
        tables = [name for kind, name, _ in definitions if kind == "table"]
        plain = [(kind, name, _bare(sql)) for kind, name, sql in definitions]
        return plain, {
            table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables
        }


def _bare(sql: str) -> str:
    lines = [line for line in sql.splitlines() if not line.startswith("--")]
    return " ".join(" ".join(lines).split())


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def opened(path: Path) -> None:
    Store.open(path).release()


def test_a_file_of_the_first_version_becomes_one_of_this_and_keeps_every_row(path):
    make(path, VERSION_1)
    _, before = everything(path)
    opened(path)
    definitions, after = everything(path)
    assert version(path) == schema.VERSION
    assert after == before
    assert all(after.values())
    assert ("index", "instances_by_status") in {found[:2] for found in definitions}


def test_an_older_file_and_a_new_one_end_alike(path, tmp_path):
    make(path, VERSION_1)
    opened(path)
    new = tmp_path / "new.db"
    opened(new)
    assert everything(path)[0] == everything(new)[0]
    assert version(new) == schema.VERSION


def test_opening_a_current_file_changes_nothing(path):
    make(path, VERSION_1)
    opened(path)
    first = everything(path)
    opened(path)
    assert everything(path) == first


def test_every_version_has_a_way_to_the_next():
    assert sorted(schema._MIGRATIONS) == list(range(1, schema.VERSION))


def test_migrations_run_in_order_one_version_at_a_time(path, monkeypatch):
    make(path, VERSION_1)
    steps = {
        1: "CREATE TABLE steps (n); INSERT INTO steps VALUES (1);",
        2: "INSERT INTO steps VALUES (2);",
        3: "INSERT INTO steps VALUES (3);",
    }
    monkeypatch.setattr(schema, "_MIGRATIONS", steps)
    monkeypatch.setattr(schema, "VERSION", 4)
    opened(path)
    assert everything(path)[1]["steps"] == [(1,), (2,), (3,)]
    assert version(path) == 4


def test_a_migration_that_fails_leaves_the_file_at_the_version_before_it(path, monkeypatch):
    make(path, VERSION_1)
    steps = {1: "CREATE TABLE one (n);", 2: "CREATE TABLE two (n); INSERT INTO nowhere VALUES (1);"}
    monkeypatch.setattr(schema, "_MIGRATIONS", steps)
    monkeypatch.setattr(schema, "VERSION", 3)
    with pytest.raises(StoreError):
        opened(path)
    tables = everything(path)[1]
    assert "one" in tables and "two" not in tables
    assert version(path) == 2


def test_a_newer_file_is_refused_with_what_to_do_and_left_alone(path):
    make(path, VERSION_1, "PRAGMA user_version = 99;")
    before = everything(path)
    with pytest.raises(
        StoreError, match=r"newer version of this host \(schema 99.*update the host"
    ):
        opened(path)
    assert everything(path) == before
    assert version(path) == 99


def test_an_impossible_version_is_refused(path):
    make(path, VERSION_1, "PRAGMA user_version = 0;")
    with pytest.raises(StoreError, match=r"impossible schema version 0.*move it away"):
        opened(path)


def test_a_file_without_a_table_of_its_own_is_refused_as_damaged(path):
    make(path, VERSION_1, "DROP TABLE instances;")
    with pytest.raises(StoreError, match=r"damaged.*move it away"):
        opened(path)


def test_a_file_that_another_program_has_locked_is_not_called_damaged(path):
    make(path, VERSION_1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with (
            closing(sqlite3.connect(path, timeout=0)) as own,
            pytest.raises(StoreError, match=r"locked.*not damaged.*no other program"),
        ):
            schema.prepare(own, str(path))
