"""What an account counts is what the storage emulator has written down, request by request."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from fanout.adapters.accounts import open_account
from fanout.adapters.blob import BlobExistsError, BlobStore
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import RowConflictError, RowRange, TableStore, Write
from fanout.models.usage import STORAGE_OPERATIONS
from fanout.threads import ContextPool
from tests.support.hosts.logged_storage import LoggedStorage, count_kinds, logged_storage

MIB = 1_048_576
BlobCall = Callable[[BlobStore, str], object]
TableCall = Callable[[TableStore, str], object]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedStorage]:
    with logged_storage(tmp_path_factory.mktemp("logged")) as storage:
        yield storage


def write_large(store: BlobStore, container: str) -> None:
    writer = store.open_writer(container, "large", "text/plain")
    writer.write(b"x" * (9 * MIB))
    writer.close()


def write_twice(store: BlobStore, container: str) -> None:
    store.write(container, "new", b"x")
    with suppress(BlobExistsError):
        store.write(container, "new", b"x", if_none_match=True)


def read_by_threads(store: BlobStore, container: str) -> None:
    with ContextPool(4) as pool:
        [*pool.map(lambda _: store.read(container, "there"), range(8))]


BLOB_CALLS: dict[str, tuple[BlobCall, dict[str, int]]] = {
    "write": (lambda b, c: b.write(c, "a", b"x"), {"blob_writes": 1}),
    "write where there is no container": (
        lambda b, c: b.write(f"{c}-new", "a", b"x"),
        {"blob_writes": 2, "blob_lists": 1},
    ),
    # Whether it was this writer who has written it is asked for.
    "write again": (write_twice, {"blob_writes": 2, "blob_other": 1}),
    "write in blocks of 4 MiB": (write_large, {"blob_writes": 4}),
    "read": (lambda b, c: b.read(c, "there"), {"blob_reads": 1}),
    "read by threads": (read_by_threads, {"blob_reads": 8}),
    "stream 8 MiB at a time": (lambda b, c: [*b.stream(c, "nine")], {"blob_reads": 2}),
    "properties": (lambda b, c: b.properties(c, "there"), {"blob_other": 1}),
    "properties of none": (lambda b, c: b.properties(c, "none"), {"blob_other": 1}),
    "list": (lambda b, c: [*b.names(c, "")], {"blob_lists": 1}),
    "folders": (lambda b, c: b.folders(c, None, 9), {"blob_lists": 1}),
    "ping": (lambda b, c: b.ping(c), {"blob_other": 1}),
    "delete": (lambda b, c: b.delete(c, "there"), {"blob_deletes": 1}),
}


def write_in_vain(tables: TableStore, table: str) -> None:
    with suppress(RowConflictError):
        tables.write(table, "p", [Write("there", {"n": 1})])


TABLE_CALLS: dict[str, tuple[TableCall, dict[str, int]]] = {
    "write": (lambda t, n: t.write(n, "p", [Write("new", {"n": 1})]), {"table_writes": 1}),
    "write where there is no table": (
        lambda t, n: t.write(f"{n}new", "p", [Write("r", {"n": 1})]),
        {"table_writes": 3},
    ),
    "write in vain": (write_in_vain, {"table_writes": 1}),
    "write in one transaction": (
        lambda t, n: t.write(n, "p", [Write(f"r{i}", {"n": i}) for i in range(50)]),
        {"table_writes": 1},
    ),
    "merge": (
        lambda t, n: t.write(n, "p", [Write("there", {"n": 2}, mode="merge")]),
        {"table_writes": 1},
    ),
    "read": (lambda t, n: t.read(n, "p", ["there", "none"]), {"table_reads": 2}),
    "read all": (lambda t, n: t.read_all(n, "p"), {"table_reads": 1}),
    "read a range": (lambda t, n: t.read_range(n, "p", RowRange("a", "z"), 5), {"table_reads": 1}),
    "delete": (lambda t, n: t.delete(n, "p", ["there"]), {"table_writes": 1}),
}


def counts_of(logged: LoggedStorage, call: Callable[[], object]) -> dict[str, int]:
    """What the account and, the same, the emulator have counted of a call."""
    logged.new_requests()
    with open_account() as account:
        call()
    counted = account.operations.counts
    counted = {kind: counted[kind] for kind in STORAGE_OPERATIONS if counted[kind]}
    assert counted == count_kinds(logged.new_requests())
    return counted


@pytest.mark.parametrize("name", BLOB_CALLS)
def test_a_call_of_blob_storage_is_counted_as_the_service_has_seen_it(
    logged: LoggedStorage, name: str
):
    store = BlobStore.connect(StorageSettings(connection_string=logged.connection))
    container = f"c{secrets.token_hex(6)}"
    store.write(container, "there", b"x")
    store.write(container, "nine", b"x" * (9 * MIB))
    call, expected = BLOB_CALLS[name]
    assert counts_of(logged, lambda: call(store, container)) == expected


@pytest.mark.parametrize("name", TABLE_CALLS)
def test_a_call_of_table_storage_is_counted_as_the_service_has_seen_it(
    logged: LoggedStorage, name: str
):
    tables = TableStore.connect(StorageSettings(connection_string=logged.connection))
    table = f"t{secrets.token_hex(6)}"
    tables.write(table, "p", [Write("there", {"n": 1})])
    call, expected = TABLE_CALLS[name]
    assert counts_of(logged, lambda: call(tables, table)) == expected


def test_an_account_within_another_takes_what_is_used_meanwhile(logged: LoggedStorage):
    store = BlobStore.connect(StorageSettings(connection_string=logged.connection))
    with open_account() as outer:
        store.properties("cont", "none")
        with open_account() as inner:
            store.ping("cont")
            store.ping("cont")
        store.properties("cont", "none")
    assert (inner.operations.storage_operations, outer.operations.storage_operations) == (2, 2)
