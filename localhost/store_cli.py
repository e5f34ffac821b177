"""Looking into a store that no host has open: `instances`, `purge` and `doctor`."""

import argparse
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from localhost.durable import queries, schema
from localhost.durable.contract import (
    FINISHED_STATUSES,
    RUNTIME_STATUSES,
    InstanceFilter,
    InstanceRecord,
)
from localhost.durable.store import Store
from localhost.durable.transaction import Transaction

STORE_FILE = "durable.sqlite"
PAGE = 1000


@dataclass(frozen=True)
class Finding:
    """Something that `doctor` found: what it is, and what to do about it."""

    what: str
    advice: str


@contextmanager
def opened(data: Path) -> Iterator[sqlite3.Connection]:
    """Open the store of a data folder, for as long as no host has it.

    Raises:
        StoreError: There is none, a host uses it, or it cannot be used.
    """
    path = data / STORE_FILE
    if not path.exists():
        raise schema.StoreError(f"{path} does not exist; name the data folder with --data")
    store = Store.open(path)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            yield connection
    finally:
        store.release()


def instances(connection: sqlite3.Connection, where: InstanceFilter) -> Iterator[InstanceRecord]:
    """Read every instance that a filter means, oldest first."""
    after = None
    while True:
        page, after = queries.instances(connection, where, PAGE, after)
        yield from page
        if after is None:
            return


def purge(connection: sqlite3.Connection, where: InstanceFilter) -> int:
    """Remove the finished instances that a filter means; return how many.

    Raises:
        ValueError: The filter names a status of instances that have not finished.
    """
    unfinished = where.statuses - FINISHED_STATUSES
    if unfinished:
        # Left out, it would leave an empty filter, and that means every instance.
        raise ValueError(f"only what has finished is purged, not {', '.join(sorted(unfinished))}")
    statuses = where.statuses or FINISHED_STATUSES
    kept = InstanceFilter(where.created_from, where.created_to, statuses, where.id_prefix)
    ids = queries.matching_ids(connection, kept)
    tx = Transaction()
    for instance_id in ids:
        tx.delete_instance(instance_id)
    connection.execute("BEGIN IMMEDIATE")
    for sql, values in tx.statements:
        connection.execute(sql, values)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return len(ids)


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How many instances there are of each status."""
    rows = connection.execute("SELECT status, count(*) FROM instances GROUP BY status")
    found = dict(rows.fetchall())
    return {status: found[status] for status in RUNTIME_STATUSES if status in found}


def findings(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Look for damage, for rows that belong to nothing, and for instances that cannot move."""
    for (line,) in connection.execute("PRAGMA integrity_check").fetchall():
        if line != "ok":
            yield Finding(
                f"the file is damaged: {line}", "move it away and begin with an empty one"
            )
    for table in ("history", "inbox", "payloads"):
        (orphans,) = connection.execute(
            f"SELECT count(DISTINCT instance_id) FROM {table}"  # noqa: S608  a name from above
            " WHERE instance_id NOT IN (SELECT instance_id FROM instances)"
        ).fetchone()
        if orphans:
            yield Finding(
                f"{table} has rows of {orphans} instances that do not exist",
                "harmless; please report how it came about",
            )
    parents = connection.execute(
        "SELECT instance_id, parent_id, status FROM instances WHERE parent_id IS NOT NULL"
        " AND parent_id NOT IN (SELECT instance_id FROM instances)"
    )
    for instance_id, parent_id, status in parents.fetchall():
        if status in FINISHED_STATUSES:
            continue
        yield Finding(
            f"'{instance_id}' runs for '{parent_id}', which was purged",
            "terminate it, or let it end",
        )


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the command line."""
    listing = commands.add_parser("instances", help="list the orchestrations of a stopped host")
    clearing = commands.add_parser("purge", help="remove finished orchestrations")
    doctor = commands.add_parser("doctor", help="examine the store")
    for parser, run in ((listing, _list), (clearing, _purge), (doctor, _examine)):
        parser.add_argument("--data", type=Path, default=Path(".localhost"), metavar="DIR",
                            help="the data folder (default: .localhost)")  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.set_defaults(run=run)
    for parser, statuses in ((listing, RUNTIME_STATUSES), (clearing, sorted(FINISHED_STATUSES))):
        parser.add_argument("--status", action="append", default=[], choices=statuses,
                            help="only these; may be given several times")  # fmt: skip
        parser.add_argument("--prefix", metavar="ID", help="only ids that begin so")


def _filter(arguments: argparse.Namespace) -> InstanceFilter:
    return InstanceFilter(statuses=frozenset(arguments.status), id_prefix=arguments.prefix)


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments.data) as connection:
        for record in instances(connection, _filter(arguments)):
            if arguments.json:
                print(json.dumps(_as_json(record)))
            else:
                print(f"{record.runtime_status:<10} {record.created_at:%Y-%m-%d %H:%M:%S}"
                      f"  {record.name:<24} {record.instance_id}")  # fmt: skip
    return 0


def _as_json(record: InstanceRecord) -> dict[str, str | None]:
    return {
        "instanceId": record.instance_id,
        "name": record.name,
        "runtimeStatus": record.runtime_status,
        "createdTime": record.created_at.isoformat(),
        "lastUpdatedTime": record.last_updated_at.isoformat(),
        "parentInstanceId": record.parent_instance_id,
    }


def _purge(arguments: argparse.Namespace) -> int:
    with opened(arguments.data) as connection:
        removed = purge(connection, _filter(arguments))
    print(json.dumps({"instancesDeleted": removed}) if arguments.json else f"{removed} removed")
    return 0


def _examine(arguments: argparse.Namespace) -> int:
    path = arguments.data / STORE_FILE
    with opened(arguments.data) as connection:
        found = list(findings(connection))
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        by_status = counts(connection)
    if arguments.json:
        wrong = [{"what": finding.what, "advice": finding.advice} for finding in found]
        print(json.dumps({"schema": version, "instances": by_status, "findings": wrong}, indent=2))
        return 1 if found else 0
    print(f"{path}: schema {version}, {path.stat().st_size:,} bytes")
    for status, number in by_status.items():
        print(f"  {status:<12} {number:,}")
    for finding in found:
        print(f"! {finding.what}: {finding.advice}")
    print(f"{len(found)} findings" if found else "nothing is wrong")
    return 1 if found else 0
