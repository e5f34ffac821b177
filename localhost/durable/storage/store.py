"""The durable store: one SQLite file, one thread that writes it, one that reads it.

Transactions are committed in the order they were submitted, as many per disk write as are waiting
(group commit), and their callbacks run on the event loop in that order, after they are on disk.
"""

import asyncio
import fcntl
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from localhost.durable.errors import RefusedWriteError
from localhost.durable.storage import schema
from localhost.durable.storage.schema import StoreError
from localhost.durable.storage.transaction import Statement, Transaction

logger = logging.getLogger(__name__)

T = TypeVar("T")
Callback = Callable[[], None]
STORE_FILE = "durable.sqlite"
_ROWS_A_QUERY = 500
# Bytes that are no UTF-8 become escapes that JSON does not know: what holds them fails to parse.
UNREADABLE = "backslashreplace"
# Of what one transaction writes, and not of the file: a value that SQLite cannot hold, a row that
# contradicts another.
_REFUSALS = (
    ValueError,
    TypeError,
    OverflowError,
    MemoryError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
)


class _Work(NamedTuple):
    """A transaction, what follows once it is on disk, and what if it is refused."""

    statements: list[Statement]
    callback: Callback | None
    on_refusal: Callable[[RefusedWriteError], None] | None


class Store:
    """An open store; `open` it on the event loop's thread, `close` it when done."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self.failure: StoreError | None = None
        self.on_failure: Callable[[StoreError], None] = lambda error: None
        self._lock = lock
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._uncommitted: dict[str, str] = {}
        self._pending: set[asyncio.Future[None]] = set()
        self._reader: sqlite3.Connection | None = None
        self._tolerant_reader: sqlite3.Connection | None = None
        self._reads = ThreadPoolExecutor(1, thread_name_prefix="durable-read")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: threading.Thread | None = None

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open or create the file and take possession of it.

        Raises:
            StoreError: Another host uses it, it is damaged, foreign, or of a newer version.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _lock_file(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be opened: {error}") from error
        try:
            connection = _connect(path)
            connection.close()
        except BaseException:
            lock.close()
            raise
        return cls(path, lock)

    def start(self) -> None:
        """Begin to write; callbacks run on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._writer = threading.Thread(target=self._write, name="durable-write", daemon=True)
        self._writer.start()

    def release(self) -> None:
        """Let go of a file that was opened but never started."""
        self._reads.submit(self._close_reader).result()
        self._reads.shutdown()
        self._lock.close()

    async def close(self) -> None:
        """Write what was submitted, then let go of the file."""
        if self._writer is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._reads.submit(self._close_reader).result)
        self._reads.shutdown()
        self._lock.close()

    def submit(
        self,
        transaction: Transaction,
        callback: Callback | None = None,
        on_refusal: Callable[[RefusedWriteError], None] | None = None,
    ) -> None:
        """Commit after everything submitted before.

        Args:
            transaction: What to write, all of it or nothing.
            callback: Runs once it is on disk.
            on_refusal: Runs where the store does not take what is in it; others go on.
        """
        for sql, values in transaction.statements:
            if sql.startswith("INSERT INTO payloads"):
                self._uncommitted[values[0]] = values[2]
                callback = partial(self._after_payload_commit, values[0], callback)
        self._queue.put(_Work(transaction.statements, callback, on_refusal))

    def _after_payload_commit(self, payload_id: str, callback: Callback | None) -> None:
        del self._uncommitted[payload_id]
        if callback is not None:
            callback()

    async def commit(self, transaction: Transaction, callback: Callback | None = None) -> None:
        """Submit, and wait until it is on disk and `callback` has run.

        Raises:
            StoreError: The file can no longer be written.
            RefusedWriteError: The store does not take what is in it.
        """
        if self.failure is not None:
            raise self.failure
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)

        def refuse(error: RefusedWriteError) -> None:
            if not future.done():
                future.set_exception(error)

        self.submit(transaction, partial(resolve, future, callback), refuse)
        await future

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on what is on disk, on the reading thread."""
        return await asyncio.wrap_future(self._reads.submit(self._read, query))

    async def payloads(self, ids: Iterable[str]) -> dict[str, str]:
        """Fetch large texts by id, written or about to be."""
        wanted_ids = set(ids)
        texts = {key: self._uncommitted[key] for key in wanted_ids & self._uncommitted.keys()}
        missing = sorted(wanted_ids - texts.keys())
        for start in range(0, len(missing), _ROWS_A_QUERY):
            chunk = missing[start : start + _ROWS_A_QUERY]
            texts.update(await self.read(partial(_select_payloads, ids=chunk)))
        return texts

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        if self._reader is None:
            self._reader = _connect_reader(self.path)
        try:
            return query(self._reader)
        except sqlite3.OperationalError as error:
            if hasattr(error, "sqlite_errorcode"):  # SQLite itself says so
                raise
        # A text is no UTF-8, which Python's module finds; one such row must not hide the others.
        if self._tolerant_reader is None:
            self._tolerant_reader = _connect_reader(self.path)
            self._tolerant_reader.text_factory = lambda data: data.decode("utf-8", UNREADABLE)
        return query(self._tolerant_reader)

    def _close_reader(self) -> None:
        for reader in (self._reader, self._tolerant_reader):
            if reader is not None:
                reader.close()

    def _write(self) -> None:
        try:
            with closing(_connect(self.path)) as connection:
                while self._write_group(connection):
                    pass
        except BaseException as error:  # noqa: BLE001  without this thread nothing is kept
            failure = StoreError(f"{self.path} can no longer be written: {error}")
            failure.__cause__ = error
            self._call(partial(self._fail, failure))

    def _write_group(self, connection: sqlite3.Connection) -> bool:
        """Commit everything that is waiting as one; say whether there will be more."""
        work = self._queue.get()
        if work is None:
            return False
        group: list[_Work] = []
        connection.execute("BEGIN IMMEDIATE")
        try:
            while work is not None:
                group.append(work)
                _execute(connection, work)
                try:
                    work = self._queue.get_nowait()
                except queue.Empty:
                    break
            connection.execute("COMMIT")
        except _REFUSALS:
            connection.execute("ROLLBACK")
            self._write_each(connection, group)
        else:
            self._call(partial(_run, [work.callback for work in group if work.callback]))
        return work is not None

    def _write_each(self, connection: sqlite3.Connection, group: list[_Work]) -> None:
        """Commit one after the other, so that the one which is refused costs no other."""
        for work in group:
            connection.execute("BEGIN IMMEDIATE")
            try:
                _execute(connection, work)
                connection.execute("COMMIT")
            except _REFUSALS as error:
                connection.execute("ROLLBACK")
                self._call(partial(self._refuse, work, error))
            else:
                self._call(partial(_run, [work.callback] if work.callback else []))

    def _refuse(self, work: _Work, error: Exception) -> None:
        refusal = RefusedWriteError(f"the store does not take it: {error}")
        refusal.__cause__ = error
        logger.error("a step is not written: %s", refusal)
        for sql, values in work.statements:
            if sql.startswith("INSERT INTO payloads"):
                self._uncommitted.pop(values[0], None)
        if work.on_refusal is not None:
            work.on_refusal(refusal)

    def _call(self, callback: Callback) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(callback)

    def _fail(self, failure: StoreError) -> None:
        logger.critical("%s", failure)
        self.failure = failure
        for future in list(self._pending):
            if not future.done():
                future.set_exception(failure)
        self.on_failure(failure)


def resolve(future: asyncio.Future[None], callback: Callback | None = None) -> None:
    """Run `callback`, and end the wait of whoever still waits."""
    if callback is not None:
        callback()
    if not future.done():
        future.set_result(None)


def _execute(connection: sqlite3.Connection, work: _Work) -> None:
    for sql, values in work.statements:
        connection.execute(sql, values)


def _run(callbacks: list[Callback]) -> None:
    for callback in callbacks:
        try:
            callback()
        except Exception:
            # One engine step that fails must not keep the others of its group from running.
            logger.exception("a step after a commit failed")


def _lock_file(path: Path) -> IO[str]:
    """Lock a file beside the store, so that two hosts never run the same instances."""
    lock = path.with_name(path.name + ".lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise StoreError(f"{path} is in use by another host; stop that one first") from None
    return lock


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=64)
    try:
        schema.prepare(connection, str(path))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_reader(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _select_payloads(connection: sqlite3.Connection, ids: list[str]) -> list[tuple[str, str]]:
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT payload_id, text FROM payloads WHERE payload_id IN ({marks})"  # noqa: S608
    return connection.execute(sql, ids).fetchall()
