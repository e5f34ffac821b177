import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from localhost.durable import schema


def version_1(path: Path) -> None:
    """A file as the first version of this host left it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            f"PRAGMA application_id = {schema.APPLICATION_ID}; PRAGMA user_version = 1;"
            f"{schema._TABLES}"
            "INSERT INTO instances (instance_id, name, execution_id, status, created_at,"
            " updated_at) VALUES ('a', 'run', 'x', 'Completed', '2026', '2026');"
        )


def indexes(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
    return {name for (name,) in rows}


def prepared(path: Path) -> tuple[int, set[str], list[str]]:
    with closing(sqlite3.connect(path)) as connection:
        schema.prepare(connection, str(path))
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        names = [row[0] for row in connection.execute("SELECT instance_id FROM instances")]
        return version, indexes(connection), names


def test_an_older_file_becomes_one_of_this_version_and_keeps_its_rows(tmp_path):
    path = tmp_path / "durable.sqlite"
    version_1(path)
    version, found, names = prepared(path)
    assert version == schema.VERSION
    assert "instances_by_status" in found
    assert names == ["a"]


def test_an_older_and_a_new_file_end_alike(tmp_path):
    version_1(tmp_path / "old.sqlite")
    old, new = prepared(tmp_path / "old.sqlite"), prepared(tmp_path / "new.sqlite")
    assert old[:2] == new[:2]
    assert prepared(tmp_path / "new.sqlite")[:2] == new[:2]


def test_every_version_has_a_way_to_the_next():
    assert sorted(schema._MIGRATIONS) == list(range(1, schema.VERSION))


def test_a_newer_file_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "durable.sqlite"
    version_1(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
        with pytest.raises(schema.StoreError, match="update the host"):
            schema.prepare(connection, str(path))
