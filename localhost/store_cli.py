"""Looking into a store that no host has open: `instances`, `purge` and `doctor`."""

import argparse
import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from localhost.durable.records import (
    FINISHED_STATUSES,
    RUNTIME_STATUSES,
    InstanceFilter,
    InstanceRecord,
)
from localhost.durable.recovery import checkup
from localhost.durable.storage import queries, schema
from localhost.durable.storage.store import STORE_FILE, Store
from localhost.durable.storage.transaction import Transaction

PAGE = 1000
# Less unused space than this is not reported.
MUCH_FREE_BYTES = 10_000_000


@contextmanager
def open_store(data: Path) -> Iterator[Store]:
    """Open the store of a data folder, for as long as no host has it.

    Raises:
        StoreError: There is none, a host uses it, or it cannot be used.
    """
    path = data / STORE_FILE
    if not path.exists():
        raise schema.StoreError(f"{path} does not exist; name the data folder with --data")
    if path.stat().st_size == 0:
        raise schema.StoreError(
            f"{path} is empty: it was cut off, or no host has ever written to it; "
            "start a host to begin with an empty store"
        )
    store = Store.open(path)
    try:
        yield store
    except sqlite3.Error as error:
        raise schema.unusable_error(str(path), error) from error
    finally:
        store.release()


@contextmanager
def open_connection(data: Path) -> Iterator[sqlite3.Connection]:
    """Open the store of a data folder, and a connection of our own to it."""
    with (
        open_store(data) as store,
        closing(sqlite3.connect(store.path, isolation_level=None)) as connection,
    ):
        yield connection


def instances(
    connection: sqlite3.Connection, instance_filter: InstanceFilter
) -> Iterator[InstanceRecord]:
    """Read every instance that a filter means, oldest first."""
    token = None
    while True:
        page, token = queries.instances(connection, instance_filter, PAGE, token)
        yield from page
        if token is None:
            return


def purge(connection: sqlite3.Connection, instance_filter: InstanceFilter) -> int:
    """Remove the finished instances that a filter means; return how many.

    Raises:
        ValueError: The filter names a status that is not one of an end.
    """
    if not instance_filter.statuses <= FINISHED_STATUSES:
        raise ValueError(f"not finished: {sorted(instance_filter.statuses - FINISHED_STATUSES)}")
    statuses = instance_filter.statuses or FINISHED_STATUSES
    ids = queries.matching_ids(connection, replace(instance_filter, statuses=statuses))
    tx = Transaction()
    for instance_id in ids:
        tx.delete_instance(instance_id)
    connection.execute("BEGIN IMMEDIATE")
    for sql, values in tx.statements:
        connection.execute(sql, values)
    connection.execute("COMMIT")
    if ids:
        connection.execute("VACUUM")  # only this makes the file smaller
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return len(ids)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the command line."""
    listing = commands.add_parser("instances", help="list the orchestrations of a stopped host")
    clearing = commands.add_parser("purge", help="remove finished orchestrations")
    doctor = commands.add_parser("doctor", help="examine the store")
    for parser, run in ((listing, _list), (clearing, _purge), (doctor, _examine)):
        parser.add_argument(
            "--data",
            type=Path,
            default=Path(".localhost"),
            metavar="DIR",
            help="the data folder (default: .localhost)",
        )
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.set_defaults(run=run)
    for parser, choices in (
        (listing, RUNTIME_STATUSES),
        (clearing, tuple(filter(FINISHED_STATUSES.__contains__, RUNTIME_STATUSES))),
    ):
        parser.add_argument(
            "--status",
            action="append",
            default=[],
            choices=choices,
            help="only these; may be given several times",
        )
        parser.add_argument("--prefix", metavar="ID", help="only ids that begin so")


def _filter(arguments: argparse.Namespace) -> InstanceFilter:
    return InstanceFilter(statuses=frozenset(arguments.status), id_prefix=arguments.prefix)


def _list(arguments: argparse.Namespace) -> int:
    with open_connection(arguments.data) as connection:
        for record in instances(connection, _filter(arguments)):
            if arguments.json:
                print(json.dumps(_record_json(record)))
            else:
                print(
                    f"{record.runtime_status:<10} {record.created_at:%Y-%m-%d %H:%M:%S}"
                    f"  {record.name:<24} {record.instance_id}"
                )
    return 0


def _record_json(record: InstanceRecord) -> dict[str, str | None]:
    return {
        "instanceId": record.instance_id,
        "name": record.name,
        "runtimeStatus": record.runtime_status,
        "createdTime": record.created_at.isoformat(),
        "lastUpdatedTime": record.last_updated_at.isoformat(),
        "parentInstanceId": record.parent_instance_id,
    }


def _purge(arguments: argparse.Namespace) -> int:
    with open_connection(arguments.data) as connection:
        count = purge(connection, _filter(arguments))
    print(json.dumps({"instancesDeleted": count}) if arguments.json else f"{count} removed")
    return 0


def _examine(arguments: argparse.Namespace) -> int:
    with open_store(arguments.data) as store:
        report = asyncio.run(checkup.examine(store))
        bytes_on_disk = store.path.stat().st_size
    if arguments.json:
        document = {
            "schema": report.version,
            "bytes": bytes_on_disk,
            "freeBytes": report.free_bytes,
            "instances": report.instances,
            "rows": report.rows,
            "findings": [asdict(finding) for finding in report.findings],
        }
        print(json.dumps(document, indent=2))
    else:
        print(f"{store.path}: schema {report.version}, {bytes_on_disk:,} bytes")
        _print_report(report)
    return 1 if report.findings else 0


def _print_report(report: checkup.Checkup) -> None:
    for status, number in report.instances.items():
        print(f"  {status:<14} {number:>12,}")
    print("  " + ", ".join(f"{table} {rows:,}" for table, rows in report.rows.items()))
    if report.free_bytes > MUCH_FREE_BYTES:
        print(f"  {report.free_bytes:,} bytes of the file are unused; the next purge frees them")
    for finding in report.findings:
        print(f"! {finding.what}: {finding.advice}")
    print(f"{len(report.findings)} findings" if report.findings else "nothing is wrong")
