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
from typing import IO, TypeVar

from localhost.durable.storage import schema
from localhost.durable.storage.schema import StoreError
from localhost.durable.storage.transaction import Statement, Transaction

logger = logging.getLogger(__name__)

T = TypeVar("T")
Callback = Callable[[], None]
_Work = tuple[list[Statement], Callback | None]
STORE_FILE = "durable.sqlite"
_ROWS_A_QUERY = 500
# The last two are of values that SQLite cannot hold: half a surrogate pair, a number too large.
_WRITE_ERRORS = (sqlite3.Error, StoreError, ValueError, OverflowError)


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

    def submit(self, transaction: Transaction, callback: Callback | None = None) -> None:
        """Commit after everything submitted before; `callback` runs once it is on disk."""
        for sql, values in transaction.statements:
            if sql.startswith("INSERT INTO payloads"):
                self._uncommitted[values[0]] = values[2]
                callback = partial(self._after_payload_commit, values[0], callback)
        self._queue.put((transaction.statements, callback))

    def _after_payload_commit(self, payload_id: str, callback: Callback | None) -> None:
        del self._uncommitted[payload_id]
        if callback is not None:
            callback()

    async def commit(self, transaction: Transaction, callback: Callback | None = None) -> None:
        """Submit, and wait until it is on disk and `callback` has run."""
        if self.failure is not None:
            raise self.failure
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        self.submit(transaction, partial(resolve, future, callback))
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
            self._reader = sqlite3.connect(self.path, check_same_thread=False)
            self._reader.execute("PRAGMA query_only = ON")
        return query(self._reader)

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _write(self) -> None:
        try:
            with closing(_connect(self.path)) as connection:
                while self._write_group(connection):
                    pass
        except _WRITE_ERRORS as error:
            failure = StoreError(f"{self.path} can no longer be written: {error}")
            failure.__cause__ = error
            self._call(partial(self._fail, failure))

    def _write_group(self, connection: sqlite3.Connection) -> bool:
        """Commit everything that is waiting as one; say whether there will be more."""
        work = self._queue.get()
        callbacks: list[Callback] = []
        if work is not None:
            connection.execute("BEGIN IMMEDIATE")
        is_open = work is not None
        while work is not None:
            statements, callback = work
            for sql, values in statements:
                connection.execute(sql, values)
            if callback is not None:
                callbacks.append(callback)
            try:
                work = self._queue.get_nowait()
            except queue.Empty:
                connection.execute("COMMIT")
                self._call(partial(_run, callbacks))
                return True
        if is_open:
            connection.execute("COMMIT")
            self._call(partial(_run, callbacks))
        return False

    def _call(self, callback: Callback) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(callback)

    def _fail(self, failure: StoreError) -> None:
        logger.critical("%s", failure)
        self.failure = failure
        for future in list(self._pending):
            future.set_exception(failure)
        self.on_failure(failure)


def resolve(future: asyncio.Future[None], callback: Callback | None = None) -> None:
    """Run `callback`, and end the wait of whoever still waits."""
    if callback is not None:
        callback()
    if not future.done():
        future.set_result(None)


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


def _select_payloads(connection: sqlite3.Connection, ids: list[str]) -> list[tuple[str, str]]:
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT payload_id, text FROM payloads WHERE payload_id IN ({marks})"  # noqa: S608
    return connection.execute(sql, ids).fetchall()
